"""Differences between tokenizers in sentences: size, interval and significance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from tokbench.comparison import Comparison
from tokbench.metrics import Metric
from tokbench.report._alignment import name_rows
from tokbench.report._summary import has_few_languages

MOST_SENTENCES = 24
SIGNIFICANT = 0.05


def choose_differences(comparison: Comparison) -> pl.DataFrame:
    """Choose the rows worth a sentence.

    With few languages, each language; otherwise the value over all languages, and each tokenizer's extremes.
    """
    rows = comparison.differences.filter(pl.col("ratio").is_not_null())
    single = pl.col("lang").is_not_null()
    if has_few_languages(comparison):
        return rows.filter(single)
    group = ("metric", "tokenizer")
    languages = rows.filter(single)
    lowest = languages.filter(pl.col("ratio") == pl.col("ratio").min().over(group)).unique(group, maintain_order=True)
    highest = languages.filter(pl.col("ratio") == pl.col("ratio").max().over(group)).unique(group, maintain_order=True)
    chosen = pl.concat([rows.filter(~single), lowest, highest]).unique(maintain_order=True)
    order = pl.DataFrame({"tokenizer": comparison.names, "rank": range(len(comparison.names))})
    return chosen.join(order, on="tokenizer", how="left").sort("metric", "rank", maintain_order=True).drop("rank")


def write_probability(p: float | None) -> str:
    """Format a p-value with two digits, or as below what four decimals show."""
    if p is None:
        return "p undefined"
    return "p < 0.0001" if p < 0.0001 else f"p = {p:.2g}"


def write_difference(row: Mapping[str, Any], metrics: Mapping[str, Metric], everywhere: str = "all languages") -> str:
    """One difference as a sentence.

    everywhere: what the value over all is of.
    """
    metric = metrics[row["metric"]]
    interval = "" if row["low"] is None else f" [{row['low']:.2f}, {row['high']:.2f}]"
    where = f"on {everywhere}" if row["lang"] is None else f"on {row['lang']}"
    what = "needs" if metric.name == "tokens_per_segment" else "has"
    of = "tokens" if metric.name == "tokens_per_segment" else metric.title
    sentence = f"{row['tokenizer']} {what} {row['ratio']:.2f}{interval} times the {of} of {row['baseline']} {where}"
    sentence += f", {write_probability(row['p_holm'])}"
    if row["p_holm"] is not None and row["p_holm"] >= SIGNIFICANT and row["detectable"]:
        sentence += f": not significant (minimum detectable difference {100 * row['detectable']:.1f} %)"
    return sentence


def write_differences(comparison: Comparison) -> list[str]:
    """Format the differences from the baseline, and how p was computed.

    None without a baseline.
    """
    rows = choose_differences(comparison)
    if rows.is_empty():
        return []
    kind = "the mixture" if comparison.corpus.shares else f"all {name_rows(comparison)}s"
    chosen = rows.head(MOST_SENTENCES).iter_rows(named=True)
    lines = [write_difference(row, comparison.metrics, kind) for row in chosen]
    if rows.height > MOST_SENTENCES:
        lines.append(f"... and {rows.height - MOST_SENTENCES} more differences (the JSON has all)")
    tests, shuffles = comparison.differences.select(pl.col("p").count(), pl.col("shuffles").max()).row(0)
    lines.append(f"p: two-sided, paired approximate randomisation, {shuffles:,} shuffles, Holm over {tests:,} tests")
    drawn = (comparison.corpus.bootstrap or "//units").split("/")[2].split(" ", 1)[-1]
    return [*lines, *write_detectable(comparison.differences, comparison.metrics, drawn)]


def write_detectable(differences: pl.DataFrame, metrics: Mapping[str, Metric], drawn: str) -> list[str]:
    """Format the range of minimum detectable differences over languages and tokenizers.

    drawn: the resampling unit, such as `documents`.
    """
    # Identical tokenizers have a detectable difference of 0, which says nothing.
    vary = differences.filter(pl.col("lang").is_not_null() & (pl.col("detectable") > 0))
    bounds = vary.group_by("metric", maintain_order=True).agg(
        least=pl.col("detectable").min(), most=pl.col("detectable").max(), units=pl.col("n").max()
    )
    if bounds.is_empty():
        return []
    ranges = [
        f"{100 * least:.1f} to {100 * most:.1f} % of {metrics[metric].title}"
        for metric, least, most in bounds.select("metric", "least", "most").iter_rows()
    ]
    units = bounds["units"][0]
    return [f"minimum detectable difference (80 % power, {units:,} {drawn}): {', '.join(ranges)}"]
