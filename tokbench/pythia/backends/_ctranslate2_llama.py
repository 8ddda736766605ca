"""Fill a CTranslate2 decoder with the tensors of a LLaMA-like checkpoint."""

from __future__ import annotations

from typing import Any

import numpy as np

from tokbench.pythia.formats.llama import UNEMBEDDING
from tokbench.pythia.formats.weights import Weights, as_float32
from tokbench.pythia.model.architecture import Architecture


def fill_llama(decoder: Any, weights: Weights, architecture: Architecture, stored: str) -> None:
    """Set the tensors of a decoder, quantised to the type `stored`.

    Each part is quantised before the next is read, so that only one is in memory twice.
    """

    def finish(part: Any) -> None:
        part.validate()
        part._quantize(stored)

    attention, mlp = architecture.attention, architecture.mlp
    embedding = "model.embed_tokens.weight"
    decoder.scale_embeddings = False
    decoder.embeddings.weight = weights.read(embedding)
    finish(decoder.embeddings)
    decoder.projection.weight = weights.read(embedding if architecture.embeddings.tied else UNEMBEDDING)
    finish(decoder.projection)
    decoder.layer_norm.gamma = as_float32(weights.read("model.norm.weight"))
    finish(decoder.layer_norm)
    for i, layer in enumerate(decoder.layer):
        name = f"model.layers.{i}"
        fused, output = layer.self_attention.linear
        layer.self_attention.layer_norm.gamma = as_float32(weights.read(f"{name}.input_layernorm.weight"))
        layer.ffn.layer_norm.gamma = as_float32(weights.read(f"{name}.post_attention_layernorm.weight"))
        _fill_linear(fused, weights, [f"{name}.self_attn.{one}_proj" for one in "qkv"], attention.bias)
        _fill_linear(output, weights, [f"{name}.self_attn.o_proj"], attention.output_bias)
        _fill_linear(layer.ffn.linear_0, weights, [f"{name}.mlp.gate_proj"], mlp.bias)
        _fill_linear(layer.ffn.linear_0_noact, weights, [f"{name}.mlp.up_proj"], mlp.bias)
        _fill_linear(layer.ffn.linear_1, weights, [f"{name}.mlp.down_proj"], mlp.output_bias)
        finish(layer)


def _fill_linear(spec: Any, weights: Weights, names: list[str], bias: bool) -> None:
    """Set a matrix and its bias; several are stacked."""
    spec.weight = np.concatenate([weights.read(f"{name}.weight") for name in names])
    if bias:
        spec.bias = np.concatenate([weights.read(f"{name}.bias") for name in names])
