"""LLaMA written out in numpy, from its definition: what backends are held against."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from helpers.neox import Array, softmax
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.weights import Weights
from tokbench.pythia.model.architecture import Architecture

Read = Callable[[str], Array]


def read_weights(checkpoint: Checkpoint) -> Read:
    """Read all tensors of a folder."""
    with Weights(checkpoint.weight_files, checkpoint.architecture) as weights:
        tensors = {name: weights.read(name).astype(np.float64) for name in weights.dtypes}
    return tensors.__getitem__


def forward(read: Read, shape: Architecture, ids: Sequence[int], base: float = 10000.0) -> Array:
    """Return the logits after each token: (tokens, V)."""

    def normalise(x: Array, name: str) -> Array:
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + shape.layer_norm_epsilon) * read(name)

    def multiply(x: Array, name: str, bias: bool) -> Array:
        return x @ read(f"{name}.weight").T + (read(f"{name}.bias") if bias else 0)

    def rotate(x: Array) -> Array:
        half = shape.head_width // 2
        angles = np.outer(np.arange(len(ids)), base ** (-np.arange(half) / half))[:, None]
        first, second = x[..., :half], x[..., half:]
        turned = (first * np.cos(angles) - second * np.sin(angles), second * np.cos(angles) + first * np.sin(angles))
        return np.concatenate(turned, -1)

    x = read("model.embed_tokens.weight")[list(ids)]
    future = np.triu(np.full((len(ids), len(ids)), -np.inf), 1)
    for i in range(shape.layers):
        name = f"model.layers.{i}"
        seen = normalise(x, f"{name}.input_layernorm.weight")
        query, key, value = (
            multiply(seen, f"{name}.self_attn.{one}_proj", shape.attention.bias).reshape(len(ids), -1, shape.head_width)
            for one in "qkv"
        )
        query, key = rotate(query), rotate(key)
        key, value = (np.repeat(one, shape.heads // shape.kv_heads, 1) for one in (key, value))
        scores = np.einsum("thd,shd->hts", query, key) / np.sqrt(shape.head_width) + future
        mixed = np.einsum("hts,shd->thd", softmax(scores), value).reshape(len(ids), -1)
        x = x + multiply(mixed, f"{name}.self_attn.o_proj", shape.attention.output_bias)
        seen = normalise(x, f"{name}.post_attention_layernorm.weight")
        gate = multiply(seen, f"{name}.mlp.gate_proj", shape.mlp.bias)
        up = multiply(seen, f"{name}.mlp.up_proj", shape.mlp.bias)
        x = x + multiply(gate / (1 + np.exp(-gate)) * up, f"{name}.mlp.down_proj", shape.mlp.output_bias)
    last = "model.embed_tokens.weight" if shape.embeddings.tied else "lm_head.weight"
    return normalise(x, "model.norm.weight") @ read(last).T
