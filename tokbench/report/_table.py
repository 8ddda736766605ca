"""Tables, independent of format: rows and columns, number formats, marks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from tokbench._shared.visible_text import reveal
from tokbench.report._alignment import choose_by_language, name_rows, write_alignment, write_mixture
from tokbench.report._sample import write_sample
from tokbench.report._summary import has_all_metrics, list_columns, summarize

if TYPE_CHECKING:
    from tokbench.comparison import Comparison
    from tokbench.comparison._facts import ComparedCorpus
    from tokbench.metrics import Metric
    from tokbench.report._leads import Best, Column, Marks

ARROWS = {"higher": "↑", "lower": "↓", None: ""}
UNRANKED = "†"
ABSENT = "–"


@dataclass(frozen=True)
class Cell:
    """A formatted value.

    best: the best of its column or row.
    unranked: not ranked, because the tokenizer loses text.
    floor: of a byte vocabulary, which shows what no tokenizer exceeds and takes part in no ranking.
    bar: the length of the bar that a terminal draws instead of text, as a share of the longest.
    """

    text: str
    best: bool = False
    unranked: bool = False
    floor: bool = False
    bar: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", reveal(self.text))


@dataclass(frozen=True)
class Table:
    """A table; the first `labels` columns hold names.

    texts: further columns that hold text, not numbers.
    ruled: whether a terminal shows a rule below the headers.
    optional: columns that a terminal leaves out if there is no room, the last of them first.
    bars: the column of bars.
    """

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    labels: int
    texts: frozenset[int] = frozenset()
    ruled: bool = True
    optional: tuple[int, ...] = ()
    bars: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "title", reveal(self.title))
        object.__setattr__(self, "headers", tuple(map(reveal, self.headers)))

    def holds_text(self, column: int) -> bool:
        """Return whether a column is aligned to the left."""
        return column < self.labels or column in self.texts

    def select(self, columns: Sequence[int]) -> Table:
        """Return the table with these columns only."""
        return replace(
            self,
            headers=tuple(self.headers[i] for i in columns),
            rows=tuple(tuple(row[i] for i in columns) for row in self.rows),
            labels=sum(i < self.labels for i in columns),
            texts=frozenset(new for new, i in enumerate(columns) if i in self.texts),
            optional=tuple(columns.index(i) for i in self.optional if i in columns),
            bars=columns.index(self.bars) if self.bars in columns else None,
        )


def tabulate(
    rows: Sequence[Mapping[str, Any]],
    title: str = "",
    *,
    formats: Mapping[str, Callable[[Any], str]] | None = None,
    ruled: bool = False,
    optional: Collection[str] = (),
) -> Table:
    """Lay out rows with the same keys, which are the headers.

    formats: how to write the values of a column that are not null, instead of `format_value`.
    optional: columns that a terminal leaves out if there is no room.
    """
    headers = tuple(rows[0]) if rows else ()
    numeric = [i for i, header in enumerate(headers) if any(type(row[header]) in (int, float) for row in rows)]
    writers = [(header, (formats or {}).get(header, format_value)) for header in headers]
    cells = tuple(
        tuple(Cell(format_value(None) if row[header] is None else write(row[header])) for header, write in writers)
        for row in rows
    )
    labels = min(numeric, default=len(headers))
    droppable = tuple(i for i, header in enumerate(headers) if header in optional)
    return Table(title, headers, cells, labels, frozenset(range(len(headers))) - {*numeric}, ruled, droppable)


def format_value(value: Any) -> str:
    """Format a value of any type: lists comma-separated, missing values as a dash."""
    if value is None or value == []:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def mark_cell(cell: Cell, escape: Callable[[str], str], bold: str) -> str:
    """Format a cell: the best in bold, unranked values in brackets.

    bold: the markup, with {} for the text.
    """
    text = escape(cell.text)
    if cell.unranked:
        return f"({text})"
    return bold.format(text) if cell.best else text


def write_value(value: float | None, metric: Metric) -> str:
    """Format a metric's value: decimals, thousands separators, per cent.

    Rounding never turns a share below 1 into 100 %, or one above 0 into 0 %.
    """
    if value is None:
        return ABSENT
    if not metric.percent:
        return f"{value:,.{metric.decimals}f}"
    decimals = min(metric.decimals, 2)
    shown = f"{100 * value:.{decimals}f}"
    if float(shown) == 100 and value < 1:
        shown = f"{100 - 10**-decimals:.{decimals}f}"
    if float(shown) == 0 and value > 0:
        shown = f"<{10**-decimals:.{decimals}f}"
    return f"{shown} %" if value < 1 else "100 %"


def write_column(comparison: Comparison, column: Column, values: Sequence[float | None], best: Best) -> list[Cell]:
    """Format the values of all tokenizers in one column.

    best: the tokenizers to mark, from `find_best`.
    """
    from tokbench.report._leads import is_floor

    metric, lang = column
    marked = best.get((metric.name, lang), frozenset())
    return [
        Cell(
            write_value(value, metric),
            best=name in marked,
            unranked=value is not None and metric.compression and comparison.is_lossy(name, lang),
            floor=is_floor(comparison, name),
        )
        for name, value in zip(comparison.names, values, strict=True)
    ]


def header_of(metric: Metric, lang: str | None = None) -> str:
    """Return a column header: title, language, and an arrow for the better direction."""
    return " ".join(part for part in (metric.title, lang, ARROWS[metric.better]) if part)


def lay_out_summary(comparison: Comparison, marks: Marks | None = None) -> Table:
    """Lay out one row per tokenizer.

    marks: which values to mark; by default the best that a test separates from the next.
    """
    from tokbench.report._leads import find_best

    summary = summarize(comparison)
    headers = ["tokenizer", "engine"]
    columns = [
        [Cell(f"{name} {UNRANKED}" if comparison.is_lossy(name) else name) for name in comparison.names],
        [Cell(engine.replace("==", " ")) for engine in summary["engine"]],
    ]
    listed = list_columns(comparison)
    best = (marks or find_best)(comparison, [(metric, lang) for _, metric, lang in listed])
    for name, metric, lang in listed:
        headers.append(header_of(metric, lang))
        columns.append(write_column(comparison, (metric, lang), summary[name].to_list(), best))
    corpus = comparison.corpus
    title = f"{corpus.name}: {corpus.describe_size()}"
    return Table(title, tuple(headers), tuple(zip(*columns, strict=True)), labels=2)


def lay_out_languages(comparison: Comparison, *, intervals: bool = False, marks: Marks | None = None) -> list[Table]:
    """Lay out one table per metric, languages by tokenizers.

    The best of each row is marked.
    """
    by_language = comparison.frame.filter(pl.col("lang").is_not_null())
    metrics, present = comparison.metrics, set(by_language["metric"])
    usual = {*choose_by_language(comparison), *(m.name for m in comparison.added_metrics)}
    shown = usual if has_all_metrics(comparison) else present
    chosen = [metric for name, metric in metrics.items() if name in present & shown]
    return [lay_out_metric(comparison, metric, intervals=intervals, marks=marks) for metric in chosen]


def lay_out_metric(
    comparison: Comparison, metric: Metric, *, intervals: bool = False, marks: Marks | None = None
) -> Table:
    """Lay out one metric, languages by tokenizers.

    With intervals as `2.09 [2.06, 2.12]`.
    """
    from tokbench.report._leads import find_best

    values = comparison.by_language(metric.name)
    bounds = find_bounds(comparison, metric) if intervals else {}
    best = (marks or find_best)(comparison, [(metric, lang) for lang in comparison.corpus.languages])
    rows = []
    for row in values.iter_rows(named=True):
        lang = row["lang"]
        cells = write_column(comparison, (metric, lang), [row[name] for name in comparison.names], best)
        for i, name in enumerate(comparison.names):
            if (name, lang) in bounds:
                low, high = (write_value(bound, metric) for bound in bounds[name, lang])
                cells[i] = replace(cells[i], text=f"{cells[i].text} [{low}, {high}]")
        rows.append((Cell(lang), *cells))
    return Table(title_of_metric(comparison, metric), (name_rows(comparison), *comparison.names), tuple(rows), labels=1)


def title_of_metric(comparison: Comparison, metric: Metric) -> str:
    """Return the title of a table of one metric: its name, direction and unit, and what it is relative to."""
    title = f"{header_of(metric)} [{metric.unit}]"
    if metric.relative_to == "reference":
        title += f", relative to {comparison.corpus.reference}"
    if metric.relative_to == "baseline":
        title += f", relative to {comparison.corpus.baseline}"
    return title


def find_bounds(comparison: Comparison, metric: Metric) -> dict[tuple[str, str], tuple[float, float]]:
    """Return the intervals of a metric by tokenizer and language."""
    rows = comparison.frame.filter(pl.col("metric") == metric.name).drop_nulls(["lang", "low", "high"])
    return {(row["tokenizer"], row["lang"]): (row["low"], row["high"]) for row in rows.iter_rows(named=True)}


def write_notes(comparison: Comparison) -> list[str]:
    """List the notes below the tables."""
    corpus = comparison.corpus
    notes = [*write_sample(corpus), *write_mixture(comparison), *write_alignment(comparison)]
    lossy = [t for t in comparison.tokenizers if t.lossy_segments]
    for tokenizer in lossy:
        worst = sorted(tokenizer.lossy_segments.items(), key=lambda item: -item[1])[:4]
        where = ", ".join(f"{count:,} of {corpus.count_segments(lang):,} in {lang}" for lang, count in worst)
        more = len(tokenizer.lossy_segments) - len(worst)
        rest = f" and in {more} more" if more > 0 else ""
        unranked = "not ranked on compression and boundaries"
        notes.append(f"{UNRANKED} {tokenizer.name} is lossy, {unranked}: text lost in {where}{rest}")
    notes += [
        f"{t.name}: {t.origin}; ids, losses and the vocabulary are unknown"
        if t.counted
        else f"{t.name}: losses are unknown, since the bytes of its tokens are not given"
        if t.format == "measurements"
        else f"{t.name}: losses were not counted, since no metric needs them"
        for t in comparison.tokenizers
        if not t.decoded
    ]
    if corpus.excluded:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in corpus.excluded.items())
        notes.append(f"excluded segments: {reasons}")
    return [*notes, *write_missing(corpus)]


MOST_NAMED = 5
"""Shards that notes name; JSON has all."""


def write_missing(corpus: ComparedCorpus) -> list[str]:
    """List the shards of a stream that values do not cover, with the reasons."""
    missing = list(corpus.missing.items())
    rest = len(missing) - MOST_NAMED
    more = [f"{rest:,} more shards are not measured either (named in JSON)"] if rest > 0 else []
    return [*(f"{name} is not measured: {reason}" for name, reason in missing[:MOST_NAMED]), *more]


def write_skipped(comparison: Comparison) -> list[str]:
    """List each unavailable tokenizer, with the reason and the remedy."""
    lines = []
    for skipped in comparison.skipped:
        reason = skipped.reason if skipped.reason.startswith(skipped.name) else f"{skipped.name}: {skipped.reason}"
        lines.append(f"{reason}; {skipped.remedy}" if skipped.remedy else reason)
    return lines
