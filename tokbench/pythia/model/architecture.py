"""The shape of a GPT-NeoX model, from which its costs follow."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Architecture:
    """Shape of a GPT-NeoX decoder.

    As in all Pythia models: untied embeddings, parallel attention and MLP, biases everywhere, MLP width 4 d.

    width: d.
    vocab_rows: V.
    context: in tokens.
    rotary_fraction: fraction of each head with rotary positions.
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
        """Return the width of one attention head."""
        return self.width // self.heads

    @property
    def mlp_width(self) -> int:
        """Return the width of the MLP's hidden layer."""
        return 4 * self.width

    @property
    def rotary_width(self) -> int:
        """Return how many of a head's dimensions are rotated."""
        return int(self.head_width * self.rotary_fraction)
