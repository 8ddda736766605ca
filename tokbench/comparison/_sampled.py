"""Sample a stream until the intervals of its values are as narrow as asked."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import polars as pl

from tokbench._shared.progress import Progress
from tokbench.adapters import Tokenizer
from tokbench.corpora import Stream
from tokbench.corpora._sampling import Drawing, Piece, Stratum
from tokbench.errors import CorpusWarning, TokbenchError
from tokbench.measurement import Measurements
from tokbench.measurement.sampled import SampleCounts
from tokbench.measurement.shard_task import ShardSettings
from tokbench.measurement.streams import InterruptedStreamError, StreamMeasurements
from tokbench.metrics import Metric, Mixture, Reference, evaluate
from tokbench.metrics.precision import LOOK_LEVEL, find_wide, is_sampleable, list_looked_at
from tokbench.metrics.resampling import Bootstrap

FIRST = 64
"""Pieces that are drawn first from each group."""

GROWTH = 1.1
"""Ratio of a size of a sample to the one before."""

CAUTION = 0.8
"""The next size is at least this part of what seems to be needed: the spread may be overestimated."""

LEAP = 4.0
"""By how much a sample grows at most from round to round."""

Pieces = Mapping[str, Sequence[Piece]]
"""Pieces by stratum."""


def schedule_sizes() -> Iterator[int]:
    """Yield the sizes that a sample of a group may have: fixed before anything is read."""
    size = float(FIRST)
    while True:
        yield round(size)
        size *= GROWTH


def count_first(stratum: Stratum) -> int:
    """Return the bytes of the first pieces of a stratum, about."""
    return stratum.size * min(FIRST, len(stratum)) // max(len(stratum), 1)


def find_next_size(size: int, excess: float) -> int:
    """Return the size of a sample after one of `size` pieces, whose intervals are too wide by a factor `excess`."""
    wanted = min(LEAP, CAUTION * excess**2) * size
    return next(next_size for next_size in schedule_sizes() if next_size > size and next_size >= wanted)


def draw_until_narrow(
    drawings: Sequence[Drawing],
    measure: Callable[[Pieces], object],
    find_excess: Callable[[Collection[str]], Mapping[str | None, float]],
) -> int:
    """Draw pieces from each stratum in rounds until no interval is too wide; return the number of rounds.

    measure: adds the counts of new pieces. find_excess: returns by which factor intervals are too wide, by group; None
    for all groups together. It is given the strata of which there are new pieces.

    A stratum whose intervals are narrow is not drawn from in the next round; one that is exhausted was read in full.
    """
    rounds = 0
    wanted = dict.fromkeys(drawings, FIRST)
    while wanted:
        measure({drawing.stratum.label: drawing.extend(size) for drawing, size in wanted.items()})
        rounds += 1
        left = [drawing for drawing in drawings if not drawing.exhausted]
        excess = find_excess([drawing.stratum.label for drawing in wanted]) if left else {}
        by_record = max(excess.values(), default=0.0) if len(drawings) == 1 else 0.0
        found = {d: max(excess.get(d.stratum.label, 0.0), excess.get(None, 0.0), by_record) for d in left}
        wanted = {drawing: find_next_size(drawing.drawn, by) for drawing, by in found.items() if by}
    return rounds


def choose_sampled(
    metrics: Sequence[Metric], precision: float, name: str, *, by_name: bool
) -> tuple[tuple[Metric, ...], float | None]:
    """Return the metrics of a sample, and its precision: None if all has to be read.

    by_name: whether the user chose the metrics. Those that grow with the text are then worth a full pass; otherwise
    they are left out. Warns of either. Raises TokbenchError for a precision that is not between 0 and 1.
    """
    if not 0 < precision < 1:
        raise TokbenchError(f"the precision is {precision:g}", "use a share such as 0.01")
    growing = [metric.name for metric in metrics if not is_sampleable(metric)]
    if growing and by_name:
        warn_of_sample(f"{', '.join(growing)} cannot be known from a sample: all of {name} is read")
        return tuple(metrics), None
    if growing:
        warn_of_sample(
            f"without {', '.join(growing)}, which cannot be known from a sample; to read all, name one by -m"
        )
    return tuple(metric for metric in metrics if metric.name not in growing), precision


def warn_of_sample(message: str) -> None:
    """Warn of what a sample is not."""
    warnings.warn(message, CorpusWarning, stacklevel=2)


def expand_groups(source_bytes: Mapping[str, float]) -> Mixture | None:
    """Return the mixture of the groups of a sampled source; None if there is only one."""
    return Mixture(source_bytes, expanded=True) if len(source_bytes) > 1 else None


def tighten(bootstrap: Bootstrap) -> Bootstrap:
    """Return a bootstrap whose intervals cover 95 % after any number of looks at them."""
    return replace(bootstrap, level=LOOK_LEVEL)


def keep_groups(measurements: Measurements, labels: Collection[str]) -> Measurements:
    """Return the measurements of some groups."""
    chosen = pl.col("lang").cast(pl.String).is_in(list(labels))
    frames = {name: getattr(measurements, name).filter(chosen) for name in ("texts", "counts", "ids")}
    return replace(measurements, **frames).sorted()


@dataclass(frozen=True, eq=False)
class Rule:
    """When a sample is large enough.

    precision: largest half-width of the intervals of `metrics` (see `tokbench.metrics.precision.find_wide`).
    baseline: the tokenizer of ratios. weights: of groups, given by the user.
    """

    precision: float
    metrics: Sequence[Metric]
    baseline: str | None
    bootstrap: Bootstrap
    weights: Mixture | None = None

    def find_excess(
        self, measurements: Measurements, source_bytes: Mapping[str, float], changed: Collection[str]
    ) -> dict[str | None, float]:
        """Return by which factor the intervals of groups are too wide; None for all together, if only that is.

        source_bytes: estimated bytes of each group. changed: the groups to look at, if they are among these: intervals
        of a group do not depend on the others.
        """
        chosen = list_looked_at(self.metrics)
        named = set(measurements.tokenizers["tokenizer"].cast(pl.String))
        reference = Reference(None, self.baseline if self.baseline in named else None)

        def look(some: Measurements, mixture: Mixture | None) -> dict[str | None, float]:
            values = evaluate(some, chosen, reference, tighten(self.bootstrap), mixture)
            widest = find_wide(values, chosen, self.precision).group_by("lang").agg(pl.col("reach").max())
            return {lang: reach / self.precision for lang, reach in widest.iter_rows()}

        if len(source_bytes) > 2 and source_bytes.keys() > {*changed}:
            # Seeds of groups are derived only if there are several.
            labels = list(dict.fromkeys([*changed, *source_bytes]))[: max(2, len(changed))]
            looked_at = look(keep_groups(measurements, labels), None)
            wide = {lang: by for lang, by in looked_at.items() if lang in changed}
            if wide:
                return wide
        return look(measurements, self.weights or expand_groups(source_bytes))


def measure_sample(
    tokenizers: Sequence[Tokenizer],
    stream: Stream,
    strata: Sequence[Stratum],
    settings: ShardSettings,
    rule: Rule,
    progress: Progress,
) -> StreamMeasurements:
    """Measure as many pieces of a stream as the precision takes.

    Raises InterruptedStreamError on KeyboardInterrupt, EngineError if all tokenizers failed, TokbenchError if no piece
    has any text.
    """
    seed = rule.bootstrap.seed
    drawings = [Drawing(stratum, seed) for stratum in strata]
    counts = SampleCounts(tokenizers, stream, drawings, settings, progress)

    def find(changed: Collection[str]) -> Mapping[str | None, float]:
        return {None: LEAP} if counts.total is None else rule.find_excess(counts.total, counts.expand(), changed)

    try:
        rounds = draw_until_narrow(drawings, counts.add, find)
    except KeyboardInterrupt as interruption:
        raise InterruptedStreamError(lambda: counts.finish(rule.precision, seed, 0)) from interruption
    found = counts.finish(rule.precision, seed, rounds)
    if found is None:
        raise TokbenchError(f"{stream.name} has no text that can be read", "give another source")
    return found
