"""Report sections on tokenizers: compression, speed, boundaries, losses."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import polars as pl

from tokbench.comparison import Comparison
from tokbench.corpora import name_language
from tokbench.report._alignment import choose_by_language, name_rows
from tokbench.report._charts import chart_bars, chart_ranges
from tokbench.report._document_model import Figure, Part, Prose, Section
from tokbench.report._leads import Marks, find_best
from tokbench.report._numbers import find_numbers, lay_out_numbers, title_of
from tokbench.report._table import Cell, Table, lay_out_metric

BARS = {
    "bytes_per_token": (
        "compression",
        "UTF-8 bytes per token over all languages; longer is better. Lines are intervals; pale bars are not ranked.",
    ),
    "throughput": (
        "throughput",
        "Input encoded per second on one thread, on a logarithmic axis; further right is better. Lines run from the "
        "slowest to the fastest round.",
    ),
}
"""Metrics shown as bars: name and caption of the figure."""


def write_bars(comparison: Comparison, metric: str) -> Figure | None:
    """Chart a metric over all languages as bars; None if there is nothing to show."""
    numbers = find_numbers(comparison, metric)
    if not numbers:
        return None
    found = comparison.metrics[metric]
    frame = pl.DataFrame(
        [{"y": n.tokenizer, "value": n.value, "low": n.low, "high": n.high, "ranked": n.ranked} for n in numbers],
        schema={"y": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "ranked": pl.Boolean},
    )
    order = frame.sort("value", descending=found.better == "higher", maintain_order=True)["y"].to_list()
    number = f",.{found.decimals}f"
    chart = chart_ranges if metric == "throughput" else chart_bars
    draw = partial(chart, frame, y=order, title=title_of(found), number=number)
    return Figure(*BARS[metric], draw, lay_out_numbers(comparison, [(found, None)]))


def write_compression(comparison: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return compression over all languages, and token lengths per language."""
    bars = write_bars(comparison, "bytes_per_token")
    figures: list[Part] = [bars] if bars else []
    present = set(comparison.frame.filter(pl.col("lang").is_not_null())["metric"])
    metrics = comparison.metrics
    usual = [name for name in choose_by_language(comparison) if name in present]
    chosen = usual or [name for name in metrics if name in present]
    chosen += [m.name for m in comparison.added_metrics if m.name in present and m.name not in chosen]
    tables = [lay_out_metric(comparison, metrics[name], marks=marks) for name in chosen if name != "premium"]
    return [Section("compression", "Compression", (*figures, *tables))] if figures or tables else []


def write_speed(comparison: Comparison) -> list[Section]:
    """Return throughput, if it was measured."""
    bars = write_bars(comparison, "throughput")
    note = Prose(("Speed depends on tokenizer, engine, function, threads and machine together (see Method).",))
    return [Section("throughput", "Speed", (bars, note))] if bars else []


BOUNDARIES = (
    *("word_ends_inside", "graphemes_split", "clusters_split", "characters_split", "tokens_crossing"),
    *("digits_f1", "tokens_per_digit", "operators_isolated", "compounds_kept"),
)
"""Metrics on where tokens end."""


def write_boundaries(comparison: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return where tokens end relative to words, characters and numbers, if that was measured."""
    metrics = [comparison.metrics[name] for name in BOUNDARIES if find_numbers(comparison, name)]
    if not metrics:
        return []
    note = Prose(("Where tokens end, over all texts: relative to words, characters as readers see them, and numbers.",))
    table = lay_out_numbers(comparison, [(metric, None) for metric in metrics], marks)
    named = replace(table, title=f"boundaries on {table.title}")
    kept = [0, *range(2, len(table.headers))]
    return [Section("boundaries", "Boundaries", (note, named.select(kept)))]


def write_losses(comparison: Comparison) -> list[Section]:
    """Return where decoding does not return the text."""
    lossy = [tokenizer for tokenizer in comparison.tokenizers if tokenizer.lossy_segments]
    prose = Prose(("Every segment was encoded and decoded; changes beyond white space and NFC count as losses.",))
    if not lossy:
        return [Section("losses", "Losses", (prose, Prose(("No tokenizer lost any text.",))))]
    langs = [lang for lang in comparison.corpus.languages if any(lang in t.lossy_segments for t in lossy)]
    rows = tuple(
        (Cell(name_language(lang)), *(Cell(f"{t.lossy_segments.get(lang, 0):,}") for t in lossy)) for lang in langs
    )
    corpus = comparison.corpus
    title = f"segments lost, of {corpus.segments:,} in each language" if corpus.aligned else "segments lost, by group"
    table = Table(title, (name_rows(comparison), *(t.name for t in lossy)), rows, labels=1)
    return [Section("losses", "Losses", (prose, table))]
