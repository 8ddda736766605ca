"""How long a model takes for a prompt and per new token.

Measured here, or estimated from rates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from tokbench.errors import TokbenchError
from tokbench.pythia.measure.layer_probe import draw_rounds
from tokbench.pythia.measure.measurement import BackendMeasurement, spell_ratio, spell_turns
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.speed.curves import Curve, Curves, Seconds, Tokens
from tokbench.pythia.speed.rates import Rates
from tokbench.pythia.speed.roofline import MAX_ERROR, Refusal, predict, tabulate_seconds


class Speed(Protocol):
    """Times for one text at a time.

    On one backend, in one type, with one number of threads.
    """

    @property
    def basis(self) -> str:
        """Return `measured`, `extrapolated` or `estimated`."""
        ...

    @property
    def note(self) -> str:
        """Describe what the times are based on."""
        ...

    @property
    def source(self) -> str:
        """Identify what the times come from, for signatures."""
        ...

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Return the seconds until the first new token, for each prompt length."""
        ...

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Return the seconds for the new tokens after the first, for each prompt length."""
        ...


@runtime_checkable
class TimedSpeed(Speed, Protocol):
    """Times that come from rounds of measuring, whose spread is known."""

    @property
    def aa_ratio(self) -> float | None:
        """Return by what factor unchanged work differed on this machine; None if unknown."""
        ...

    def draw_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Return each request's seconds from resampled rounds: shape (*prompts.shape, draws).

        A draw has the same rounds in all speeds that were measured together, so that ratios of draws can be compared.
        """
        ...


def prompt_grid(tokens: Tokens, points: int = 5) -> tuple[int, ...]:
    """Choose prompt lengths to measure.

    The shortest, the longest, and quantiles in between.
    """
    return tuple(sorted({max(1, int(q)) for q in np.quantile(tokens, np.linspace(0, 1, points))}))


@dataclass(frozen=True)
class MeasuredSpeed:
    """Times of this exact shape on this machine: medians of the rounds."""

    measurement: BackendMeasurement

    @property
    def basis(self) -> str:
        """Return that these times were measured."""
        return "measured"

    @property
    def note(self) -> str:
        """Name backend, type, threads, weights and processor, and how far unchanged work differed."""
        found = self.measurement
        return (
            f"{found.backend} {found.quantization}, {found.threads} threads, weights: {found.weights}, "
            f"{found.environment.processor}, A/A ratio {spell_ratio(found.aa_ratio)}{spell_turns(found.group == 0)}"
        )

    @property
    def source(self) -> str:
        """Return that they were measured, and with how many threads."""
        return f"measured/{self.measurement.threads}"

    @property
    def aa_ratio(self) -> float | None:
        """Return by what factor unchanged work differed on this machine; None if unknown."""
        return self.measurement.aa_ratio

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Interpolate linearly between the measured lengths; no time for no tokens."""
        return self._curves.prefill_seconds(tokens)

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Sum the steps after the first token, on a line between the measured contexts."""
        return self._curves.decode_seconds(prompts, new_tokens)

    def draw_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Return each request's seconds from medians of resampled rounds."""
        return self._curves.draw_seconds(prompts, new_tokens)

    @cached_property
    def _curves(self) -> Curves:
        return Curves(self._draw("prefill", 1), self._draw("decode", 2))

    def _draw(self, phase: str, seed: int) -> Curve | None:
        timed = [t for t in self.measurement.timings if (t.phase, t.batch) == (phase, 1)]
        if not timed:
            return None
        timed.sort(key=lambda timing: timing.tokens)
        chosen = draw_rounds(len(timed[0].rounds), seed)
        return Curve(
            np.array([timing.tokens for timing in timed], np.int64),
            np.array([timing.seconds for timing in timed]),
            np.stack([np.median(np.array(timing.rounds)[chosen], axis=1) for timing in timed], axis=1),
        )


@dataclass(frozen=True)
class EstimatedSpeed:
    """Times from effective rates, fitted to other models.

    Refused if known to be too inaccurate.
    """

    rates: Rates
    architecture: Architecture

    @property
    def basis(self) -> str:
        """Return that these times were estimated."""
        return "estimated"

    @property
    def note(self) -> str:
        """Name the rates, and the typical error of such estimates."""
        errors = ", ".join(f"{fit.phase} off by {100 * fit.error:.0f} %" for fit in self.rates.fits)
        return f"rates of {self.rates}; typically {errors}"

    @property
    def source(self) -> str:
        """Name what the rates are of, with the start of their SHA-256."""
        digest = hashlib.sha256(repr(self.rates).encode()).hexdigest()[:8]
        return f"timings/{self.rates.backend}/{self.rates.threads}@sha256:{digest}"

    def check(self, longest: int) -> None:
        """Raise TokbenchError if an estimate would be refused."""
        for phase in ("prefill", "decode"):
            found = predict(self.rates, self.architecture, phase, tokens=longest, max_error=MAX_ERROR)
            if isinstance(found, Refusal):
                raise TokbenchError(f"no estimate of {phase}: {found.reason}", "measure more models, or this one")

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Return the roofline's time for each length."""
        table = tabulate_seconds(self.rates, self.architecture, "prefill", tokens=int(tokens.max(initial=1)))
        return table[tokens]

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Sum the roofline's times of the steps.

        At contexts S + 1 to S + n - 1 after a prompt of S.
        """
        ends = prompts + np.maximum(new_tokens - 1, 0)
        table = tabulate_seconds(self.rates, self.architecture, "decode", tokens=int(ends.max(initial=1)))
        running = np.cumsum(table)
        return np.where(prompts > 0, running[ends] - running[prompts], 0.0)


def find_rates(fitted: Sequence[Rates], backend: str | None, quantization: str) -> Rates:
    """Return the rates of a type, and of a backend if one is named.

    Raises TokbenchError if there are none or several.
    """
    fitting = [r for r in fitted if r.quantization == quantization and backend in (None, r.backend)]
    if len(fitting) != 1:
        there = "; ".join(map(str, fitted)) or "none"
        what = "no rates" if not fitting else "several rates"
        raise TokbenchError(f"{what} for {backend or 'any backend'} in {quantization}", f"the timings have: {there}")
    return fitting[0]
