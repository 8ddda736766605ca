"""The shape of a GPT-NeoX model: what its costs follow from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """Shape of a GPT-NeoX decoder: numbers of layers, of attention heads; `width` d, `vocab_rows` V.

    Embeddings untied, attention and MLP parallel, biases everywhere, MLP width 4 d, rotary positions on a
    `rotary_fraction` of each head, context in tokens: as in all Pythia models.
    """

    layers: int
    width: int
    heads: int
    vocab_rows: int
    context: int = 2048
    rotary_fraction: float = 0.25
    layer_norm_epsilon: float = 1e-5
    parallel_residual: bool = True

    @property
    def head_width(self) -> int:
        """Width of one attention head."""
        return self.width // self.heads

    @property
    def mlp_width(self) -> int:
        """Width of the hidden layer of the MLP."""
        return 4 * self.width

    @property
    def rotary_width(self) -> int:
        """How many of a head's dimensions are rotated."""
        return int(self.head_width * self.rotary_fraction)
