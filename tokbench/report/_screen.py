"""What a terminal shows of a comparison: tokenizers by tokens, with bars, findings and short notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from tokbench.comparison import Comparison
from tokbench.comparison.signature import digest_signature
from tokbench.corpora import name_language
from tokbench.measurement.loading import Skipped
from tokbench.metrics import Metric
from tokbench.report._document_model import Plain, Points, Prose, Results
from tokbench.report._findings import write_findings
from tokbench.report._leads import Best, find_standing, is_floor
from tokbench.report._numbers import find_numbers
from tokbench.report._order import LENGTH, order_tokenizers
from tokbench.report._significance import write_differences
from tokbench.report._summary import has_all_metrics, list_columns
from tokbench.report._table import ABSENT, UNRANKED, Cell, Table, header_of, write_column, write_notes
from tokbench.report._views import lay_out

PREMIUMS = (("premium_median", "median"), ("premium_worst", "worst"))
FURTHER = ("bytes_per_token", "round_trip_exact", "gini", "fertility", "throughput")
"""Metrics shown where there is room, in this order."""

PULL = "`tokbench pull "


def show_screen(
    comparison: Comparison, by: str = "summary", *, sort: str | None = None, signature: bool = False
) -> Results:
    """Return what a terminal shows of a view of a comparison.

    sort: the column that orders the tokenizers, from `check_sort`.
    signature: whether to show the whole signature instead of its hash.
    """
    return Results(
        lambda: list_parts(comparison, by, sort, signature=signature),
        comparison.to_document,
        lambda: comparison.frame,
    )


def list_parts(comparison: Comparison, by: str, sort: str | None, *, signature: bool) -> list[Plain]:
    """Return the tables of a view, the findings and the notes."""
    order = order_tokenizers(comparison, sort)
    if by == "summary" and list_columns(comparison):
        chosen = choose_columns(comparison, sort)
        standing = find_standing(comparison, [(one.metric, one.lang) for one in chosen])
        tables = [lay_out_screen(comparison, order, list_values(comparison, chosen, standing.best))]
        heading: list[Plain] = []
        findings = write_findings(comparison, standing)
    else:
        tables = [arrange_view(comparison, table, order) for table in lay_out(comparison, by)]
        heading, findings = [Prose((name_corpus(comparison),))], []
    notes = (
        [f"-> {sentence}" for sentence in findings],
        explain_marks(tables, tested=comparison.corpus.bootstrap is not None),
        write_notes(comparison),
        fold_skipped(comparison.skipped),
        write_differences(comparison),
        [] if signature else [write_digest(comparison)],
    )
    below: list[Plain] = [Points(tuple(lines)) for lines in notes if lines]
    return [*heading, *tables, *below, *([Prose((comparison.signature(),))] if signature else [])]


def write_digest(comparison: Comparison) -> str:
    """Name the hash of the signature, which tells whether two screens show the same thing."""
    version = comparison.environment.tokbench
    return f"signature {digest_signature(comparison.signature())}, tokbench {version} (in full: --signature)"


def name_corpus(comparison: Comparison) -> str:
    """Name the corpus and its size."""
    return f"{comparison.corpus.name}: {comparison.corpus.describe_size()}"


@dataclass(frozen=True)
class Column:
    """A column of the screen: its cells are in the order of `Comparison.names`.

    kind: what a terminal does with it: `bars`, `text`, or right-aligned `numbers`.
    optional: whether it is left out where there is no room.
    """

    header: str
    cells: Sequence[Cell]
    kind: str = "numbers"
    optional: bool = False


def lay_out_screen(comparison: Comparison, order: Sequence[str], values: Sequence[Column]) -> Table:
    """Lay out one row per tokenizer: bars and tokens, premiums, vocabulary, and what else there is room for."""
    names = [Cell(mark_name(comparison, name)) for name in comparison.names]
    columns = [Column("tokenizer", names, "text"), *values]
    if has_all_metrics(comparison):
        engines = [Cell(tokenizer.engine.replace("==", " ")) for tokenizer in comparison.tokenizers]
        licences = [Cell(tokenizer.licence or ABSENT) for tokenizer in comparison.tokenizers]
        columns += [
            Column("engine", engines, "text", optional=True),
            Column("licence", licences, "text", optional=True),
        ]
    rows = dict(zip(comparison.names, zip(*(column.cells for column in columns), strict=True), strict=True))
    bars = [i for i, column in enumerate(columns) if column.kind == "bars"]
    title = name_corpus(comparison)
    if bars:
        title += "; tokens per segment, fewer is better"
    return Table(
        title,
        tuple(column.header for column in columns),
        tuple(tuple(replace(cell, floor=is_floor(comparison, name)) for cell in rows[name]) for name in order),
        labels=1,
        texts=frozenset(i for i, column in enumerate(columns) if column.kind == "text"),
        ruled=False,
        optional=tuple(i for i, column in enumerate(columns) if column.optional),
        bars=bars[0] if bars else None,
    )


def mark_name(comparison: Comparison, name: str) -> str:
    """Return a tokenizer's name, marked if it is a byte vocabulary or lossy."""
    if is_floor(comparison, name):
        return f"{name} (floor)"
    return f"{name} {UNRANKED}" if comparison.is_lossy(name) else name


@dataclass(frozen=True)
class Shown:
    """A metric that is shown, in a language or over all (None)."""

    header: str
    metric: Metric
    lang: str | None = None
    optional: bool = False


