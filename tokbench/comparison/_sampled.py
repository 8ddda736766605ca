"""Sample a stream until the intervals of its values are as narrow as asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace

import polars as pl

from tokbench._shared.progress import Progress
from tokbench.adapters import Tokenizer
from tokbench.corpora import Stream
from tokbench.corpora._sampling import Drawing, Piece, Stratum, schedule_sizes
from tokbench.measurement import Measurements
from tokbench.measurement.sampled import SampleCounts
from tokbench.measurement.shard_task import ShardSettings
from tokbench.measurement.streams import InterruptedStreamError, StreamMeasurements
from tokbench.metrics import Metric, Mixture, Reference, evaluate
from tokbench.metrics.precision import LOOK_LEVEL, find_wide, list_looked_at
from tokbench.metrics.resampling import Bootstrap

FIRST = 64
"""Pieces that are drawn first from each group."""

GROWTH = 1.5
"""By how much the sample of a group grows from round to round."""

Pieces = Mapping[str, Sequence[Piece]]
"""Pieces by stratum."""


def draw_until_narrow(
    drawings: Sequence[Drawing],
    measure: Callable[[Pieces], object],
    find_wide: Callable[[], Collection[str | None]],
) -> int:
    """Draw pieces from each stratum in rounds until no interval is too wide; return the number of rounds.

    measure: adds the counts of new pieces. find_wide: returns the groups with an interval that is too wide; None for
    all groups together.

    Sizes of samples are those of `schedule_sizes`, whatever is found. A stratum whose intervals are narrow is not drawn
    from in the next round; one that is exhausted was read in full.
    """
    rounds = 0
    wanted: Iterable[Drawing] = drawings
    sizes = schedule_sizes(FIRST, GROWTH)
    while wanted:
        size = next(sizes)
        measure({drawing.stratum.label: drawing.extend(size) for drawing in wanted})
        rounds += 1
        left = [drawing for drawing in drawings if not drawing.exhausted]
        wide = find_wide() if left else ()
        wanted = [d for d in left if None in wide or d.stratum.label in wide or (wide and len(drawings) == 1)]
    return rounds


def expand_groups(source_bytes: Mapping[str, float]) -> Mixture | None:
    """Return the mixture of the groups of a sampled source; None if there is only one."""
    return Mixture(source_bytes, expanded=True) if len(source_bytes) > 1 else None


def tighten(bootstrap: Bootstrap) -> Bootstrap:
    """Return a bootstrap whose intervals cover 95 % after any number of looks at them."""
    return replace(bootstrap, level=LOOK_LEVEL)


def find_wide_groups(
    measurements: Measurements,
    metrics: Sequence[Metric],
    baseline: str | None,
    bootstrap: Bootstrap,
    mixture: Mixture | None,
    precision: float,
) -> set[str | None]:
    """Return the groups with an interval that is too wide; None for all together."""
    chosen = list_looked_at(metrics)
    values = evaluate(measurements, chosen, Reference(None, baseline), tighten(bootstrap), mixture)
    return set(find_wide(values, chosen, precision)["lang"])


def measure_sample(
    tokenizers: Sequence[Tokenizer],
    stream: Stream,
    strata: Sequence[Stratum],
    settings: ShardSettings,
    metrics: Sequence[Metric],
    *,
    baseline: str | None,
    bootstrap: Bootstrap,
    weights: Mixture | None,
    precision: float,
    progress: Progress,
) -> StreamMeasurements | None:
    """Measure as many pieces of a stream as the precision takes; None if none of them has any text.

    metrics: those whose intervals are looked at, among others. weights: of groups, given by the user.
    Raises InterruptedStreamError on KeyboardInterrupt, EngineError if all tokenizers failed.
    """
    drawings = [Drawing(stratum, bootstrap.seed) for stratum in strata]
    counts = SampleCounts(tokenizers, stream, drawings, settings, progress)

    def find() -> set[str | None]:
        if counts.total is None:
            return {None}
        mixture = weights or expand_groups(counts.expand())
        named = set(counts.total.tokenizers["tokenizer"].cast(pl.String))
        against = baseline if baseline in named else None
        return find_wide_groups(counts.total, metrics, against, bootstrap, mixture, precision)

    try:
        rounds = draw_until_narrow(drawings, counts.add, find)
    except KeyboardInterrupt as interruption:
        raise InterruptedStreamError(lambda: counts.finish(precision, bootstrap.seed, 0)) from interruption
    return counts.finish(precision, bootstrap.seed, rounds)
