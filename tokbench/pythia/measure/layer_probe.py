"""Extrapolate what a model takes from two models with few of its layers.

The two have the exact width, heads and vocabulary of the model, and random weights. Each layer adds the same time and
memory, so that T(L) = T(k1) + (L - k1) (T(k2) - T(k1)) / (k2 - k1), for prefill by length, steps by batch and context,
loading and resident memory. What the layers do not contain, such as the unembedding, is in T(k1): another vocabulary
changes only that, and the layers' share is measured once for all vocabularies.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.measure.groups import measure_groups
from tokbench.pythia.measure.measurement import BackendMeasurement, PhaseRounds
from tokbench.pythia.measure.memory_needs import check_free_memory
from tokbench.pythia.measure.probe import measure_backend
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import parameters
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.work import count_work

Floats = npt.NDArray[np.float64]

KNEE = 50 << 20
"""Bytes moved per step above which decoding no longer runs from the processor's cache."""
_ABOVE_KNEE = 1.5
_LEAST_LAYERS = 2
_MOST_TIMES = 6
"""By how much the difference of the two models is multiplied at most."""
DRAWS = 2000
COVERAGE = 0.95


@dataclass(frozen=True)
class Extrapolated:
    """An extrapolated figure, and an interval for what measuring the model here would give.

    low, high: None from a single round.
    """

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class LayerWork:
    """The timings of the same work by the models of a probe."""

    small: PhaseRounds
    base: PhaseRounds
    large: PhaseRounds


