"""Tables of values by vocabulary size, shared by sweeps and extensions."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import polars as pl

from tokbench.report._cost import write_interval, write_number
from tokbench.report._document_model import Figure
from tokbench.report._size_chart import chart_sizes
from tokbench.report._table import Cell, Table

GIGA = 1e-9
PURPOSES = ("serving", "training")
TOGETHER = "all"

Row = dict[str, Any]


def name_lang(lang: str | None) -> str:
    """Name a language, or all together."""
    return TOGETHER if lang is None else lang


def pick_overall(frame: pl.DataFrame, languages: Sequence[str]) -> pl.DataFrame:
    """Return the rows of all languages together, of the only one if there is one."""
    return frame.filter(pl.col("lang").is_null() if len(languages) > 1 else pl.col("lang") == languages[0])


def lay_out_sizes(values: pl.DataFrame, best: pl.DataFrame, title: str, head: str, labels: Sequence[str]) -> Table:
    """Lay out one tokenizer and language: a row per size, the least FLOPs marked.

    labels: what each row is called.
    """
    least = dict(best.select("purpose", "size").iter_rows())
    rows = []
    for label, row in zip(labels, values.iter_rows(named=True), strict=True):
        rows.append(
            (
                Cell(label),
                Cell(f"{row['rows']:,}"),
                write_spread(row, "tokens_per_segment"),
                Cell(write_number(row["bits_per_byte_coded"])),
                Cell(write_number(row["bits_per_byte_entropy"])),
                *(
                    Cell(write_flops(row[f"{purpose}_flops"]), row["size"] == least.get(purpose))
                    for purpose in PURPOSES
                ),
                *(write_spread(row, f"relative_{purpose}", 3) for purpose in PURPOSES),
            )
        )
    headers = (
        *(head, "V rows", "tokens/segment", "bits/byte, fixed", "bits/byte, entropy", "serving GFLOP"),
        *("training GFLOP", "serving, relative", "training, relative"),
    )
    return Table(title, headers, tuple(rows), labels=1, optional=(4, 3))


def write_flops(flops: float | None) -> str:
    """Format FLOPs in units of 10^9."""
    return write_number(None if flops is None else flops * GIGA)


def write_spread(row: Row, name: str, decimals: int | None = None) -> Cell:
    """Format a value with its interval."""
    write = write_number if decimals is None else partial(write_decimals, decimals=decimals)
    return Cell(write_interval(row[name], row[f"{name}_low"], row[f"{name}_high"], write=write))


def write_decimals(value: float | None, decimals: int) -> str:
    """Format a number with fixed decimals."""
    return write_number(value) if value is None else f"{value:,.{decimals}f}"


def lay_out_best(best: pl.DataFrame, title: str) -> Table:
    """Lay out the best size by tokenizer and language, for each purpose."""
    rows = []
    for (tokenizer, lang), found in best.group_by("tokenizer", "lang", maintain_order=True):
        by_purpose = {row["purpose"]: row for row in found.iter_rows(named=True)}
        cells = [cell for purpose in PURPOSES for cell in write_best(by_purpose[purpose])]
        rows.append((Cell(str(tokenizer)), Cell(name_lang(None if lang is None else str(lang))), *cells))
    headers = ("tokenizer", "language", *(h for one in PURPOSES for h in (f"{one}: best size", "resamples")))
    return Table(title, headers, tuple(rows), labels=2, optional=(5, 3))


def write_best(row: Row) -> tuple[Cell, Cell]:
    """Format a best size with its interval, and the share of the resamples that agree."""
    interval = "" if row["low"] is None else f" [{row['low']:,}, {row['high']:,}]"
    return Cell(f"{row['size']:,}{interval}"), Cell(write_share(row["share"]))


def write_share(share: float | None) -> str:
    """Format a share of resamples; 100 % only if all agree.

    >>> write_share(0.996), write_share(1.0), write_share(0.5)
    ('>99 %', '100 %', '50 %')
    """
    if share is None:
        return ""
    written = f"{100 * share:.0f}"
    return ">99 %" if written == "100" and share < 1 else f"{written} %"


def lay_out_languages(values: pl.DataFrame, name: str, title: str, decimals: int) -> Table:
    """Lay out one value of a tokenizer: languages by sizes."""
    sizes = values["size"].unique().sort().to_list()
    by_key = {(row["lang"], row["size"]): row[name] for row in values.iter_rows(named=True)}
    languages = values["lang"].drop_nulls().unique(maintain_order=True).to_list()
    rows = tuple(
        (Cell(lang), *(Cell(write_decimals(by_key[lang, size], decimals)) for size in sizes)) for lang in languages
    )
    return Table(title, ("language", *(f"{size:,}" for size in sizes)), rows, labels=1)


def draw_sizes(overall: pl.DataFrame, caption: str, relative_to: str, table: Table) -> Figure:
    """Chart the relative cost over sizes, a line per tokenizer and purpose."""
    several = overall["tokenizer"].n_unique() > 1
    parts = []
    for purpose in PURPOSES:
        name = pl.format("{}, {}", "tokenizer", pl.lit(purpose)) if several else pl.lit(purpose)
        value = f"relative_{purpose}"
        parts.append(overall.select(series=name, size="size", value=value, low=f"{value}_low", high=f"{value}_high"))
    frame = pl.concat(parts)
    series = frame["series"].unique(maintain_order=True).to_list()
    draw = partial(chart_sizes, frame, series=series, title=f"FLOPs relative to {relative_to}")
    return Figure("sizes", caption, draw, table)
