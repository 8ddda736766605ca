"""The shape of a decoder, from which its costs follow.

Every default is Pythia's, so that `Architecture(layers, width, heads, rows)` is a GPT-NeoX model of the suite. Parts
that other families change are values of their own: `Attention`, `Mlp`, `Norms`, `Embeddings`, `Recurrence`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Latent:
    """Multi-head latent attention: keys and values from one compressed vector per token, which is what is cached.

    query_rank: width of the compressed queries; None if queries are computed in one step.
    rank: width of the compressed keys and values.
    plain_width, rotary_width: dimensions of a head's keys without and with rotary positions; heads share the latter.
    value_width: width of a head's values.
    """

    query_rank: int | None
    rank: int
    plain_width: int
    rotary_width: int
    value_width: int


@dataclass(frozen=True)
class Attention:
    """Attention of a layer.

    kv_heads: heads of keys and values: None for as many as queries have, 1 for multi-query.
    head_width: None for width / heads.
    bias: whether queries, keys and values have biases; `output_bias` is that of the output.
    norm_values: values in the norms of queries and keys of a layer.
    sinks: whether each head has a learned sink.
    windows: tokens that a layer attends to at most, the token itself included; None for all. Layers take the entries in
        turn, from the first again after the last.
    """

    kv_heads: int | None = None
    head_width: int | None = None
    bias: bool = True
    output_bias: bool = True
    norm_values: int = 0
    sinks: bool = False
    windows: tuple[int | None, ...] = (None,)
    latent: Latent | None = None


@dataclass(frozen=True)
class Experts:
    """A mixture of experts in place of the MLP.

    count: routed experts of a layer; `active` of them run per token.
    width: hidden width of one expert.
    shared_width: hidden width of all shared experts together, which run for every token.
    shared_gate: whether a learned gate scales the shared experts.
    router_bias, bias: whether router and experts have biases.
    first_dense: layers at the beginning that have a plain MLP.
    every: of the others, each `every`-th layer has experts, counted from the first layer.
    """

    count: int
    active: int
    width: int
    shared_width: int = 0
    shared_gate: bool = False
    router_bias: bool = False
    bias: bool = False
    first_dense: int = 0
    every: int = 1


@dataclass(frozen=True)
class Mlp:
    """MLP of a layer.

    width: hidden width, None for 4 d.
    gated: three matrices (gate, up, down) rather than two.
    bias, output_bias: whether the matrices into and out of the hidden layer have biases.
    """

    width: int | None = None
    gated: bool = False
    bias: bool = True
    output_bias: bool = True
    experts: Experts | None = None


@dataclass(frozen=True)
class Norms:
    """Norms of width d.

    per_layer: in each layer: 2, 1 if attention and MLP share one, 4 in sandwiches.
    values: parameters per dimension: 2 for LayerNorm, 1 without shifts and for RMSNorm, 0 without scales.
    final, embedding: norms after the last layer, and after the embedding.
    """

    per_layer: int = 2
    values: int = 2
    final: bool = True
    embedding: bool = False


@dataclass(frozen=True)
class Embeddings:
    """Embedding and unembedding.

    tied: one matrix for both.
    width: None for d; otherwise a matrix leads from this width to d, and another one back.
    positions: rows of a table of learned positions.
    output_bias: whether the logits have a bias.
    """

    tied: bool = False
    width: int | None = None
    positions: int = 0
    output_bias: bool = False


@dataclass(frozen=True)
class Recurrence:
    """RWKV in place of attention: a state of constant size.

    version: 4, 5 (Eagle) or 6 (Finch).
    width: of attention, None for d.
    head_width: from version 5 on, a head's state is a square matrix of this width.
    mix_rank, decay_rank: ranks of version 6's data-dependent mixing and decay.
    """

    version: int
    width: int | None = None
    head_width: int = 64
    mix_rank: int = 32
    decay_rank: int = 64


@dataclass(frozen=True)
class Architecture:
    """Shape of a decoder; the defaults are those of all Pythia models.

    Untied embeddings, parallel attention and MLP, biases everywhere, MLP width 4 d.

    width: d.
    vocab_rows: V.
    context: in tokens.
    rotary_fraction: fraction of each head with rotary positions.
    family: the `model_type` of its config.json.
    """

    layers: int
    width: int
    heads: int
    vocab_rows: int
    context: int = 2048
    rotary_fraction: float = 0.25
    layer_norm_epsilon: float = 1e-5
    parallel_residual: bool = True
    family: str = "gpt_neox"
    attention: Attention = Attention()
    mlp: Mlp = Mlp()
    norms: Norms = Norms()
    embeddings: Embeddings = Embeddings()
    recurrence: Recurrence | None = None

    @property
    def head_width(self) -> int:
        """Return the width of one attention head."""
        return self.attention.head_width or self.width // self.heads

    @property
    def query_width(self) -> int:
        """Return the width of all heads' queries together."""
        return self.heads * self.attention.head_width if self.attention.head_width else self.width

    @property
    def kv_heads(self) -> int:
        """Return the heads of keys and values."""
        return self.attention.kv_heads or self.heads

    @property
    def kv_width(self) -> int:
        """Return the width of all heads' keys together, which is that of their values."""
        return self.query_width * self.kv_heads // self.heads

    @property
    def mlp_width(self) -> int:
        """Return the width of the MLP's hidden layer."""
        return self.mlp.width or 4 * self.width

    @property
    def embedding_width(self) -> int:
        """Return the width of embedding and unembedding."""
        return self.embeddings.width or self.width

    @property
    def rotary_width(self) -> int:
        """Return how many of a head's dimensions are rotated."""
        return int(self.head_width * self.rotary_fraction)

    @property
    def has_pythia_layers(self) -> bool:
        """Return whether embedding and layers are built as in all Pythia models, whatever their sizes."""
        parts = (self.family, self.attention, self.mlp, self.norms, self.embeddings, self.recurrence)
        return parts == ("gpt_neox", Attention(), Mlp(), Norms(), Embeddings(), None)
