"""Memory that a backend needs to run a model on a CPU, computed from the model's shape.

Constants are in MiB, measured on Linux with the models of docs/pythia.md; the module's tests hold the measurements and
say which of them the constants come from.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import kv_cache_bytes
from tokbench.pythia.model.memory import weigh
from tokbench.pythia.model.quantization import Quantization, find_quantization, require_runnable

_MIB = 1 << 20

_BEFORE = {"llamacpp": 45.5, "ctranslate2": 44.0, "transformers": 700.0}
"""Interpreter and libraries before a model is loaded."""
_OTHER_BEFORE = 100.0

_LLAMACPP_REST = 22.7
"""What llama.cpp holds beside weights and cache, whatever the model's size."""
_REPACKED = frozenset({"q4_0"})
"""Types whose matrices llama.cpp holds twice on x86: as in the file, and rearranged for the processor."""

LinearAlgebra = Literal["MKL", "MKL on AMD", "oneDNN"]
"""What CTranslate2 multiplies with: MKL packs matrices, and int8 on AMD processors in a way of its own."""

_MKL_REST = 19.0
_MKL_GROWTH = ((32.0, 7200.0), (16.0, 1000.0), (0.0, 250.0))
"""Bits per weight, from which on it holds so many more bytes per layer and unit of width."""
_MKL_LOADING = 1.93
"""Peak of CTranslate2 while loading, over the bytes of the weights: file contents and tensors are both in memory."""

_EIGHT = 8
_PACKED, _PACKING = 0.8, 8
"""On AMD: packed bytes over those of the matrices, and what packing the unembedding takes over its own."""

_ONEDNN_REST = 25.0
_ONEDNN_INT8 = 6500.0
"""What int8 takes beyond that, in bytes per unit of width."""


@dataclass(frozen=True)
class RamEstimate:
    """Memory of a process that runs a model, in bytes.

    before: before the model is loaded.
    weights: in their type, a second arrangement included.
    kv_cache: of all texts.
    rest: what else the backend holds.
    loading: peak while loading.
    """

    before: int
    weights: int
    kv_cache: int
    rest: int
    loading: int

    @property
    def resident(self) -> int:
        """Return the memory after generation."""
        return self.before + self.weights + self.kv_cache + self.rest

    @property
    def peak(self) -> int:
        """Return the largest of loading and running."""
        return max(self.loading, self.resident)


def find_cache_bytes(backend: str, quantization: str) -> int:
    """Return the bytes per value of the key-value cache on a CPU.

    float32 in CTranslate2, also for int8; 16 bits in llama.cpp; the type of the weights in transformers.
    """
    if backend == "llamacpp":
        return 2
    kind = find_quantization(quantization)
    return 2 if kind.vector_bytes == 2 and kind.family == "array" else 4


def estimate_ram(
    architecture: Architecture,
    backend: str,
    quantization: str,
    *,
    context: int,
    used: int,
    batch: int = 1,
    linear_algebra: LinearAlgebra = "MKL",
    stored_bytes: int | None = None,
) -> RamEstimate:
    """Estimate the memory of a process that runs a model on a CPU.

    context: tokens per text that llama.cpp reserves room for.
    used: tokens per text that are in the cache, which is what other backends hold.
    linear_algebra: of CTranslate2, which decides what it holds beside the weights.
    stored_bytes: of the weights in a file of several types; default: computed, all of them in one type.

    Raises the errors of `tokbench.pythia.model.quantization` for a type that is unknown or no longer run.
    """
    kind = find_quantization(quantization)
    require_runnable(kind)
    parts = weigh(architecture, kind)
    stored = weights = parts.total if stored_bytes is None else stored_bytes
    tokens = context if backend == "llamacpp" else used
    before = int(_MIB * _BEFORE.get(backend, _OTHER_BEFORE))
    loading = before + weights
    rest = 0
    if backend == "llamacpp":
        rest = int(_MIB * _LLAMACPP_REST)
        if kind.name in _REPACKED:
            weights += _count_matrices(architecture, kind) if stored_bytes is None else stored_bytes
    elif backend == "ctranslate2" and linear_algebra == "oneDNN":
        eight_bits = kind.bits_per_weight == _EIGHT
        rest = int(_MIB * _ONEDNN_REST + (_ONEDNN_INT8 * architecture.width if eight_bits else 0))
    elif backend == "ctranslate2":
        rest = int(_MIB * _MKL_REST + _find_growth(kind) * architecture.layers * architecture.width)
        loading = before + int(_MKL_LOADING * stored)
        if linear_algebra == "MKL on AMD" and kind.bits_per_weight == _EIGHT:
            weights += int(_PACKED * (parts.layers + parts.unembedding))
            loading = before + 2 * stored + _PACKING * parts.unembedding
    cache = batch * kv_cache_bytes(architecture, tokens, find_cache_bytes(backend, quantization))
    return RamEstimate(before, weights, cache, rest, loading)


def _find_growth(kind: Quantization) -> float:
    return next(rest for bits, rest in _MKL_GROWTH if kind.bits_per_weight >= bits)


def _count_matrices(architecture: Architecture, kind: Quantization) -> int:
    """Count the bytes of the layers' matrices, without biases and norms."""
    vectors = find_quantization("f32")
    return weigh(architecture, kind).layers - vectors.matrix_bytes(1, _count_vector_values(architecture))


def _count_vector_values(architecture: Architecture) -> int:
    """Count the values of biases and norms: what the layers have beyond their matrices.

    M values in matrices and v in vectors take 4 (M + v) bytes as f32, and 2 M + 4 v as f16.
    """
    values = weigh(architecture, find_quantization("f32")).layers // 4
    return (weigh(architecture, find_quantization("f16")).layers - 2 * values) // 2
