"""How long a model takes for a prompt and per new token.

Measured here, or estimated from rates.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.measure.probe import BackendMeasurement
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.speed.rates import Rates
from tokbench.pythia.speed.roofline import MAX_ERROR, Refusal, predict, tabulate_seconds

Tokens = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]


class Speed(Protocol):
    """Times for one text at a time.

    On one backend, in one type, with one number of threads.
    """

    @property
    def basis(self) -> str:
        """Return `measured` or `estimated`."""
        ...

    @property
    def note(self) -> str:
        """Describe what the times are based on."""
        ...

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Return the seconds until the first new token, for each prompt length."""
        ...

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Return the seconds for the new tokens after the first, for each prompt length."""
        ...


def prompt_grid(tokens: Tokens, points: int = 5) -> tuple[int, ...]:
    """Choose prompt lengths to measure.

    The shortest, the longest, and quantiles in between.
    """
    return tuple(sorted({max(1, int(q)) for q in np.quantile(tokens, np.linspace(0, 1, points))}))


@dataclass(frozen=True)
class MeasuredSpeed:
    """Times of this exact shape on this machine.

    Prefill is interpolated linearly between measured lengths; every decoding step counts the same.
    """

    measurement: BackendMeasurement

    @property
    def basis(self) -> str:
        """Return that these times were measured."""
        return "measured"

    @property
    def note(self) -> str:
        """Name backend, type, threads, weights and processor."""
        found = self.measurement
        return (
            f"{found.backend} {found.quantization}, {found.threads} threads, weights: {found.weights}, "
            f"{found.environment.processor}"
        )

    def points(self, phase: str) -> tuple[Tokens, Seconds]:
        """Return the measured token counts and their seconds, ascending."""
        timed = sorted((t.tokens, t.seconds) for t in self.measurement.timings if t.phase == phase and t.batch == 1)
        if not timed:
            raise TokbenchError(f"{phase} was not timed at batch 1", "measure it first")
        tokens, seconds = zip(*timed, strict=True)
        return np.array(tokens, np.int64), np.array(seconds, np.float64)

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Interpolate linearly between the measured lengths; no time for no tokens."""
        lengths, seconds = self.points("prefill")
        return np.where(tokens > 0, np.interp(tokens, lengths, seconds), 0.0)

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Multiply one step's time by the tokens after the first.

        The step is timed at its measured context.
        """
        _, seconds = self.points("decode")
        return np.where(prompts > 0, np.maximum(new_tokens - 1, 0) * seconds[0], 0.0)


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
