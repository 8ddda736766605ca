"""Effective rates of a backend: what a fit to its timings gives, and how well it fits."""

from __future__ import annotations

from dataclasses import dataclass

from tokbench.pythia.model.work import Phase, Work


@dataclass(frozen=True)
class Fit:
    """How well rates fit the timings of one phase.

    `held_in` is the relative error on the timings that were fitted; `held_out` that on each model when the rates are
    fitted on the others, None where there is only one. Batches beyond `largest_batch` were not seen.
    """

    phase: Phase
    timings: int
    models: tuple[str, ...]
    largest_batch: int
    held_in: float
    held_out: float | None

    @property
    def error(self) -> float:
        """The error to state: held out where there is one, for estimates are of models that were not fitted."""
        return self.held_in if self.held_out is None else self.held_out


@dataclass(frozen=True)
class Rates:
    """Effective rates of a backend on a device, for a quantization and a number of threads.

    FLOP/s of the two phases (and of attention within a prompt, where it was given a rate of its own) and bytes/s; None
    where no timing was limited by that rate, so that it is not known and does not bound an estimate.
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

    def __str__(self) -> str:
        return f"{self.backend} {self.quantization} on {self.device} with {self.threads} threads"

    def find_fit(self, phase: Phase) -> Fit | None:
        """How well a phase was fitted; None where there was no timing of it."""
        return next((fit for fit in self.fits if fit.phase == phase), None)

    def times(self, phase: Phase, work: Work) -> tuple[float, float]:
        """Seconds that the arithmetic takes, and the moving of bytes; 0 for a rate that is not known."""
        speed = self.prefill_flops if phase == "prefill" else self.decode_flops
        apart = self.attention_flops if phase == "prefill" else None
        if speed is None:
            arithmetic = 0.0
        elif apart is None:
            arithmetic = work.flops / speed
        else:
            arithmetic = work.matrix_flops / speed + work.attention_flops / apart
        return arithmetic, 0.0 if self.bandwidth is None else work.moved_bytes / self.bandwidth
