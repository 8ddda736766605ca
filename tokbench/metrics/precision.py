"""How narrow intervals are: the precision that a sample is drawn for, and what a sample can give at all."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokbench.metrics._metric import Metric

LOOK_LEVEL = 0.958
"""Level of intervals that are looked at after each round, so that those of the last round cover 95 %.

A sample that stops as soon as its interval is narrow stops rather where the spread is underestimated. For clusters from
a normal distribution, sizes of 64, 70, 77, ... and whatever spread, 95 % intervals of the last round cover 94.2 to
95.0 %; those of this level 95.1 to 95.8 % (benchmarks/precision.py).
"""


def is_sampleable(metric: Metric) -> bool:
    """Return whether a sample of a text has the value of the whole, but for chance.

    Metrics over ids and word types do not, unless they say so: they grow with the text.
    """
    if metric.any_size is not None:
        return metric.any_size
    return metric.level not in ("ids", "types")


def list_looked_at(metrics: Sequence[Metric]) -> list[Metric]:
    """Return the metrics whose intervals a sample is drawn for: ratios of sums, and those over ids with intervals."""
    return [
        m
        for m in metrics
        if is_sampleable(m) and (m.level == "segments" or (m.level == "ids" and m.interval))
        if m.relative_to != "reference"
    ]


def find_wide(values: pl.DataFrame, metrics: Sequence[Metric], precision: float) -> pl.DataFrame:
    """Return the rows of values whose interval is wider than asked, with the column `reach`.

    values: the result of `evaluate`. precision: largest half-width, relative to the value; of shares (metrics in per
    cent), the half-width itself: 0.01 is 1 % of a length, and 1 percentage point of a share.
    reach: the half-width, in that scale.

    A value without an interval is not looked at.
    """
    shares = [m.name for m in metrics if m.percent]
    scale = pl.when(pl.col("metric").is_in(shares)).then(1.0).otherwise(pl.col("value").abs())
    reach = (pl.col("high") - pl.col("low")) / 2 / scale
    looked_at = values.filter(pl.col("metric").is_in([m.name for m in list_looked_at(metrics)]), pl.col("value") != 0)
    return looked_at.with_columns(reach=reach).filter(pl.col("reach") > precision)


def drop_certainty(values: pl.DataFrame, metrics: Sequence[Metric]) -> pl.DataFrame:
    """Return values without the intervals of shares that are 0, or 1, in every piece of a sample.

    What no drawn piece has may still be elsewhere; resampled pieces do not tell how often.
    """
    shares = pl.col("metric").is_in([m.name for m in metrics if m.percent])
    certain = shares & pl.col("value").is_in([0.0, 1.0]) & (pl.col("low") == pl.col("high"))
    return values.with_columns(
        pl.when(~certain.fill_null(value=False)).then(pl.col(name)).alias(name) for name in ("low", "high")
    )
