"""Leads: by how much the best tokenizer is ahead of another, and whether a paired test separates the two."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from tokbench._shared.process import hold_blas
from tokbench.measurement import Measurements
from tokbench.metrics._intervals import Resamples, defined, resample_across
from tokbench.metrics._metric import Metric
from tokbench.metrics._mixture import Mixture
from tokbench.metrics._reference import Reference
from tokbench.metrics._rows import is_aligned
from tokbench.metrics._stratified import is_grouped, resample_groups
from tokbench.metrics._table import find_base
from tokbench.metrics.permutation import randomise
from tokbench.metrics.resampling import Bootstrap, Floats, adjust_holm, divide
from tokbench.metrics.significance import sums_by_unit

SHUFFLES = 10_000
"""Shuffles of a test; more for over 400 tests, so that the smallest p stays below 0.05 after Holm's correction."""

LEAST_UNITS = 6
"""With fewer segments or documents, no paired test can give p < 0.05."""


@dataclass(frozen=True)
class Pair:
    """Two tokenizers to compare on a metric in a language (None: over all languages)."""

    metric: Metric
    lang: str | None
    first: str
    second: str


@dataclass(frozen=True)
class Lead:
    """The difference of a pair.

    ratio: value of the first over that of the second; low, high: its paired interval, None for a single unit.
    p: two-sided, by paired approximate randomisation; None for metrics that have no such test, as those over languages.
    units: number of shuffled or resampled segments or documents.
    """

    ratio: float
    low: float | None
    high: float | None
    p: float | None
    units: int

    @property
    def separated(self) -> bool:
        """Return whether the corpus settles which of the two is ahead, at the level of 0.05."""
        if self.units < LEAST_UNITS:
            return False
        if self.p is not None:
            return self.p < 0.05
        return self.low is not None and self.high is not None and not self.low <= 1 <= self.high


def compare_pairs(
    measurements: Measurements,
    pairs: Sequence[Pair],
    reference: Reference,
    bootstrap: Bootstrap,
    mixture: Mixture | None = None,
    *,
    metrics: Sequence[Metric] = (),
) -> list[Lead | None]:
    """Compare pairs of tokenizers; None where that is not possible.

    metrics: where the base metrics of your own metrics are found.
    Ratios of sums can be compared and, for parallel texts, metrics over languages. Values over all languages are those
    of the mixture, if there is one. The p-values of each metric are corrected for its number of pairs (Holm).
    """
    names = {name for pair in pairs for name in (pair.first, pair.second)} | {reference.tokenizer or ""}
    if not pairs or not (is_aligned(measurements) or is_grouped(measurements)):
        return [None] * len(pairs)
    found: dict[Pair, Lead] = {}
    with hold_blas():
        drawn = draw_resamples(keep_counts(measurements, names), pairs, bootstrap, mixture)
        for metric in dict.fromkeys(pair.metric for pair in pairs):
            leads: dict[Pair, Lead] = {}
            for resamples, chosen in drawn:
                own = [pair for pair in chosen if pair.metric is metric]
                leads |= dict(
                    zip(own, compare_on(resamples, metric, own, reference, metrics) if own else [], strict=False)
                )
            found |= dict(zip(leads, adjust(list(leads.values())), strict=True))
    return [found.get(pair) for pair in pairs]


def draw_resamples(
    measurements: Measurements, pairs: Sequence[Pair], bootstrap: Bootstrap, mixture: Mixture | None
) -> list[tuple[Resamples, list[Pair]]]:
    """Return the resamples with the pairs to compare on them: one for parallel texts, one per group, one for all."""
    if is_aligned(measurements):
        return [(Resamples(measurements, bootstrap, mixture), list(pairs))]
    ratios = [m for m in dict.fromkeys(pair.metric for pair in pairs) if m.level == "segments"]
    groups, together = resample_groups(measurements, ratios, bootstrap, mixture)
    drawn: list[tuple[str | None, Resamples]] = [(None, together), *((group.languages[0], group) for group in groups)]
    tested = [pair for pair in pairs if pair.metric.level == "segments"]
    return [(resamples, [pair for pair in tested if pair.lang == lang]) for lang, resamples in drawn]


