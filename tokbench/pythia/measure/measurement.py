"""What was measured of one model on one backend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Literal

from tokbench._shared.environment import Environment
from tokbench.pythia.backends import Device
from tokbench.pythia.formats.checkpoint import WeightsKind
from tokbench.pythia.measure._process_memory import Memory
from tokbench.pythia.model.architecture import Architecture


@dataclass(frozen=True)
class PhaseRounds:
    """Seconds of each round.

    For prefill, of a prompt of `tokens`; for decoding, of one step of `batch` texts at context `tokens`.
    """

    phase: Literal["prefill", "decode"]
    batch: int
    tokens: int
    rounds: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Return the median of the rounds."""
        return median(self.rounds)

    @property
    def least(self) -> float:
        """Return the fastest round: noise only adds."""
        return min(self.rounds)

    def split(self) -> float:
        """Return ln(median of every second round / median of the others), for at least two rounds."""
        return math.log(median(self.rounds[1::2]) / median(self.rounds[::2]))

    def _rate(self, seconds: float) -> float:
        return self.batch * (self.tokens if self.phase == "prefill" else 1) / seconds

    @property
    def value(self) -> float:
        """Return tokens per second over the whole batch: median of the rounds."""
        return self._rate(self.seconds)

    @property
    def low(self) -> float:
        """Return tokens per second in the slowest round."""
        return self._rate(max(self.rounds))

    @property
    def high(self) -> float:
        """Return tokens per second in the fastest round."""
        return self._rate(min(self.rounds))


@dataclass(frozen=True)
class BackendMeasurement:
    """One model on one backend in one type.

    The measurements, and everything they depend on.

    before, loaded, generated: memory in bytes before loading (with libraries imported), after loading, and after
        `generated_tokens` new tokens for a prompt of `generation_prompt`.
    peak: peak memory over all of this and the longest prompt of `prompt_lengths` that fits the context, in bytes.
    device_bytes: memory that took on a CUDA device.
    timings: from later loads.
    load_average: of the machine, this measurement's own threads not counted; None if unknown.
    group: number of the group of models that took turns with it, 0 unless they did not all fit into memory together.
    """

    model: str
    architecture: Architecture
    weights: WeightsKind
    sha256: str
    backend: str
    quantization: str
    device: Device
    threads: int
    context: int
    generated_tokens: int
    generation_prompt: int
    file_bytes: int
    load_seconds: float
    before: Memory
    loaded: Memory
    generated: Memory
    peak: int | None
    device_bytes: int | None
    kv_bytes_per_value: int
    settings: Mapping[str, str]
    libraries: Mapping[str, str]
    environment: Environment
    timings: tuple[PhaseRounds, ...]
    load_average: float | None = None
    group: int = 0

    @property
    def aa_ratio(self) -> float | None:
        """Return by what factor the machine made unchanged work differ.

        Every second round against those between them: root mean square of ln(ratio of medians) over all timings, as a
        ratio of at least 1. None without two rounds of anything.
        """
        squares = [timing.split() ** 2 for timing in self.timings if len(timing.rounds) > 1]
        return math.exp(math.sqrt(sum(squares) / len(squares))) if squares else None


def spell_ratio(ratio: float | None) -> str:
    """Return an A/A ratio, or that it is unknown."""
    return "unknown" if ratio is None else f"{ratio:.2f}"


def spell_turns(took_turns: bool) -> str:
    """Say if models that are compared were not measured in turns: what the machine did in between is in no interval."""
    return "" if took_turns else ", timed one after the other, since they do not fit into memory together"
