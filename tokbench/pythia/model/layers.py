"""What the layers of a model hold and compute: matrices, vectors, attention.

All costs are sums over this. Fused matrices are listed as one: neither parameters nor FLOPs nor stored rows depend on
whether they are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from tokbench.pythia.model.architecture import Architecture, Experts, Latent, Recurrence


@dataclass(frozen=True)
class Matrix:
    """A stored matrix.

    rows, columns: outputs and inputs.
    copies: how many of this shape there are, `used` of which multiply each token's vector.
    """

    rows: int
    columns: int
    copies: int = 1
    used: int = 1

    @property
    def values(self) -> int:
        """Return the values of all copies."""
        return self.rows * self.columns * self.copies

    @property
    def used_values(self) -> int:
        """Return the values that one token is multiplied by."""
        return self.rows * self.columns * self.used


@dataclass(frozen=True)
class Layer:
    """One layer.

    vectors: values outside of matrices (biases, norms, mixing weights), of which a token uses `used_vectors`.
    window: tokens attended to at most; None for all.
    prompt_flops: attention's FLOPs per pair of tokens when reading a prompt; `step_flops` when decoding.
    cached: values cached per token attended to.
    state: values of a constant state; `state_flops` are spent on it per token.
    """

    matrices: tuple[Matrix, ...]
    vectors: int
    used_vectors: int
    window: int | None = None
    prompt_flops: int = 0
    step_flops: int = 0
    cached: int = 0
    state: int = 0
    state_flops: int = 0


@dataclass(frozen=True)
class Group:
    """Layers that are equal, and how many."""

    count: int
    layer: Layer


@lru_cache(maxsize=256)
def list_layers(architecture: Architecture) -> tuple[Group, ...]:
    """List the layers, equal ones together, in the order of their first."""
    if architecture.recurrence is not None:
        return (Group(architecture.layers, _build_recurrent(architecture, architecture.recurrence)),)
    windows = architecture.attention.windows
    experts = architecture.mlp.experts
    if len(set(windows)) == 1 and (experts is None or (experts.first_dense, experts.every) == (0, 1)):
        kinds = {(windows[0], experts is not None): architecture.layers}
    else:
        kinds = Counter(
            (windows[index % len(windows)], experts is not None and _has_experts(experts, index))
            for index in range(architecture.layers)
        )
    return tuple(Group(count, _build(architecture, window, sparse)) for (window, sparse), count in kinds.items())


@lru_cache(maxsize=256)
def list_outside(architecture: Architecture) -> tuple[tuple[Matrix, ...], int]:
    """List matrices outside of layers and embeddings, and count the values of vectors there."""
    width, narrow, norms = architecture.width, architecture.embeddings.width, architecture.norms
    matrices = () if narrow is None else (Matrix(width, narrow), Matrix(narrow, width))
    return matrices, (norms.final + norms.embedding) * norms.values * width


def _has_experts(experts: Experts, index: int) -> bool:
    return index >= experts.first_dense and (index + 1) % experts.every == 0


def _build(architecture: Architecture, window: int | None, sparse: bool) -> Layer:
    latent, heads = architecture.attention.latent, architecture.heads
    matrices, vectors = _list_latent(architecture, latent) if latent else _list_attention(architecture)
    experts = architecture.mlp.experts if sparse else None
    more, stored, used = _list_experts(architecture, experts) if experts else _list_mlp(architecture)
    vectors += architecture.norms.per_layer * architecture.norms.values * architecture.width
    if latent:
        # A prompt's keys and values are expanded; a step multiplies its query and output by that matrix instead, and
        # attends to the cached vectors themselves.
        prompt = 2 * heads * (latent.plain_width + latent.rotary_width + latent.value_width)
        step = 2 * heads * (2 * latent.rank + latent.rotary_width)
        cached = latent.rank + latent.rotary_width
    else:
        prompt = step = 4 * architecture.query_width
        cached = 2 * architecture.kv_width
    return Layer(matrices + more, vectors + stored, vectors + used, window, prompt, step, cached)


def _list_attention(architecture: Architecture) -> tuple[tuple[Matrix, ...], int]:
    width, queries, attention = architecture.width, architecture.query_width, architecture.attention
    inputs = queries + 2 * architecture.kv_width
    vectors = attention.bias * inputs + attention.output_bias * width
    vectors += attention.norm_values + attention.sinks * architecture.heads
    return (Matrix(inputs, width), Matrix(width, queries)), vectors


def _list_latent(architecture: Architecture, latent: Latent) -> tuple[tuple[Matrix, ...], int]:
    width, heads, attention = architecture.width, architecture.heads, architecture.attention
    queries = heads * (latent.plain_width + latent.rotary_width)
    rank = latent.query_rank
    matrices = (
        *((Matrix(queries, width),) if rank is None else (Matrix(rank, width), Matrix(queries, rank))),
        Matrix(latent.rank + latent.rotary_width, width),
        Matrix(heads * (latent.plain_width + latent.value_width), latent.rank),
        Matrix(width, heads * latent.value_width),
    )
    biases = attention.bias * ((rank or 0) + latent.rank + latent.rotary_width) + attention.output_bias * width
    return matrices, (rank or 0) + latent.rank + biases


def _list_mlp(architecture: Architecture) -> tuple[tuple[Matrix, ...], int, int]:
    width, mlp, hidden = architecture.width, architecture.mlp, architecture.mlp_width
    inputs = hidden * (1 + mlp.gated)
    vectors = mlp.bias * inputs + mlp.output_bias * width
    return (Matrix(inputs, width), Matrix(width, hidden)), vectors, vectors


def _list_experts(architecture: Architecture, experts: Experts) -> tuple[tuple[Matrix, ...], int, int]:
    width, inputs = architecture.width, experts.width * (1 + architecture.mlp.gated)
    matrices: tuple[Matrix, ...] = (
        Matrix(experts.count, width),
        Matrix(inputs, width, experts.count, experts.active),
        Matrix(width, experts.width, experts.count, experts.active),
    )
    if experts.shared_width:
        shared = experts.shared_width
        matrices += (Matrix(shared * (1 + architecture.mlp.gated), width), Matrix(width, shared))
    if experts.shared_gate:
        matrices += (Matrix(1, width),)
    router, each = experts.router_bias * experts.count, experts.bias * (inputs + width)
    return matrices, router + experts.count * each, router + experts.active * each


def _build_recurrent(architecture: Architecture, recurrence: Recurrence) -> Layer:
    width, hidden = architecture.width, architecture.mlp_width
    inner = recurrence.width or width
    projections = 3 if recurrence.version == 4 else 4  # key, value, receptance; from version 5 on also a gate
    matrices: tuple[Matrix, ...] = (
        *(Matrix(inner, width, projections, projections), Matrix(width, inner)),
        *(Matrix(hidden, width), Matrix(width, hidden), Matrix(width, width)),
    )
    # Mixing of time and channels, decay and bonus, norm of the heads' outputs.
    vectors = {4: 5 * width + 2 * inner, 5: 6 * width + 4 * inner, 6: 8 * width + 4 * inner}[recurrence.version]
    if recurrence.version == 6:
        mix, decay = recurrence.mix_rank, recurrence.decay_rank
        matrices += (Matrix(5 * mix, width), Matrix(width, mix, 5, 5))
        matrices += (Matrix(decay, width), Matrix(inner, decay))
    vectors += architecture.norms.per_layer * architecture.norms.values * width
    # Version 4 keeps a numerator, a denominator and their exponent; later ones a matrix per head. Each token's values
    # are added to it and read from it, at two FLOPs a value each. Both mixings keep the previous token's vector.
    summed = 2 * inner if recurrence.version == 4 else inner * recurrence.head_width
    state = summed + (inner if recurrence.version == 4 else 0) + 2 * width
    return Layer(matrices, vectors, vectors, state=state, state_flops=4 * summed)