@dataclass(frozen=True)
class LayerProbe:
    """Measurements of models with few layers, and the shape of the whole model.

    small: with the model's vocabulary.
    base, large: with fewer and with more layers, in one vocabulary: the layers' share is the difference. `base` is
        `small` unless that vocabulary is another.
    """

    model: str
    architecture: Architecture
    small: BackendMeasurement
    large: BackendMeasurement
    base: BackendMeasurement

    def extend(self, read: Callable[[BackendMeasurement], float]) -> float:
        """Extrapolate a figure to all layers; more layers never take less."""
        return float(self._extend(*(np.array(read(one)) for one in (self.small, self.base, self.large))))

    def _extend(self, small: Floats, base: Floats, large: Floats) -> Floats:
        first, second = self.base.architecture.layers, self.large.architecture.layers
        per_layer = np.maximum(large - base, 0.0) / (second - first)
        return small + (self.architecture.layers - self.small.architecture.layers) * per_layer

    @property
    def run(self) -> tuple[BackendMeasurement, ...]:
        """Return what was measured, each once."""
        return tuple({id(one): one for one in (self.small, self.base, self.large)}.values())

    @property
    def aa_ratio(self) -> float | None:
        """Return by what factor unchanged work differed on this machine; None if unknown."""
        logs = [math.log(ratio) for one in self.run if (ratio := one.aa_ratio) is not None]
        return math.exp(math.sqrt(sum(log**2 for log in logs) / len(logs))) if logs else None

    @property
    def took_turns(self) -> bool:
        """Return whether all models were in memory together, and took turns."""
        return all(one.group == 0 for one in self.run)

    def works(self) -> tuple[LayerWork, ...]:
        """Return the timings of each kind of work."""
        timings = zip(self.small.timings, self.base.timings, self.large.timings, strict=True)
        return tuple(LayerWork(*same) for same in timings)

    def extend_rounds(self, work: LayerWork) -> float:
        """Extrapolate the fastest rounds: noise only adds."""
        return float(self._extend(*(np.array(timing.least) for timing in (work.small, work.base, work.large))))

    def draw(self, work: LayerWork, chosen: npt.NDArray[np.int64]) -> Floats:
        """Extrapolate resampled rounds.

        chosen: rounds of each draw, shape (draws, rounds); the models took turns, so that they share them.
        """
        timings = (work.small, work.base, work.large)
        return self._extend(*(np.array(timing.rounds)[chosen].min(axis=1) for timing in timings))

    def extrapolate(self, work: LayerWork) -> Extrapolated:
        """Extrapolate the seconds of one kind of work, with an interval.

        95 % of a bootstrap of the slope over rounds, widened by the machine's A/A ratio, since another measurement
        would differ by that.
        """
        value, ratio = self.extend_rounds(work), self.aa_ratio
        if ratio is None:
            return Extrapolated(value, None, None)
        draws = self.draw(work, draw_rounds(len(work.small.rounds)))
        low, high = np.quantile(draws, [(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
        return Extrapolated(value, min(float(low), value) / ratio, max(float(high), value) * ratio)

    def extrapolate_bytes(self, figure: str) -> int | None:
        """Extrapolate memory: `loaded` or `generated` (resident), `peak` or `file_bytes`; None if unknown.

        A peak is at least what is resident: loading may take more than that with few layers, and not with many.
        """

        def read(name: str, found: BackendMeasurement) -> float:
            value = getattr(found, name)
            return math.nan if value is None else value if isinstance(value, int) else value.rss

        extended = self.extend(partial(read, figure))
        if math.isnan(extended):
            return None
        resident = ("loaded", "generated") if figure == "peak" else ()
        return round(max([extended, *(self.extend(partial(read, name)) for name in resident)]))


def draw_rounds(rounds: int, seed: int = 0) -> npt.NDArray[np.int64]:
    """Draw rounds with replacement: shape (`DRAWS`, rounds)."""
    return np.random.default_rng(seed).integers(0, rounds, (DRAWS, rounds))


def choose_layers(architecture: Architecture, quantization: str, knee: int = KNEE) -> tuple[int, int]:
    """Return the layers k1 < k2 of the two models.

    k1 is the smallest, at least 2, whose decoding step moves 1.5 times the `knee`. k2 is half as many again, at least 2
    more, and enough that the difference is multiplied by at most 6: noise is multiplied by as much.
    """
    kind = find_quantization(quantization)
    first = _LEAST_LAYERS
    while first < architecture.layers:
        step = count_work(replace(architecture, layers=first), kind, "decode", tokens=1)
        if step.moved_bytes >= _ABOVE_KNEE * knee:
            break
        first += 1
    farther = math.ceil((architecture.layers - first) / _MOST_TIMES)
    return first, first + max(first // 2, _LEAST_LAYERS, farther)


def plan_layers(architectures: Sequence[Architecture], quantization: str) -> tuple[int, int] | None:
    """Return the layers of the two models for the smallest vocabulary.

    None if the model has at most twice as many as the larger one: then it is measured itself.

    architectures: they differ only in their vocabulary.
    """
    least = find_least(architectures)
    layers = choose_layers(least, quantization)
    return layers if least.layers > 2 * layers[1] else None


def find_least(architectures: Sequence[Architecture]) -> Architecture:
    """Return the one with the smallest vocabulary."""
    return min(architectures, key=lambda one: one.vocab_rows)


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
    """Measure two models with few layers of a model, taking turns; arguments and errors as for `probe_vocabularies`."""
    (probe,) = probe_vocabularies(name, [architecture], backend, quantization, threads, layers=layers, **sizes)
    return probe


def probe_vocabularies(
    name: str,
    architectures: Sequence[Architecture],
    backend: str,
    quantization: str,
    threads: int | None = None,
    *,
    layers: tuple[int, int] | None = None,
    **sizes: Any,
) -> tuple[LayerProbe, ...]:
    """Measure models with few layers of a model with different vocabularies, taking turns.

    Two with the smallest vocabulary, and one with each other vocabulary. Their weights are random, and created in
    tokbench's cache.

    architectures: distinct ones, which differ only in their vocabulary.
    layers: k1 < k2; default: `choose_layers` for the smallest vocabulary.
    sizes: as for `measure_together`.

    Raises TokbenchError for a shape that random weights are not written for, and like `measure_together`.
    """
    from tokbench.pythia.formats.opening import open_checkpoint
    from tokbench.pythia.formats.random_weights import make_in_cache

    for architecture in architectures:
        check_shape(name, architecture)
    least = find_least(architectures)
    first, second = layers or choose_layers(least, quantization)
    shapes = [replace(one, layers=first) for one in (least, *(one for one in architectures if one != least))]
    shapes.insert(1, replace(least, layers=second))
    for shape in shapes:
        _check_memory(shape, backend, quantization, f"{shape.layers} layers of {name}", sizes)
    rows = {shape.vocab_rows for shape in shapes}
    folders = [
        make_in_cache(shape, f"{name}-{shape.layers}-layers" + (f"-v{shape.vocab_rows}" if len(rows) > 1 else ""))
        for shape in shapes
    ]
    checkpoints = [open_checkpoint(folder) for folder in folders]
    measured = measure_groups(checkpoints, backend, quantization, threads, spread=True, **sizes)
    found = dict(zip(shapes, measured, strict=True))
    base, large = measured[:2]
    return tuple(LayerProbe(name, one, found[replace(one, layers=first)], large, base) for one in architectures)


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

    layers = plan_layers([architecture], quantization)
    if layers is not None:
        return probe_layers(name, architecture, backend, quantization, threads, layers=layers, **sizes)
    check_shape(name, architecture)
    _check_memory(architecture, backend, quantization, name, sizes)
    return measure_backend(open_checkpoint(make_in_cache(architecture, name)), backend, quantization, threads, **sizes)


def _check_memory(
    architecture: Architecture, backend: str, quantization: str, name: str, sizes: Mapping[str, Any]
) -> None:
    """Raise TokbenchError if a model would not fit into memory, before its weights are created."""
    asked = {key: value for key, value in sizes.items() if key in ("context", "device")}
    check_free_memory(architecture, backend, quantization, name=name, **asked)


def check_shape(name: str, architecture: Architecture) -> None:
    """Raise TokbenchError unless random weights of this shape can be written: those of GPT-NeoX models."""
    from tokbench.pythia.formats.weights import list_shapes

    written = sum(math.prod(shape) for shape in list_shapes(architecture).values())
    if written != parameters(architecture):
        message = f"no random weights of {name}: they are written for GPT-NeoX models only"
        raise TokbenchError(message, "measure a checkpoint of it instead")


def list_extrapolated(probe: LayerProbe) -> Sequence[tuple[PhaseRounds, Extrapolated]]:
    """Return every kind of work, as the small model's timing of it, with its extrapolated seconds."""
    return [(work.small, probe.extrapolate(work)) for work in probe.works()]
