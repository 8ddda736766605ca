"""Seconds extrapolated from models with few layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tokbench.pythia.measure.layer_probe import LayerProbe, draw_rounds
from tokbench.pythia.speed.curves import Curve, Curves, Seconds, Tokens


@dataclass(frozen=True)
class ProbedSpeed:
    """Times of a model on this machine, extrapolated in layers from two small models."""

    probe: LayerProbe

    @property
    def basis(self) -> str:
        """Return that these times were extrapolated."""
        return "extrapolated"

    @property
    def note(self) -> str:
        """Name backend, type, threads, layers and processor."""
        small, large = self.probe.small, self.probe.large
        return (
            f"{small.backend} {small.quantization}, {small.threads} threads, extrapolated from "
            f"{small.architecture.layers} and {large.architecture.layers} layers to {self.probe.architecture.layers}, "
            f"weights: random, {small.environment.processor}, A/A ratio {self.probe.aa_ratio:.2f}"
        )

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Interpolate linearly between the lengths; no time for no tokens."""
        return self._curves.prefill_seconds(tokens)

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Sum the steps after the first token, on a line between the contexts."""
        return self._curves.decode_seconds(prompts, new_tokens)

    def measurement_interval(self, prompts: Tokens, new_tokens: Tokens) -> tuple[Seconds, Seconds]:
        """Return bounds of each request's seconds: 95 % if rounds were drawn again, and the A/A ratio."""
        low, high = self._curves.measurement_interval(prompts, new_tokens)
        return low / self.probe.aa_ratio, high * self.probe.aa_ratio

    @cached_property
    def _curves(self) -> Curves:
        return Curves(self._draw("prefill", 1), self._draw("decode", 2))

    def _draw(self, phase: str, seed: int) -> Curve | None:
        pairs = [pair for pair in self.probe.pairs() if (pair[0].phase, pair[0].batch) == (phase, 1)]
        if not pairs:
            return None
        pairs.sort(key=lambda pair: pair[0].tokens)
        chosen = draw_rounds(len(pairs[0][0].rounds), seed)
        return Curve(
            np.array([small.tokens for small, _ in pairs], np.int64),
            np.array([self.probe.extend_rounds(*pair) for pair in pairs]),
            np.stack([self.probe.draw(*pair, chosen) for pair in pairs], axis=1),
        )
