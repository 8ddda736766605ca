"""Report sections on costs on Pythia: by language and size, what-if, memory."""

from __future__ import annotations

from functools import partial

import polars as pl

from tokbench.pythia.cost.overview import CostOverview, ReadingCosts, WhatIfCosts
from tokbench.report._charts import chart_break_even, chart_dots
from tokbench.report._cost import write_number
from tokbench.report._document_model import Figure, Section
from tokbench.report._svg import Specification
from tokbench.report._table import ABSENT, Cell, Table

GIB = 2**30


def write_costs(overview: CostOverview) -> list[Section]:
    """Return the sections on texts: reading them, and other vocabularies, where the overview has values."""
    sections = [] if overview.reading is None else [write_reading(overview.reading)]
    return [*sections, *([] if overview.what_ifs is None else [write_what_if(overview.what_ifs)])]


def write_reading(reading: ReadingCosts) -> Section:
    """Chart the FLOPs to read a segment: languages by model size."""
    frame = reading.frame.select(y="lang", series="size", value="flops")
    figure = Figure(
        "reading",
        f"FLOPs to read the mean segment and write one token, by language and Pythia size, tokenizer "
        f"{reading.tokenizer}; computed, logarithmic scale.",
        draw_dots(frame, list_names(frame["y"]), "FLOP per segment"),
        lay_out_series(frame, f"GFLOP to read a segment, tokenizer {reading.tokenizer}", "language", 1e-9),
    )
    return Section("reading", "Cost by language and model", (figure,))


def draw_dots(frame: pl.DataFrame, y: list[str], title: str) -> partial[Specification]:
    """Return what draws a dot per row and series of a frame (y, series, value)."""
    return partial(chart_dots, frame, y=y, series=list_names(frame["series"]), title=title)


def list_names(column: pl.Series) -> list[str]:
    """List the names in a column, each once, in order of appearance."""
    return column.unique(maintain_order=True).to_list()


def lay_out_series(frame: pl.DataFrame, title: str, head: str, scale: float) -> Table:
    """Lay out rows by series."""
    series = list_names(frame["series"])
    wide = frame.pivot("series", index="y", values="value", maintain_order=True)
    rows = tuple(
        (Cell(row["y"]), *(Cell(ABSENT if row[s] is None else write_number(row[s] * scale)) for s in series))
        for row in wide.iter_rows(named=True)
    )
    return Table(title, (head, *series), rows, labels=1)


def write_what_if(what_ifs: WhatIfCosts) -> Section:
    """Chart which tokenizers pay off on models of several sizes."""
    note = (
        f"Below a curve a vocabulary pays off: its shorter texts save more FLOPs than its rows cost. Tokens are "
        f"relative to {what_ifs.baseline}, on all texts of this corpus. Each curve is 1 at the rows of Pythia's own "
        "tokenizer. Curves leave attention out. Points without a label are listed in the table."
    )
    curves = what_ifs.curves.rename({"size": "model"})
    figure = Figure("break-even", note, partial(chart_break_even, curves, what_ifs.points), lay_out_points(what_ifs))
    return Section("what-if", "What if Pythia had another tokenizer", (figure,))


def lay_out_points(what_ifs: WhatIfCosts) -> Table:
    """Lay out each tokenizer's NSL and, by model, the NSL at which it breaks even."""
    break_even = {(tokenizer, size): nsl for tokenizer, size, nsl in what_ifs.break_even.iter_rows()}
    sizes = list_names(what_ifs.break_even["size"])
    rows = tuple(
        (
            Cell(tokenizer),
            Cell(f"{rows:,}"),
            Cell(write_number(nsl)),
            *(Cell(write_number(break_even[tokenizer, size])) for size in sizes),
        )
        for tokenizer, rows, nsl in what_ifs.points.iter_rows()
    )
    headers = ("tokenizer", "V rows", "NSL", *(f"break-even on {size}" for size in sizes))
    return Table("NSL, and the NSL below which it pays off", headers, rows, labels=1)


def write_memory(overview: CostOverview) -> Section:
    """Chart the weights in every type that runs today, and the KV cache."""
    weights = overview.weights.select(y="quantization", series="size", value=pl.col("bytes") / GIB)
    caches = overview.kv_cache.select(
        y=pl.lit("KV cache, f16, full context"), series="size", value=pl.col("bytes") / GIB
    )
    frame = pl.concat([weights, caches])
    largest = frame.filter(pl.col("series") == frame["series"][-1]).sort("value", descending=True, maintain_order=True)
    figure = Figure(
        "memory",
        "Weights of Pythia with its own tokenizer, by quantisation type and size, and the key-value cache of one text "
        "of 2,048 tokens; computed, in GiB, logarithmic scale. Other memory that a program needs is not included.",
        draw_dots(frame, largest["y"].to_list(), "GiB"),
        lay_out_series(frame.join(largest.select("y"), on="y", how="semi"), "GiB", "type", 1),
    )
    return Section("memory", "Memory by quantisation", (figure,))
