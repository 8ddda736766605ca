"""Views of a comparison: summary, languages, Lorenz curve, token lengths."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import polars as pl

from tokbench.comparison import Comparison, View
from tokbench.errors import TokbenchError
from tokbench.metrics import BUILT_IN as METRICS
from tokbench.metrics import list_token_lengths, trace_lorenz
from tokbench.report._document_model import Legend, Plain, Points, Results, Signature
from tokbench.report._groups import lay_out_groups
from tokbench.report._leads import Marks
from tokbench.report._numbers import lay_out_numbers
from tokbench.report._significance import write_differences
from tokbench.report._summary import has_all_metrics, list_columns
from tokbench.report._table import (
    ABSENT,
    Cell,
    Table,
    lay_out_languages,
    lay_out_summary,
    write_notes,
    write_skipped,
    write_value,
)

LONGEST = 16
"""Tokens of at least this length share one row."""

PART = "part of a character"


def lay_out(comparison: Comparison, by: str, marks: Marks | None = None) -> list[Table]:
    """Return the tables of a view; TokbenchError where the comparison does not hold what it shows."""
    if by not in get_args(View):
        raise TokbenchError(f"there is no view {by!r}", f"views: {', '.join(get_args(View))}")
    if by == "summary" and (list_columns(comparison) or not has_language_values(comparison)):
        return [lay_out_summary(comparison, marks)]
    if by == "lorenz":
        return lay_out_lorenz(comparison)
    if by == "lengths":
        return lay_out_lengths(comparison)
    whole = lay_out_whole(comparison)
    if by in ("register", "script", "family"):
        return [*lay_out_groups(comparison, by, required=not whole), *whole]
    return [*lay_out_languages(comparison, intervals=by == "intervals", marks=marks), *whole]


def has_language_values(comparison: Comparison) -> bool:
    """Return whether any metric has values by language."""
    return not comparison.frame["lang"].is_null().all()


def lay_out_whole(comparison: Comparison) -> list[Table]:
    """Lay out chosen metrics that have one value per tokenizer, over all languages, and none by language."""
    if has_all_metrics(comparison):
        return []
    by_language = set(comparison.frame.filter(pl.col("lang").is_not_null())["metric"])
    chosen = [m for name, m in comparison.metrics.items() if name in set(comparison.frame["metric"]) - by_language]
    if not chosen:
        return []
    table = lay_out_numbers(comparison, [(metric, None) for metric in chosen])
    columns = [0, *range(2, len(table.headers))]
    return [replace(table.select(columns), title="one value per tokenizer, over all languages")]


def show(comparison: Comparison, by: str = "summary", marks: Marks | None = None) -> Results:
    """Return what a view of a comparison shows: tables, notes, skipped tokenizers, tests, signature."""
    return Results(lambda: list_parts(comparison, by, marks), comparison.to_document, lambda: comparison.frame)


def list_parts(comparison: Comparison, by: str, marks: Marks | None = None) -> list[Plain]:
    """Return the tables of a view and what is written below them."""
    notes = (
        Points(tuple(write_notes(comparison))),
        Points(tuple(write_skipped(comparison)), title="not compared:"),
        Points(tuple(write_differences(comparison))),
    )
    return [
        *lay_out(comparison, by, marks),
        Legend("column" if by == "summary" else "row"),
        *(part for part in notes if part.items),
        Signature(comparison.signature(long=False)),
    ]


def lay_out_lorenz(comparison: Comparison) -> list[Table]:
    """Lay out the Lorenz curve of each tokenizer.

    Cheapest language first, with cumulative shares.
    """
    curve = trace_lorenz(comparison.frame)
    if curve.is_empty():
        raise TokbenchError("a Lorenz curve needs the metric tokens_per_segment", "add: -m tokens_per_segment")
    length = METRICS["tokens_per_segment"]
    lengths = {(t, lang): v for t, lang, v in values_of(comparison, length.name).iter_rows() if lang is not None}
    tables = []
    for name in comparison.names:
        points = curve.filter(pl.col("tokenizer") == name).select("lang", "languages", "tokens").rows()
        least = lengths[name, points[0][0]] if points else None
        rows = tuple(
            (
                Cell(lang),
                Cell(write_value(lengths[name, lang], length)),
                Cell(f"{lengths[name, lang] / least:.2f}" if least else ABSENT),
                Cell(f"{100 * languages:.1f} %"),
                Cell(f"{100 * tokens:.1f} %"),
            )
            for lang, languages, tokens in points
        )
        headers = ("language", length.title, "times the cheapest", "languages up to here", "their tokens")
        tables.append(Table(f"Lorenz curve of {name}{write_inequality(comparison, name)}", headers, rows, labels=1))
    return tables


def write_inequality(comparison: Comparison, tokenizer: str) -> str:
    """Summarise the curve, for its title."""
    found = []
    for metric in (METRICS[name] for name in ("gini", "gini_normalised", "length_spread", "premium_worst_five")):
        values = values_of(comparison, metric.name).filter(
            (pl.col("tokenizer") == tokenizer) & pl.col("lang").is_null()
        )
        found += [f"{metric.title} {write_value(value, metric)}" for value in values["value"].drop_nulls()]
    return f": {', '.join(found)}" if found else ""


def values_of(comparison: Comparison, metric: str) -> pl.DataFrame:
    """Return the values of a metric: tokenizer, lang, value."""
    return comparison.frame.filter(pl.col("metric") == metric).select("tokenizer", "lang", "value")


def lay_out_lengths(comparison: Comparison) -> list[Table]:
    """Lay out the shares of emitted token lengths.

    Over all languages, in characters and bytes.
    """
    if comparison.measurements is None:
        raise TokbenchError("a comparison loaded from JSON has no token lengths", "load the folder of --save")
    counts = list_token_lengths(comparison.measurements).filter(pl.col("lang").is_null())
    return [lay_out_unit(comparison, counts, unit) for unit in ("characters", "bytes")]


def lay_out_unit(comparison: Comparison, counts: pl.DataFrame, unit: str) -> Table:
    """Lay out one unit: lengths by tokenizers, with the longest merged."""
    chosen = counts.filter(pl.col("unit") == unit).with_columns(
        length=pl.col("length").clip(upper_bound=LONGEST).fill_null(0)
    )
    shares = {
        (tokenizer, length): share
        for tokenizer, length, share in chosen.group_by("tokenizer", "length")
        .agg(pl.col("count").sum())
        .with_columns(share=pl.col("count") / pl.col("count").sum().over("tokenizer"))
        .select("tokenizer", "length", "share")
        .iter_rows()
    }
    names = {0: PART, LONGEST: f"{LONGEST} and more"}
    rows = tuple(
        (
            Cell(names.get(length, str(length))),
            *(Cell(f"{100 * shares.get((name, length), 0.0):.2f} %") for name in comparison.names),
        )
        for length in sorted({length for _, length in shares})
    )
    return Table(f"emitted tokens by length in {unit}", ("length", *comparison.names), rows, labels=1)
