"""Extrapolate what a model takes from two models with few of its layers.

The two have the exact width, heads and vocabulary of the model, and random weights. Each layer adds the same time and
memory, so that T(L) = T(k1) + (L - k1) (T(k2) - T(k1)) / (k2 - k1), for prefill by length, steps by batch and context,
loading and resident memory. What the layers do not contain, such as the unembedding, is in T(k1).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.measure.measurement import BackendMeasurement, PhaseRounds
from tokbench.pythia.measure.probe import measure_backend, measure_together
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import parameters
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.work import count_work

Floats = npt.NDArray[np.float64]

KNEE = 50 << 20
"""Bytes moved per step above which decoding no longer runs from the processor's cache."""
_ABOVE_KNEE = 1.5
_LEAST_LAYERS = 2
DRAWS = 2000
COVERAGE = 0.95


@dataclass(frozen=True)
class Extrapolated:
    """An extrapolated figure, and an interval for what measuring the model here would give."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LayerProbe:
    """Two measurements of a model with few of its layers, and the shape of the whole model."""

    model: str
    architecture: Architecture
    small: BackendMeasurement
    large: BackendMeasurement

    def extend(self, small: float, large: float) -> float:
        """Extrapolate a figure of the two models to all layers; more layers never take less."""
        return float(self._extend(np.array(small), np.array(large)))

    def _extend(self, small: Floats, large: Floats) -> Floats:
        first, second = self.small.architecture.layers, self.large.architecture.layers
        per_layer = np.maximum(large - small, 0.0) / (second - first)
        return small + (self.architecture.layers - first) * per_layer

    @property
    def aa_ratio(self) -> float:
        """Return by what factor unchanged work differed on this machine, 1 if unknown."""
        logs = [math.log(ratio) for one in (self.small, self.large) if (ratio := one.aa_ratio) is not None]
        return math.exp(math.sqrt(sum(log**2 for log in logs) / len(logs))) if logs else 1.0

    def pairs(self) -> tuple[tuple[PhaseRounds, PhaseRounds], ...]:
        """Return the timings of the small and the large model, of the same work."""
        return tuple(zip(self.small.timings, self.large.timings, strict=True))

    def extend_rounds(self, small: PhaseRounds, large: PhaseRounds) -> float:
        """Extrapolate the fastest rounds: noise only adds."""
        return self.extend(small.least, large.least)

    def draw(self, small: PhaseRounds, large: PhaseRounds, chosen: npt.NDArray[np.int64]) -> Floats:
        """Extrapolate resampled rounds.

        chosen: rounds of each draw, shape (draws, rounds); the models took turns, so that they share them.
        """
        first, second = (np.array(timing.rounds)[chosen].min(axis=1) for timing in (small, large))
        return self._extend(first, second)

    def extrapolate(self, small: PhaseRounds, large: PhaseRounds) -> Extrapolated:
        """Extrapolate the seconds of one kind of work, with an interval.

        95 % of a bootstrap of the slope over rounds, widened by the machine's A/A ratio, since another measurement
        would differ by that.
        """
        draws = self.draw(small, large, draw_rounds(len(small.rounds)))
        value = self.extend_rounds(small, large)
        low, high = np.quantile(draws, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        return Extrapolated(value, min(float(low), value) / self.aa_ratio, max(float(high), value) * self.aa_ratio)

    def extrapolate_bytes(self, figure: str) -> int | None:
        """Extrapolate memory: `loaded` or `generated` (resident), `peak` or `file_bytes`; None if unknown."""
        sizes = [_read_bytes(one, figure) for one in (self.small, self.large)]
        return None if None in sizes else round(self.extend(*sizes))  # type: ignore[arg-type]


def _read_bytes(found: BackendMeasurement, figure: str) -> int | None:
    value = getattr(found, figure)
    return value if value is None or isinstance(value, int) else int(value.rss)


def draw_rounds(rounds: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Draw rounds with replacement: shape (`DRAWS`, rounds)."""
    return np.random.default_rng(seed).integers(0, rounds, (DRAWS, rounds))


def choose_layers(architecture: Architecture, quantization: str, knee: int = KNEE) -> tuple[int, int]:
    """Return the layers k1 < k2 of the two models.

    k1 is the smallest, at least 2, whose decoding step moves 1.5 times the `knee`; k2 is half as many again, and at
    least 2 more.
    """
    kind = find_quantization(quantization)
    first = _LEAST_LAYERS
    while first < architecture.layers:
        step = count_work(replace(architecture, layers=first), kind, "decode", tokens=1)
        if step.moved_bytes >= _ABOVE_KNEE * knee:
            break
        first += 1
    return first, first + max(first // 2, _LEAST_LAYERS)


def is_worth_probing(architecture: Architecture, layers: tuple[int, int]) -> bool:
    """Return whether the model is larger than both small ones are together: otherwise it is measured itself."""
    return architecture.layers > 2 * layers[1]


def probe_layers(
    name: str,
    architecture: Architecture,
    backend: str,
    quantization: str,
    threads: int | None = None,
    *,
    layers: tuple[int, int] | None = None,
    **sizes: Any,
) -> LayerProbe:
    """Measure two models with few layers of a model, taking turns.

    Their weights are random, and created in tokbench's cache.

    layers: k1 < k2; default: `choose_layers`.
    sizes: as for `measure_together`.

    Raises TokbenchError for a shape that random weights are not written for, and like `measure_together`.
    """
    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make_in_cache

    check_shape(name, architecture)
    chosen = layers or choose_layers(architecture, quantization)
    shapes = [replace(architecture, layers=count) for count in chosen]
    folders = [make_in_cache(shape, f"{name}-{shape.layers}-layers") for shape in shapes]
    small, large = measure_together([open_checkpoint(f) for f in folders], backend, quantization, threads, **sizes)
    return LayerProbe(name, architecture, small, large)


def probe_or_measure(
    name: str,
    architecture: Architecture,
    backend: str,
    quantization: str,
    threads: int | None = None,
    **sizes: Any,
) -> LayerProbe | BackendMeasurement:
    """Probe a model by its layers, or measure it with random weights if it has few; arguments as for `probe_layers`."""
    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make_in_cache

    if is_worth_probing(architecture, choose_layers(architecture, quantization)):
        return probe_layers(name, architecture, backend, quantization, threads, **sizes)
    check_shape(name, architecture)
    return measure_backend(open_checkpoint(make_in_cache(architecture, name)), backend, quantization, threads, **sizes)


def check_shape(name: str, architecture: Architecture) -> None:
    """Raise TokbenchError unless random weights of this shape can be written: those of GPT-NeoX models."""
    from tokbench.pythia.formats.weights import list_shapes

    written = sum(math.prod(shape) for shape in list_shapes(architecture).values())
    if written != parameters(architecture):
        message = f"no random weights of {name}: they are written for GPT-NeoX models only"
        raise TokbenchError(message, "measure a checkpoint of it instead")


def list_extrapolated(probe: LayerProbe) -> Sequence[tuple[PhaseRounds, Extrapolated]]:
    """Return every kind of work, as the small model's timing of it, with its extrapolated seconds."""
    return [(small, probe.extrapolate(small, large)) for small, large in probe.pairs()]
