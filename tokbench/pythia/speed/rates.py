"""Effective rates of a backend, fitted to its timings, and how well they fit."""

from __future__ import annotations

from dataclasses import dataclass

from tokbench.pythia.model.work import Phase, Work


@dataclass(frozen=True)
class Fit:
    """How well rates fit the timings of one phase.

    largest_batch: larger batches were not seen.
    held_in: relative error on the fitted timings.
    held_out: relative error on each model when rates are fitted to the others; None if there is only one model.
    """

    phase: Phase
    timings: int
    models: tuple[str, ...]
    largest_batch: int
    held_in: float
    held_out: float | None

    @property
    def error(self) -> float:
        """Return the error to report.

        Held out if available, since estimates are for unseen models.
        """
        return self.held_in if self.held_out is None else self.held_out


@dataclass(frozen=True)
class Rates:
    """Effective rates of a backend.

    On a device, for a quantization and a number of threads.

    prefill_flops, decode_flops, attention_flops: FLOP/s of both phases, and of attention within a prompt if it has a
    rate
        of its own.
    bandwidth: bytes/s.

    prefill_terms, decode_terms: seconds per unit of `_four_terms.list_terms`, where a sum of those estimates models
        that were not fitted better than the rates do; None where it does not.

    A rate is None if it limited no timing; it is then unknown and does not bound estimates.
    """

    backend: str
    device: str
    quantization: str
    threads: int
    kv_bytes_per_value: int
    prefill_flops: float | None
    decode_flops: float | None
    attention_flops: float | None
    bandwidth: float | None
    fits: tuple[Fit, ...]
    prefill_terms: tuple[float, ...] | None = None
    decode_terms: tuple[float, ...] | None = None

    def __str__(self) -> str:
        return f"{self.backend} {self.quantization} on {self.device} with {self.threads} threads"

    def find_fit(self, phase: Phase) -> Fit | None:
        """Return how well a phase was fitted; None if it was not timed."""
        return next((fit for fit in self.fits if fit.phase == phase), None)

    def find_terms(self, phase: Phase) -> tuple[float, ...] | None:
        """Return the coefficients of a phase that is estimated as a sum; None if by rates."""
        return self.prefill_terms if phase == "prefill" else self.decode_terms

    def times(self, phase: Phase, work: Work) -> tuple[float, float]:
        """Return the seconds for arithmetic and for moving bytes; 0 for an unknown rate."""
        speed = self.prefill_flops if phase == "prefill" else self.decode_flops
        apart = self.attention_flops if phase == "prefill" else None
        if speed is None:
            arithmetic = 0.0
        elif apart is None:
            arithmetic = work.flops / speed
        else:
            arithmetic = work.matrix_flops / speed + work.attention_flops / apart
        return arithmetic, 0.0 if self.bandwidth is None else work.moved_bytes / self.bandwidth
