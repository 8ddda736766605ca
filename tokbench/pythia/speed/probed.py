"""Seconds extrapolated from models with few layers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tokbench.pythia.measure.layer_probe import LayerProbe, draw_rounds
from tokbench.pythia.measure.measurement import spell_ratio, spell_turns
from tokbench.pythia.speed.curves import Curve, Curves, Seconds, Tokens


@dataclass(frozen=True)
class ProbedSpeed:
    """Times of a model on this machine, extrapolated in layers from small models."""

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
            f"weights: random, {small.environment.processor}, A/A ratio {spell_ratio(self.probe.aa_ratio)}"
            f"{spell_turns(self.probe.took_turns)}"
        )

    @property
    def source(self) -> str:
        """Name the layers that they are extrapolated from, and the number of threads."""
        small, large = self.probe.small, self.probe.large
        return f"extrapolated/{small.architecture.layers},{large.architecture.layers}/{small.threads}"

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Interpolate linearly between the lengths; no time for no tokens."""
        return self._curves.prefill_seconds(tokens)

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Sum the steps after the first token, on a line between the contexts."""
        return self._curves.decode_seconds(prompts, new_tokens)

    @property
    def aa_ratio(self) -> float | None:
        """Return by what factor unchanged work differed on this machine; None if unknown."""
        return self.probe.aa_ratio

    def draw_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Return each request's seconds, extrapolated from the fastest of resampled rounds."""
        return self._curves.draw_seconds(prompts, new_tokens)

    @cached_property
    def _curves(self) -> Curves:
        return Curves(self._draw("prefill", 1), self._draw("decode", 2))

    def _draw(self, phase: str, seed: int) -> Curve | None:
        timed = [work for work in self.probe.works() if (work.small.phase, work.small.batch) == (phase, 1)]
        if not timed:
            return None
        timed.sort(key=lambda work: work.small.tokens)
        chosen = draw_rounds(len(timed[0].small.rounds), seed)
        return Curve(
            np.array([work.small.tokens for work in timed], np.int64),
            np.array([self.probe.extend_rounds(work) for work in timed]),
            np.stack([self.probe.draw(work, chosen) for work in timed], axis=1),
        )