def keep_counts(measurements: Measurements, names: Collection[str]) -> Measurements:
    """Return the counts of the named tokenizers, without ids and vocabularies, which are not needed and large."""
    chosen = pl.col("tokenizer").cast(pl.String).is_in(sorted(names))
    return replace(
        measurements,
        counts=measurements.counts.filter(chosen),
        tokenizers=measurements.tokenizers.filter(chosen),
        ids=measurements.ids.clear(),
        vocab=measurements.vocab.clear(),
    )


def adjust(leads: Sequence[Lead]) -> list[Lead]:
    """Return leads with their p-values corrected for their number (Holm)."""
    p = adjust_holm(np.array([np.nan if lead.p is None else lead.p for lead in leads], dtype=np.float64))
    return [lead if np.isnan(value) else replace(lead, p=float(value)) for lead, value in zip(leads, p, strict=True)]


def compare_on(
    resamples: Resamples, metric: Metric, pairs: Sequence[Pair], reference: Reference, metrics: Sequence[Metric]
) -> list[Lead]:
    """Compare pairs on one metric; empty if that is not possible."""
    if metric.level == "languages":
        across = resample_across(resamples, [metric], find_base(metric, metrics), reference)
        return bound_pairs(resamples, across[0], [0] * len(pairs), pairs, None) if across else []
    if metric.level != "segments" or metric.factor is not None or metric.offset is not None:
        return []
    pooled = any(pair.lang is None for pair in pairs)
    parts = [resamples.ratios(metric, reference, pooled=False)]
    if pooled:
        parts.append(resamples.ratios(metric, reference, pooled=True))
    if any(part is None for part in parts):
        return []
    values = np.concatenate([part for part in parts if part is not None], axis=2)
    columns = [resamples.languages.index(pair.lang) if pair.lang is not None else -1 for pair in pairs]
    return bound_pairs(resamples, values, columns, pairs, test_pairs(resamples, metric, columns, pairs, reference))


def test_pairs(
    resamples: Resamples, metric: Metric, columns: Sequence[int], pairs: Sequence[Pair], reference: Reference
) -> Floats | None:
    """Return p of each pair; columns are languages, -1 for all together. None for quotients of four sums."""
    numerators, denominators = sums_by_unit(resamples, metric)
    if metric.relative_to == "reference" and reference.language is not None:
        at = 1 + resamples.languages.index(reference.language)
        if not (denominators[:, :, 1:] == denominators[:, :, at : at + 1]).all():
            return None
        denominators = np.broadcast_to(numerators[:, :, at : at + 1], numerators.shape)
    sides = []
    for names in ([pair.first for pair in pairs], [pair.second for pair in pairs]):
        rows = [resamples.tokenizers.index(name) for name in names]
        at_columns = [column + 1 for column in columns]
        sides.append((numerators[:, rows, at_columns], denominators[:, rows, at_columns]))
    return randomise(sides[0], sides[1], shuffles=max(SHUFFLES, 25 * len(pairs)), seed=resamples.bootstrap.seed)


def bound_pairs(
    resamples: Resamples, values: Floats, columns: Sequence[int], pairs: Sequence[Pair], p: Floats | None
) -> list[Lead]:
    """Return the ratio of each pair with its interval."""
    first, second = (
        values[:, [resamples.tokenizers.index(name) for name in names], columns]
        for names in ([pair.first for pair in pairs], [pair.second for pair in pairs])
    )
    ratios = divide(first, second)
    low, high = resamples.bounds(ratios)
    return [
        Lead(
            float(ratios[0, i]),
            defined(low[i]),
            defined(high[i]),
            None if p is None else float(p[i]),
            resamples.units.number,
        )
        for i in range(len(pairs))
    ]
