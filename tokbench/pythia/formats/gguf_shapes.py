"""The shape of a model of any architecture, from the metadata and tensor shapes of its GGUF file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from tokbench._shared.visible_text import reveal
from tokbench.catalog.gguf_header import Header
from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture, Attention, Embeddings, Experts, Latent, Mlp, Norms

_NORMS = ("attn_norm", "attn_norm_2", "ffn_norm", "post_attention_norm", "post_ffw_norm", "attn_post_norm")
_BROKEN = "download the file again"


def read_shape(path: Path, header: Header) -> Architecture:
    """Read the shape of a decoder with attention.

    Where layers differ in heads or widths, the largest ones count; windows of attention are not read. Raises
    TokbenchError for a value that is missing or no size, and for recurrent models.
    """
    fields = Metadata(path, header)
    width, layers = fields.read_size("embedding_length"), fields.read_size("block_count")
    heads = fields.find_size("attention.head_count")
    if heads is None:
        raise TokbenchError(f"{path}: {fields.kind} has no attention heads", "recurrent models are not supported")
    kv_heads = fields.find_size("attention.head_count_kv") or heads
    latent = _read_latent(fields)
    head_width = (fields.find_size("attention.key_length") if latent is None else None) or width // heads
    if head_width < 1 or kv_heads > heads:
        raise TokbenchError(
            f"{path}: {heads} heads, {kv_heads} of keys and values, do not fit the width {width}", _BROKEN
        )
    rotary = fields.find_size("rope.dimension_count") or head_width
    tensors = _Tensors(header, layers)
    return Architecture(
        layers=layers,
        width=width,
        heads=heads,
        vocab_rows=tensors.count_rows(path),
        context=fields.read_size("context_length"),
        rotary_fraction=min(rotary / head_width, 1.0),
        layer_norm_epsilon=fields.read_epsilon(),
        parallel_residual=not tensors.has("ffn_norm.weight"),
        family=fields.kind,
        attention=Attention(
            kv_heads=None if kv_heads == heads else kv_heads,
            head_width=None if head_width * heads == width else head_width,
            bias=tensors.has("attn_q.bias", "attn_qkv.bias"),
            output_bias=tensors.has("attn_output.bias"),
            norm_values=tensors.count_values("attn_q_norm.weight", "attn_k_norm.weight"),
            sinks=tensors.has("attn_sinks.weight"),
            latent=latent,
        ),
        mlp=_read_mlp(fields, tensors),
        norms=Norms(
            per_layer=sum(tensors.has(f"{name}.weight") for name in _NORMS),
            values=2 if tensors.has("attn_norm.bias") else 1,
            final="output_norm.weight" in header.tensors,
            embedding="token_embd_norm.weight" in header.tensors,
        ),
        embeddings=Embeddings(
            tied="output.weight" not in header.tensors,
            positions=header.tensors["position_embd.weight"].shape[0]
            if "position_embd.weight" in header.tensors
            else 0,
            output_bias="output.bias" in header.tensors,
        ),
    )


def _read_latent(fields: Metadata) -> Latent | None:
    rank = fields.find_size("attention.kv_lora_rank")
    if rank is None:
        return None
    rotary = fields.read_size("rope.dimension_count")
    keys = fields.find_size("attention.key_length_mla") or fields.read_size("attention.key_length")
    values = fields.find_size("attention.value_length_mla") or fields.read_size("attention.value_length")
    if keys <= rotary:
        raise TokbenchError(f"{fields.path}: keys of {keys} values, {rotary} of them rotary, leave no others", _BROKEN)
    return Latent(fields.find_size("attention.q_lora_rank"), rank, keys - rotary, rotary, values)


def _read_mlp(fields: Metadata, tensors: _Tensors) -> Mlp:
    hidden, count = fields.find_size("feed_forward_length"), fields.find_size("expert_count")
    experts = None
    if count is not None:
        each = fields.find_size("expert_feed_forward_length") or fields.read_size("feed_forward_length")
        shared = fields.find_size("expert_shared_feed_forward_length")
        experts = Experts(
            count=count,
            active=fields.read_size("expert_used_count"),
            width=each,
            shared_width=shared or (fields.find_size("expert_shared_count") or 0) * each,
            shared_gate=tensors.has("ffn_gate_inp_shexp.weight"),
            router_bias=tensors.has("ffn_gate_inp.bias", "exp_probs_b.bias"),
            bias=tensors.has("ffn_up_exps.bias"),
            first_dense=fields.find_size("leading_dense_block_count") or 0,
        )
    rows = tensors.find_rows("ffn_up.weight")  # twice the hidden width, where the gate is part of it
    gated = tensors.has("ffn_gate.weight", "ffn_gate_exps.weight") or (hidden is not None and rows == 2 * hidden)
    return Mlp(
        width=hidden,
        gated=gated,
        bias=tensors.has("ffn_up.bias"),
        output_bias=tensors.has("ffn_down.bias"),
        experts=experts,
    )


@dataclass(frozen=True)
class _Tensors:
    """Tensors of the layers, by their name within a layer."""

    header: Header
    layers: int

    def has(self, *names: str) -> bool:
        return any(f"blk.{layer}.{name}" in self.header.tensors for name in names for layer in (0, self.layers - 1))

    def count_values(self, *names: str) -> int:
        found = [self.header.tensors.get(f"blk.0.{name}") for name in names]
        return sum(int(np.prod(tensor.shape)) for tensor in found if tensor is not None)

    def find_rows(self, name: str) -> int | None:
        tensor = self.header.tensors.get(f"blk.0.{name}")
        return None if tensor is None else tensor.shape[0]

    def count_rows(self, path: Path) -> int:
        embedding = self.header.tensors.get("token_embd.weight")
        if embedding is None or len(embedding.shape) != 2:
            raise TokbenchError(f"{path}: the tensor token_embd.weight is missing", "the file is incomplete")
        return embedding.shape[0]


class Metadata:
    """Metadata of the architecture that `general.architecture` names."""

    def __init__(self, path: Path, header: Header) -> None:
        kind = header.fields.get("general.architecture")
        if not isinstance(kind, str) or not kind:
            raise TokbenchError(f"{path}: the metadata has no general.architecture", _BROKEN)
        self.path, self.kind = path, reveal(kind)[:40]
        self._fields = header.fields
        self._prefix = kind

    def read_size(self, key: str) -> int:
        """Return a size; TokbenchError if it is missing or not a whole number above 0 that fits 31 bits."""
        found = self.find_size(key)
        if found is None:
            value = self._fields.get(f"{self._prefix}.{key}")
            if value is not None:
                raise TokbenchError(f"{self.path}: {self.kind}.{key} is 0, expected a positive integer", _BROKEN)
            raise TokbenchError(f"{self.path}: the metadata has no {self.kind}.{key}", _BROKEN)
        return found

    def find_size(self, key: str) -> int | None:
        """Return a size, the largest of a list; None if it is missing or 0, which writers use alike."""
        value = self._fields.get(f"{self._prefix}.{key}")
        listed: Iterable[Any] = value.tolist() if isinstance(value, np.ndarray) else [value]
        largest = max(listed, default=None, key=lambda one: one if type(one) is int else -1)
        if largest is None or largest == 0:
            return None
        if type(largest) is not int or not 0 < largest < 1 << 31:
            shown = reveal(repr(largest))[:60]
            raise TokbenchError(f"{self.path}: {self.kind}.{key} is {shown}, expected a positive integer", _BROKEN)
        return largest

    def read_epsilon(self) -> float:
        """Return the epsilon of the norms; TokbenchError unless it is a number above 0."""
        keys = [f"attention.{name}" for name in ("layer_norm_rms_epsilon", "layer_norm_epsilon")]
        key = next((key for key in keys if f"{self._prefix}.{key}" in self._fields), keys[-1])
        value = self._fields.get(f"{self._prefix}.{key}", Architecture.layer_norm_epsilon)
        if type(value) is not float or not 0 < value < inf:
            shown = reveal(repr(value))[:60]
            raise TokbenchError(f"{self.path}: {self.kind}.{key} is {shown}, expected a number above 0", _BROKEN)
        return float(f"{value:.6g}")
