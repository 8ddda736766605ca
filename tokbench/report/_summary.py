"""The summary of a comparison: which columns it has, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from tokbench.comparison import Comparison
    from tokbench.metrics import Metric

FEW_LANGUAGES = 4
"""With at most this many languages, a summary gives the length in each; with more, premiums."""

HEAD = ("vocab_total",)
FEW = ("tokens_per_segment",)
MANY = ("premium_median", "premium_worst")
TAIL = ("bytes_per_token", "fertility", "round_trip_exact", "throughput")


def has_few_languages(comparison: Comparison) -> bool:
    """Return whether each language is shown, not only values over all or of a mixture."""
    return len(comparison.corpus.languages) <= FEW_LANGUAGES and not comparison.corpus.shares


def has_all_metrics(comparison: Comparison) -> bool:
    """Return whether no metrics were chosen.

    Tables then show a selection, otherwise all that were chosen.
    """
    from tokbench.metrics import DEFAULT_METRICS

    return set(comparison.frame["metric"]) >= set(DEFAULT_METRICS) - {"throughput"}


def list_columns(comparison: Comparison) -> list[tuple[str, Metric, str | None]]:
    """List the columns of the summary: name, metric, language (None: over all)."""
    present = set(comparison.frame["metric"])
    few = has_few_languages(comparison)
    pooled = set(comparison.frame.filter(pl.col("lang").is_null())["metric"])
    lengths = MANY if comparison.corpus.aligned and not (few or comparison.corpus.shares) else FEW
    names = [*HEAD, *lengths, *TAIL, *(metric.name for metric in comparison.added_metrics)]
    if not has_all_metrics(comparison):
        names = list(comparison.metrics)
    columns: list[tuple[str, Metric, str | None]] = []
    for metric in (comparison.metrics[name] for name in names if name in present):
        if few and (metric.name in FEW or metric.name not in pooled):
            columns += [(f"{metric.name}/{lang}", metric, lang) for lang in comparison.corpus.languages]
        elif metric.name in pooled:
            columns.append((metric.name, metric, None))
    return columns


def summarize(comparison: Comparison) -> pl.DataFrame:
    """Return one row per tokenizer: tokenizer, engine, and the columns of the summary."""
    rows = pl.DataFrame(
        {"tokenizer": comparison.names, "engine": [t.engine for t in comparison.tokenizers]},
        schema={"tokenizer": pl.String, "engine": pl.String},
    )
    for column, metric, lang in list_columns(comparison):
        shown = (pl.col("metric") == metric.name) & pl.col("lang").eq_missing(pl.lit(lang, pl.String))
        values = comparison.frame.filter(shown).select("tokenizer", pl.col("value").alias(column))
        rows = rows.join(values, on="tokenizer", how="left", maintain_order="left")
    return rows
