"""Differences between tokenizers: their size, intervals and significance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.metrics._intervals import Resamples
from tokbench.metrics._metric import Metric
from tokbench.metrics._mixture import Mixture
from tokbench.metrics._rows import is_aligned
from tokbench.metrics._stratified import is_grouped, resample_groups
from tokbench.metrics._table import METRICS, find_metrics
from tokbench.metrics.permutation import count_shuffles, randomise
from tokbench.metrics.resampling import (
    Bootstrap,
    Floats,
    adjust_holm,
    divide,
    find_detectable,
)

SCHEMA = {
    "tokenizer": pl.String(),
    "baseline": pl.String(),
    "lang": pl.String(),
    "metric": pl.String(),
    "ratio": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "p": pl.Float64(),
    "p_holm": pl.Float64(),
    "detectable": pl.Float64(),
    "shuffles": pl.Int64(),
    "n": pl.Int64(),
}


def find_differences(
    measurements: Measurements,
    metrics: Sequence[Metric],
    baseline: str | None,
    bootstrap: Bootstrap | None,
    mixture: Mixture | None = None,
) -> pl.DataFrame:
    """Compare every other tokenizer with a baseline, on ratios of sums.

    One row per tokenizer, metric and language (lang null: all languages, or their mixture). Undefined values are null.
    ratio: the tokenizer's value over the baseline's.
    low, high: its paired interval.
    p: two-sided, for no difference, by paired approximate randomisation of segments (or documents, if the bootstrap
        draws them).
    p_holm: p corrected for all tests of the frame.
    detectable: minimum relative difference that a test at this level detects in 80 % of corpora of this size.
    shuffles: number of shuffles.
    n: number of shuffled units.
    No rows without a baseline, another tokenizer or a bootstrap, or if tokenizers have encoded different texts.
    """
    empty = pl.DataFrame(schema=SCHEMA)
    names = measurements.tokenizers["tokenizer"].cast(pl.String).to_list()
    if baseline is None or baseline not in names or len(names) < 2 or not metrics:
        return empty
    grouped = is_grouped(measurements)
    if bootstrap is None or not (grouped or is_aligned(measurements)):
        return empty
    cells = len(metrics) * (len(names) - 1) * (measurements.texts["lang"].n_unique() + 1)
    shuffles = count_shuffles(cells, bootstrap.level)
    if grouped:
        frame = compare_groups(measurements, metrics, baseline, bootstrap, shuffles, mixture)
    else:
        resamples = Resamples(measurements, bootstrap, mixture)
        frame = pl.concat([empty, *(compare_ratios(resamples, metric, baseline, shuffles) for metric in metrics)])
    p = frame["p"].fill_null(float("nan")).to_numpy()
    return frame.with_columns(p_holm=pl.Series(adjust_holm(p)).fill_nan(None)).select(
        pl.col(name).cast(kind) for name, kind in SCHEMA.items()
    )


def is_testable(metric: Metric) -> bool:
    """Return whether differences in a metric can be tested."""
    return metric.level == "segments" and metric.relative_to is None and metric.offset is None


def find_tested(chosen: Sequence[str | Metric]) -> tuple[Metric, ...]:
    """Look up metrics whose differences can be tested.

    Those are ratios of sums that are not relative to anything. Raises TokbenchError for any other.
    """
    found = find_metrics(chosen)
    for metric in found:
        if not is_testable(metric):
            testable = [known.name for known in METRICS.values() if is_testable(known)]
            raise TokbenchError(
                f"cannot test the metric {metric.name}: it is not a ratio of sums within one tokenizer and language",
                f"choose from: {', '.join(testable)}",
            )
    return found


def compare_ratios(resamples: Resamples, metric: Metric, baseline: str, shuffles: int) -> pl.DataFrame:
    """Compare all tokenizers with the baseline on one metric, pooled value first."""
    ratios = relative_values(resamples, metric, baseline)
    low, high = resamples.bounds(ratios)
    detectable = find_detectable(ratios[1 : resamples.bootstrap.resamples + 1], resamples.bootstrap.level)
    if not resamples.varies:
        detectable = np.full_like(detectable, np.nan)
    p, units = test_ratios(resamples, metric, baseline, shuffles)
    languages = [None, *resamples.languages]
    parts = []
    for i, name in enumerate(resamples.tokenizers):
        if name == baseline:
            continue
        values = {"ratio": ratios[0, i], "low": low[i], "high": high[i], "p": p[i], "detectable": detectable[i]}
        columns = {key: pl.Series(value).fill_nan(None) for key, value in values.items()}
        frame = pl.DataFrame({"lang": languages} | columns, schema_overrides={"lang": pl.String})
        parts.append(
            frame.with_columns(
                tokenizer=pl.lit(name),
                baseline=pl.lit(baseline),
                metric=pl.lit(metric.name),
                p_holm=pl.lit(None, pl.Float64),
                shuffles=pl.lit(shuffles, pl.Int64),
                n=pl.lit(units, pl.Int64),
            ).select(pl.col(key).cast(kind) for key, kind in SCHEMA.items())
        )
    return pl.concat(parts)


def compare_groups(
    measurements: Measurements,
    metrics: Sequence[Metric],
    baseline: str,
    bootstrap: Bootstrap,
    shuffles: int,
    mixture: Mixture | None,
) -> pl.DataFrame:
    """Compare all tokenizers with the baseline in groups of texts, and over all groups.

    The segments of a group are shuffled in its own test; those of all groups in the test over all.
    """
    groups, together = resample_groups(measurements, metrics, bootstrap, mixture)
    parts = []
    for metric in metrics:
        over_all = compare_ratios(together, metric, baseline, shuffles).filter(pl.col("lang").is_null())
        of_groups = [compare_ratios(group, metric, baseline, shuffles) for group in groups]
        rows = pl.concat([over_all, *(frame.drop_nulls("lang") for frame in of_groups)])
        parts.append(rows.sort("tokenizer", maintain_order=True))
    return pl.concat(parts)


def test_ratios(resamples: Resamples, metric: Metric, baseline: str, shuffles: int) -> tuple[Floats, int]:
    """Return p-values against the baseline, and the number of units.

    Shape of p: (tokenizers, 1 + languages).
    """
    sums = sums_by_unit(resamples, metric)
    at = resamples.tokenizers.index(baseline)
    units, *shape = sums[0].shape
    own = [part.reshape(units, -1) for part in sums]
    against = [np.broadcast_to(part[:, at : at + 1], part.shape).reshape(units, -1) for part in sums]
    p = randomise((own[0], own[1]), (against[0], against[1]), shuffles=shuffles, seed=resamples.bootstrap.seed)
    return p.reshape(shape), units


def relative_values(resamples: Resamples, metric: Metric, baseline: str) -> Floats:
    """Return ratios over the baseline's, pooled first.

    Shape (rows, tokenizers, 1 + languages).
    """
    by_language = [resamples.sum(part) for part in parts_of(metric)]
    sums = [np.concatenate([resamples.pool(part), part], axis=2) for part in by_language]
    values = divide(sums[0], sums[1])
    if metric.factor is not None:
        values = values * resamples.factors(metric.factor)[None, :, None]
    at = resamples.tokenizers.index(baseline)
    return divide(values, values[:, at : at + 1, :])


def sums_by_unit(resamples: Resamples, metric: Metric) -> tuple[Floats, Floats]:
    """Sum numerators (scaled) and denominators per unit.

    Shape (units, tokenizers, 1 + languages).
    """
    found = []
    for part in parts_of(metric):
        counts = resamples.by_unit(part)
        cells = counts.reshape(len(counts), len(resamples.tokenizers), len(resamples.languages))
        found.append(np.concatenate([resamples.pool_units(cells), cells], axis=2))
    numerators, denominators = found
    if metric.factor is not None:
        numerators = numerators * resamples.factors(metric.factor)[None, :, None]
    return numerators, denominators


def parts_of(metric: Metric) -> tuple[pl.Expr, pl.Expr]:
    """Return numerator and denominator; ValueError if the metric is not a ratio."""
    if metric.numerator is None or metric.denominator is None:
        raise ValueError(f"the metric {metric.name} is not a ratio")
    return metric.numerator, metric.denominator
