"""Values of groups of texts: registers, or languages of one script or family."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace

import polars as pl

from tokbench.measurement import Measurements
from tokbench.metrics._evaluation import evaluate
from tokbench.metrics._metric import Metric
from tokbench.metrics._table import METRICS

PREMIUM = "premium"
LENGTH = "tokens_per_segment"


@dataclass(frozen=True)
class Group:
    """Some texts of a corpus: in these languages, of these segments; None: in all, of all."""

    name: str
    languages: frozenset[str] | None = None
    segments: frozenset[int] | None = None


def group_by_register(measurements: Measurements) -> list[Group]:
    """Return a group per register of the corpus, in order of appearance; none if it names none."""
    documents = measurements.documents
    if "register" not in documents.columns:
        return []
    found: dict[str, set[int]] = {}
    for segment, register in documents.select("segment", "register").drop_nulls().iter_rows():
        found.setdefault(register, set()).add(segment)
    return [Group(name, segments=frozenset(segments)) for name, segments in found.items()]


def select_group(measurements: Measurements, group: Group, languages: Collection[str] | None = None) -> Measurements:
    """Return the texts and counts of a group, in these languages if some are given.

    The ids, which are not known by segment, are left out.
    """
    chosen = group.languages if languages is None else languages
    rows = pl.lit(value=True)
    if chosen is not None:
        rows &= pl.col("lang").cast(pl.String).is_in(sorted(chosen))
    if group.segments is not None:
        rows &= pl.col("segment").is_in(sorted(group.segments))
    return replace(
        measurements,
        texts=measurements.texts.filter(rows),
        counts=measurements.counts.filter(rows),
        ids=measurements.ids.clear(),
    )


def count_segments(measurements: Measurements, group: Group) -> int:
    """Return the number of segments of a group; those of parallel languages once."""
    units = select_group(measurements, group).texts.unique("segment")
    return int(units["segments"].cast(pl.Int64).sum()) if measurements.pooled else units.height


def has_groups(metric: Metric) -> bool:
    """Return whether a metric has values for groups: those of sums do, and premiums."""
    return metric.level in ("segments", "sums") and (metric.relative_to is None or metric.name == PREMIUM)


def evaluate_group(
    measurements: Measurements, metric: Metric, group: Group, reference: str | None
) -> dict[str, float | None]:
    """Return the value of a metric on all texts of a group together, by tokenizer.

    A premium is the group's tokens per segment, without the reference language, over those of the same segments in the
    reference language.
    """
    if metric.name != PREMIUM:
        return pool(select_group(measurements, group), metric)
    every = group.languages or frozenset(measurements.texts["lang"].cast(pl.String).unique())
    own, other = every - {reference or ""}, frozenset({reference or ""})
    above, below = (pool(select_group(measurements, group, languages), METRICS[LENGTH]) for languages in (own, other))
    premiums: dict[str, float | None] = {}
    for name in measurements.tokenizers["tokenizer"].cast(pl.String):
        tokens, divisor = above.get(name), below.get(name)
        premiums[name] = tokens / divisor if tokens is not None and divisor else None
    return premiums


def pool(measurements: Measurements, metric: Metric) -> dict[str, float | None]:
    """Return the value over all languages by tokenizer."""
    if measurements.texts.is_empty():
        return {}
    frame = evaluate(measurements, [metric]).filter(pl.col("lang").is_null())
    return dict(frame.select("tokenizer", "value").iter_rows())
