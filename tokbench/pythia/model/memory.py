"""Memory of a model in bytes: its weights in each type, and running it.

Weights are exact.

Weights are counted as tensor data, without headers, names or padding of a file.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from tokbench.errors import TokbenchError
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import kv_cache_bytes
from tokbench.pythia.model.quantization import QUANTIZATIONS, Quantization

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class WeightBytes:
    """Bytes of a model's weights.

    embedding_row: bytes moved to read one token's row of the embedding.
    layers: all layers and the final norm.
    """

    embedding: int
    embedding_row: int
    layers: int
    unembedding: int

    @property
    def total(self) -> int:
        """Return the sum of embedding, layers and unembedding."""
        return self.embedding + self.layers + self.unembedding


@lru_cache(maxsize=256)
def weigh(
    architecture: Architecture,
    quantization: Quantization,
    *,
    embedding: Quantization | None = None,
    unembedding: Quantization | None = None,
) -> WeightBytes:
    """Count the bytes of the weights by part.

    Matrices are in their type, biases and norms take its `vector_bytes`. Embedding and unembedding have the type of the
    layers unless another is given: tokbench, ctranslate2's conversion and ggml's converters of 2023 write every matrix
        in
    one type. llama-quantize makes the unembedding q6_k instead: `unembedding=find_quantization("q6_k")`.

    Raises TokbenchError if rows are not whole blocks.
    """
    width, rows = architecture.width, architecture.vocab_rows
    hidden = architecture.mlp_width
    shapes = ((3 * width, width), (width, width), (hidden, width), (width, hidden))
    matrices = sum(quantization.matrix_bytes(*shape) for shape in shapes)
    # Biases of the four matrices, scale and shift of two norms; after the layers, scale and shift of the final norm.
    vectors = 3 * width + width + hidden + width + 4 * width
    layers = (
        architecture.layers * (matrices + vectors * quantization.vector_bytes) + 2 * width * quantization.vector_bytes
    )
    first = quantization if embedding is None else embedding
    last = quantization if unembedding is None else unembedding
    return WeightBytes(
        first.matrix_bytes(rows, width), first.matrix_bytes(1, width), layers, last.matrix_bytes(rows, width)
    )


def weight_bytes(
    architecture: Architecture,
    quantization: Quantization,
    *,
    embedding: Quantization | None = None,
    unembedding: Quantization | None = None,
) -> int:
    """Count the bytes of all weights of a model; arguments and errors as for `weigh`."""
    return weigh(architecture, quantization, embedding=embedding, unembedding=unembedding).total


def weight_table(architecture: Architecture) -> pl.DataFrame:
    """Tabulate the size of a model's weights in every type that its width allows.

    Columns: quantization (the label), family, bits_per_weight, weight_bytes, since, until (dates), runnable.
    """
    import polars as pl

    return pl.DataFrame(
        [
            {
                "quantization": entry.label,
                "family": entry.family,
                "bits_per_weight": entry.bits_per_weight,
                "weight_bytes": weight_bytes(architecture, entry),
                "since": entry.since,
                "until": entry.until,
                "runnable": not entry.historic,
            }
            for entry in QUANTIZATIONS
            if architecture.width % entry.block_size == 0
        ],
        schema={
            "quantization": pl.String,
            "family": pl.String,
            "bits_per_weight": pl.Float64,
            "weight_bytes": pl.Int64,
            "since": pl.Date,
            "until": pl.Date,
            "runnable": pl.Boolean,
        },
    )


@dataclass(frozen=True)
class MemoryEstimate:
    """Memory needed to run a model, in bytes.

    Weights, key-value cache, backend overhead.
    """

    weights: int
    kv_cache: int
    overhead: int

    @property
    def total(self) -> int:
        """Return the sum of all parts."""
        return self.weights + self.kv_cache + self.overhead


def estimate_memory(
    architecture: Architecture,
    quantization: Quantization,
    *,
    tokens: int,
    batch: int = 1,
    bytes_per_value: int = 2,
    overhead: int = 0,
) -> MemoryEstimate:
    """Estimate the memory needed to run a model.

    On `batch` texts of `tokens` tokens each.

    tokens: tokens in the cache: the full context window for llama.cpp, which reserves it; the tokens read and generated
        for ctranslate2 and transformers.
    overhead: other memory of the backend's process in bytes: interpreter, libraries, activations, repacked copies. It
        has to be measured for each backend, as resident memory minus weights and cache.

    Raises TokbenchError for an empty batch, or if rows are not whole blocks.
    """
    if batch < 1:
        raise TokbenchError(f"a batch of {batch} texts", "use at least 1")
    return MemoryEstimate(
        weight_bytes(architecture, quantization),
        batch * kv_cache_bytes(architecture, tokens, bytes_per_value),
        overhead,
    )
