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
from tokbench.pythia.model.layers import Layer, Matrix, list_layers, list_outside
from tokbench.pythia.model.quantization import QUANTIZATIONS, Quantization

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class WeightBytes:
    """Bytes of a model's weights.

    embedding: the embedding, and learned positions.
    embedding_row: bytes moved to read one token's row of the embedding, and of its position.
    layers: all layers, and norms and projections outside of them.
    unembedding: the matrix of the logits; if `tied`, it is that of the embedding, and stored once.
    experts: routed experts of a layer, 0 without; `active` of them run per token.
    routed: bytes of all routed experts, a part of `layers`.
    """

    embedding: int
    embedding_row: int
    layers: int
    unembedding: int
    tied: bool = False
    experts: int = 0
    active: int = 0
    routed: int = 0

    @property
    def total(self) -> int:
        """Return the sum of embedding, layers and unembedding, a shared matrix once."""
        return self.embedding + self.layers + (0 if self.tied else self.unembedding)

    def layers_read(self, tokens: int) -> int:
        """Return the bytes of the layers that a step with `tokens` tokens has to read.

        All of them without experts; with experts, the mean if each token chooses its experts independently and evenly:
        n (1 - (1 - k / n)^tokens) of n experts. Trained routers are less even, so this is nearly the most.
        """
        if not self.experts:
            return self.layers
        unread = (1 - self.active / self.experts) ** tokens
        return self.layers - round(self.routed * unread)


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
    in one type. llama-quantize makes the unembedding q6_k instead: `unembedding=find_quantization("q6_k")`. If both are
    one matrix, either argument sets its type.

    Raises TokbenchError if rows are not whole blocks, or if one matrix should have two types.
    """
    width, rows, tied = architecture.embedding_width, architecture.vocab_rows, architecture.embeddings.tied
    if tied and embedding is not None and unembedding is not None and embedding != unembedding:
        message = f"embedding and unembedding are one matrix, which cannot be {embedding.label} and {unembedding.label}"
        raise TokbenchError(message, "name one type")
    first = embedding or (unembedding if tied else None) or quantization
    last = unembedding or (embedding if tied else None) or quantization
    outside, vectors = list_outside(architecture)
    layers = _weigh_parts(outside, vectors, quantization)
    routed = 0
    for group in list_layers(architecture):
        layers += group.count * _weigh_parts(group.layer.matrices, group.layer.vectors, quantization)
        routed += group.count * _weigh_routed(group.layer, quantization)
    experts = architecture.mlp.experts
    positions = architecture.embeddings.positions
    return WeightBytes(
        embedding=first.matrix_bytes(rows, width) + first.matrix_bytes(positions, architecture.width),
        embedding_row=first.matrix_bytes(1, width) + first.matrix_bytes(min(positions, 1), architecture.width),
        layers=layers,
        unembedding=last.matrix_bytes(rows, width) + architecture.embeddings.output_bias * rows * last.vector_bytes,
        tied=tied,
        experts=experts.count if experts else 0,
        active=experts.active if experts else 0,
        routed=routed,
    )


def _weigh_parts(matrices: tuple[Matrix, ...], vectors: int, quantization: Quantization) -> int:
    stored = sum(matrix.copies * quantization.matrix_bytes(matrix.rows, matrix.columns) for matrix in matrices)
    return stored + vectors * quantization.vector_bytes


def _weigh_routed(layer: Layer, quantization: Quantization) -> int:
    """Count the bytes of a layer's routed experts: of what a token uses only a part of."""
    if layer.vectors == layer.used_vectors and all(matrix.copies == matrix.used for matrix in layer.matrices):
        return 0
    routed = tuple(matrix for matrix in layer.matrices if matrix.copies != matrix.used)
    count, active = (routed[0].copies, routed[0].used) if routed else (1, 0)
    biases = (layer.vectors - layer.used_vectors) * count // (count - active)
    return _weigh_parts(routed, biases, quantization)


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
    """Tabulate the size of a model's weights in every type that its rows allow.

    Columns: quantization (the label), family, bits_per_weight, weight_bytes, since, until (dates), runnable,
    runs (which backends, in words).
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
                "runs": entry.runs,
            }
            for entry in QUANTIZATIONS
            if _fits(architecture, entry)
        ],
        schema={
            "quantization": pl.String,
            "family": pl.String,
            "bits_per_weight": pl.Float64,
            "weight_bytes": pl.Int64,
            "since": pl.Date,
            "until": pl.Date,
            "runnable": pl.Boolean,
            "runs": pl.String,
        },
    )


def _fits(architecture: Architecture, quantization: Quantization) -> bool:
    matrices = [matrix for group in list_layers(architecture) for matrix in group.layer.matrices]
    columns = {matrix.columns for matrix in (*matrices, *list_outside(architecture)[0])}
    return all(width % quantization.block_size == 0 for width in columns | {architecture.embedding_width})


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