def choose_columns(comparison: Comparison, sort: str | None = None) -> list[Shown]:
    """Return the metrics to show: all that were chosen, else the same for any number of languages.

    sort: the column that orders the tokenizers, which is always shown.
    """
    metrics = comparison.metrics
    if not has_all_metrics(comparison):
        return [Shown(header_of(metric, lang), metric, lang) for _, metric, lang in list_columns(comparison)]
    chosen = [Shown("tokens", metrics[LENGTH])]
    if find_numbers(comparison, "premium_median"):
        chosen += [Shown(f"{word} vs {comparison.corpus.reference}", metrics[name]) for name, word in PREMIUMS]
    chosen.append(Shown("vocab", metrics["vocab_total"]))
    further = [name for name in FURTHER if find_numbers(comparison, name)]
    added = [metric for metric in comparison.added_metrics if find_numbers(comparison, metric.name)]
    shown = {one.metric.name for one in chosen}
    if (
        sort is not None
        and sort in metrics
        and sort not in shown
        and find_numbers(comparison, sort)
        and metrics[sort] not in added
    ):
        added = [metrics[sort], *added]
    chosen += [Shown(header_of(metric), metric) for metric in added]
    return [
        *chosen,
        *(Shown(header_of(metrics[name]), metrics[name], optional=True) for name in further if name != sort),
    ]


def list_values(comparison: Comparison, chosen: Sequence[Shown], best: Best) -> list[Column]:
    """Return the columns of metrics: tokens with bars before them and their ratio to the best behind."""
    names = comparison.names
    columns: list[Column] = []
    for one in chosen:
        numbers = {number.tokenizer: number for number in find_numbers(comparison, one.metric.name, one.lang)}
        values = {name: number.value for name, number in numbers.items()}
        cells = write_column(comparison, (one.metric, one.lang), [values.get(name) for name in names], best)
        if one.metric.level == "timings":  # a speed without its range says too much
            named = zip(names, cells, strict=True)
            cells = [replace(cell, text=numbers[name].write()) if name in numbers else cell for name, cell in named]
        column = Column(one.header, cells, optional=one.optional)
        if one.metric.name == LENGTH and one.lang is None and values:
            bars = Column("", draw_bars(values, cells, names), "bars")
            columns += [bars, column, Column("\u00d7best", write_relative(names, values, cells))]
        else:
            columns.append(column)
    return columns


def draw_bars(values: Mapping[str, float], cells: Sequence[Cell], names: Sequence[str]) -> list[Cell]:
    """Return bars as shares of the highest value."""
    most = max(values.values())
    return [
        Cell("", bar=values.get(name, 0.0) / most if most else 0.0, unranked=cell.unranked)
        for name, cell in zip(names, cells, strict=True)
    ]


def write_relative(names: Sequence[str], values: Mapping[str, float], cells: Sequence[Cell]) -> list[Cell]:
    """Return values relative to the best that is ranked."""
    named = list(zip(names, cells, strict=True))
    ranked = [values[name] for name, cell in named if name in values and not cell.unranked and not cell.floor]
    best = min(ranked, default=0.0)
    return [
        Cell(f"{values[name] / best:.2f}x" if name in values and best else ABSENT, unranked=cell.unranked)
        for name, cell in named
    ]


def arrange_view(comparison: Comparison, table: Table, order: Sequence[str]) -> Table:
    """Return a table of a view with its tokenizers in order, and names of languages beside their tags."""
    languages = set(comparison.corpus.languages)
    labelled = table.headers[0] == "language"
    rows = tuple(
        (replace(row[0], text=name_language(row[0].text)), *row[1:]) if labelled and row[0].text in languages else row
        for row in table.rows
    )
    table = replace(table, rows=rows)
    start = len(table.headers) - len(comparison.names)
    if start < 1 or table.headers[start:] != tuple(comparison.names):
        return table
    table = table.select([*range(start), *(start + comparison.names.index(name) for name in order)])
    return replace(table, headers=(*table.headers[:start], *(mark_name(comparison, name) for name in order)))


def explain_marks(tables: Sequence[Table], *, tested: bool) -> list[str]:
    """Explain the marks that tables have, on one line; tested: whether the best are by more than chance."""
    cells = [cell for table in tables for row in table.rows for cell in row]
    marks = []
    if any(cell.best for cell in cells):
        marks.append("* best, and not by chance (paired test, or intervals apart)" if tested else "* best (not tested)")
    if any(cell.unranked for cell in cells):
        marks.append("(...) loses text, not ranked")
    if any(cell.floor for cell in cells):
        marks.append("floor: single bytes, not ranked")
    return ["; ".join(marks)] if marks else []


def fold_skipped(skipped: Sequence[Skipped]) -> list[str]:
    """Name the tokenizers that are not compared: those that can be downloaded on one line, others with the reason."""
    absent = [one.name for one in skipped if one.remedy and PULL in one.remedy]
    lines = []
    if absent:
        named = " ".join(absent) if len(absent) <= 4 else "NAME..."
        lines.append(f"not available here: {', '.join(absent)}; get them with {PULL}{named}`")
    for one in skipped:
        if one.name not in absent:
            reason = one.reason if one.reason.startswith(one.name) else f"{one.name}: {one.reason}"
            lines.append(f"not compared: {reason}{f'; {one.remedy}' if one.remedy else ''}")
    return lines
