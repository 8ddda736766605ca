"""Tokens and the syntax of code, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.analysis.code import KINDS, CodeReport
from tokbench.report._document_model import Plain, Points, Results, Signature
from tokbench.report._table import ABSENT, Cell, Table

TITLES = {
    "leaves_kept": "leaves kept",
    "leaves_apart": "leaves apart",
    "leaves_one_token": "leaves of one token",
    "identifiers_cut_at_joints": "identifiers cut at joints",
    "identifiers_cut_elsewhere": "elsewhere",
    "joints_cut": "joints cut",
    "indentation_tokens": "tokens per indentation",
    "bytes_per_token": "bytes/token",
}
"""Columns of the first table: the metrics, as headers."""

BY_KIND = {"leaves_kept": "leaves kept, by kind", "leaves_apart": "leaves apart, by kind"}
"""The metrics that have a table by kind of leaves."""

BY_LANGUAGE = {
    "leaves_kept": "leaves kept",
    "bytes_per_token": "bytes/token",
    "indentation_correlation": "rank correlation of indentation and white-space tokens",
}
"""The metrics that have a table by language."""

_SHARES = frozenset({"leaves_kept", "leaves_apart", "leaves_one_token", "joints_cut"})
_WITH_INTERVAL = frozenset({"leaves_kept", "bytes_per_token"})

Row = dict[str, Any]


def show(found: CodeReport) -> Results:
    """Return what tokens do to code: tables, and all values for programs."""
    return Results(lambda: lay_out(found), lambda: to_document(found), lambda: found.values)


def lay_out(found: CodeReport) -> list[Plain]:
    """Lay out all languages, kinds of leaves, each language, then notes and the signature."""
    parts: list[Plain] = [lay_out_totals(found), *(lay_out_kinds(found, metric) for metric in BY_KIND)]
    parts += [lay_out_languages(found, metric) for metric in BY_LANGUAGE]
    return [*parts, Points(tuple(write_notes(found))), Signature(found.signature)]


def lay_out_totals(found: CodeReport) -> Table:
    """Lay out one row per tokenizer: values over all languages."""
    rows = found.values.filter(pl.col("lang").is_null() & pl.col("kind").is_null())
    cells = {(row["tokenizer"], row["metric"]): write_value(row, row["metric"]) for row in rows.iter_rows(named=True)}
    files, leaves = int(found.files["files"].sum()), int(found.files["leaves"].sum())
    languages = write_count(found.files.height, "language")
    title = f"{found.corpus}: {languages}, {write_count(files, 'file')}, {leaves:,} leaves"
    return Table(
        title,
        ("tokenizer", *TITLES.values()),
        tuple((Cell(name), *(Cell(cells[name, metric]) for metric in TITLES)) for name in found.tokenizers),
        labels=1,
        optional=tuple(1 + list(TITLES).index(name) for name in ("leaves_one_token", "joints_cut")),
    )


def lay_out_kinds(found: CodeReport, metric: str) -> Table:
    """Lay out a metric by kind of leaves, over all languages."""
    rows = found.values.filter(pl.col("lang").is_null() & pl.col("kind").is_not_null() & (pl.col("metric") == metric))
    kinds = [kind for kind in KINDS if rows.filter((pl.col("kind") == kind) & (pl.col("n") > 0)).height]
    cells = {(row["tokenizer"], row["kind"]): write_share(row["value"]) for row in rows.iter_rows(named=True)}
    numbers = {row["kind"]: row["n"] for row in rows.iter_rows(named=True)}
    headers = ("tokenizer", *(f"{kind} ({numbers[kind]:,})" for kind in kinds))
    table = tuple((Cell(name), *(Cell(cells[name, kind]) for kind in kinds)) for name in found.tokenizers)
    return Table(BY_KIND[metric], headers, table, labels=1)


def lay_out_languages(found: CodeReport, metric: str) -> Table:
    """Lay out one metric, languages by tokenizers."""
    rows = found.values.filter((pl.col("metric") == metric) & pl.col("kind").is_null())
    cells = {(row["lang"], row["tokenizer"]): write_value(row, metric, False) for row in rows.iter_rows(named=True)}
    languages: Sequence[str] = found.files.filter(pl.col("files") > 0)["lang"].to_list()
    table = tuple((Cell(lang), *(Cell(cells[lang, name]) for name in found.tokenizers)) for lang in languages)
    return Table(BY_LANGUAGE[metric], ("language", *found.tokenizers), table, labels=1)


def write_value(row: Row, metric: str, interval: bool = True) -> str:
    """Format a value; shares as per cent, and the most important with their intervals."""
    if row["value"] is None:
        return ABSENT
    if metric not in _SHARES and not metric.startswith("identifiers_"):
        shown = f"{row['value']:.2f}"
        bounds = (f"{row['low']:.2f}", f"{row['high']:.2f}") if row["low"] is not None else None
    else:
        shown = write_share(row["value"])
        bounds = (f"{100 * row['low']:.1f}", f"{100 * row['high']:.1f}") if row["low"] is not None else None
    return f"{shown} [{bounds[0]}, {bounds[1]}]" if interval and bounds and metric in _WITH_INTERVAL else shown


def write_share(value: float | None) -> str:
    """Format a share as per cent; it is 0 or 100 only if it is exactly."""
    if value is None:
        return ABSENT
    shown = f"{100 * value:.1f}"
    if shown == "100.0" and value < 1:
        shown = "99.9"
    if shown == "0.0" and value > 0:
        shown = "<0.1"
    return f"{shown} %"


def write_notes(found: CodeReport) -> Iterator[str]:
    """Yield what the columns mean, and what was left out."""
    yield "leaves kept: a token starts at the start of the leaf, or with the space before it, and one ends at its end"
    yield "leaves apart: the same, if tokens are taken without any white space at their ends"
    broken = found.files.filter(pl.col("files_with_errors") > 0)
    if broken.height:
        listed = ", ".join(f"{row['files_with_errors']:,} in {row['lang']}" for row in broken.iter_rows(named=True))
        yield f"files that the grammars do not accept whole: {listed}"
    for row in found.files.filter(pl.col("files_too_large") > 0).iter_rows(named=True):
        yield f"{row['lang']}: {write_count(row['files_too_large'], 'file')} left out as too large"
    if found.skipped:
        yield f"no grammar, left out: {', '.join(found.skipped)}"
    for name, count in found.unplaced.items():
        unknown = write_count(count, "file")
        yield f"{name}: it is not known where tokens end in {unknown}, which count for bytes/token only"


def to_document(found: CodeReport) -> Row:
    """Return everything as plain values."""
    return {
        "signature": found.signature,
        "corpus": found.corpus,
        "files": found.files.to_dicts(),
        "skipped": list(found.skipped),
        "unplaced_files": dict(found.unplaced),
        "values": found.values.to_dicts(),
    }
