"""GPT-NeoX written out in numpy, from its definition: what backends are held against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.weights import Weights

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Variant:
    """How the forward pass goes; every default is GPT-NeoX's, all else a mistake that a converter could make."""

    heads_interleaved: bool = True
    rotary_width: int | None = None
    rotary_pairs_adjacent: bool = False
    parallel_residual: bool | None = None
    tied: bool = False


GPT_NEOX = Variant()


def normalise(x: Array, scale: Array, shift: Array, epsilon: float) -> Array:
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + epsilon) * scale + shift


def rotate(x: Array, width: int, adjacent: bool) -> Array:
    """Rotate the first `width` dimensions of each head by the position; x is (tokens, heads, head width)."""
    angles = np.outer(np.arange(len(x)), 10000.0 ** (-np.arange(0, width, 2) / width))[:, None]
    turned = x.copy()
    if adjacent:
        first, second = x[..., 0:width:2], x[..., 1:width:2]
        turned[..., 0:width:2] = first * np.cos(angles) - second * np.sin(angles)
        turned[..., 1:width:2] = second * np.cos(angles) + first * np.sin(angles)
    else:
        first, second = x[..., : width // 2], x[..., width // 2 : width]
        turned[..., : width // 2] = first * np.cos(angles) - second * np.sin(angles)
        turned[..., width // 2 : width] = second * np.cos(angles) + first * np.sin(angles)
    return turned


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def log_softmax(x: npt.NDArray[Any]) -> Array:
    shifted = x.astype(np.float64) - x.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def forward(checkpoint: Checkpoint, ids: Sequence[int], variant: Variant = GPT_NEOX) -> Array:
    """The logits after each token in float64: (tokens, V_rows)."""
    shape = checkpoint.architecture
    tokens, heads, width = len(ids), shape.heads, shape.head_width
    rotary = shape.rotary_width if variant.rotary_width is None else variant.rotary_width
    parallel = shape.parallel_residual if variant.parallel_residual is None else variant.parallel_residual
    erf = np.vectorize(math.erf)
    with Weights(checkpoint.weight_files, shape) as weights:

        def read(name: str) -> Array:
            return weights.read(name).astype(np.float64)

        def apply(x: Array, name: str) -> Array:
            return x @ read(f"{name}.weight").T + read(f"{name}.bias")

        def norm(x: Array, name: str) -> Array:
            return normalise(x, read(f"{name}.weight"), read(f"{name}.bias"), shape.layer_norm_epsilon)

        x = read("gpt_neox.embed_in.weight")[list(ids)]
        for i in range(shape.layers):
            layer = f"gpt_neox.layers.{i}"
            fused = apply(norm(x, f"{layer}.input_layernorm"), f"{layer}.attention.query_key_value")
            if variant.heads_interleaved:
                q, k, v = np.moveaxis(fused.reshape(tokens, heads, 3, width), 2, 0)
            else:
                q, k, v = np.moveaxis(fused.reshape(tokens, 3, heads, width), 1, 0)
            q, k = (rotate(part, rotary, variant.rotary_pairs_adjacent) for part in (q, k))
            scores = np.einsum("qhd,khd->hqk", q, k) / math.sqrt(width)
            scores = np.where(np.tri(tokens, dtype=bool), scores, -np.inf)
            mixed = np.einsum("hqk,khd->qhd", softmax(scores), v).reshape(tokens, -1)
            attended = apply(mixed, f"{layer}.attention.dense")
            before = x if parallel else x + attended
            hidden = apply(norm(before, f"{layer}.post_attention_layernorm"), f"{layer}.mlp.dense_h_to_4h")
            hidden = hidden / 2 * (1 + erf(hidden / math.sqrt(2)))
            x = x + attended + apply(hidden, f"{layer}.mlp.dense_4h_to_h")
        last = norm(x, "gpt_neox.final_layer_norm")
        return last @ read("gpt_neox.embed_in.weight" if variant.tied else "embed_out.weight").T


def continue_greedily(checkpoint: Checkpoint, ids: Sequence[int], new_tokens: int) -> list[int]:
    """The ids that follow, each the most probable one but 0, the end of the text."""
    sequence = list(ids)
    for _ in range(new_tokens):
        sequence.append(int(np.argmax(forward(checkpoint, sequence)[-1, 1:])) + 1)
    return sequence[len(ids) :]


def relative_error(found: npt.NDArray[Any], expected: Array) -> float:
    """The largest difference over the largest value, rows centred: a constant added to a row changes no probability."""
    centred = expected - expected.mean(-1, keepdims=True)
    difference = found - found.mean(-1, keepdims=True) - centred
    return float(np.abs(difference).max() / np.abs(centred).max())
