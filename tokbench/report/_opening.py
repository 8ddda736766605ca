"""The first screen of a report: what was measured, the verdict, tokens against vocabulary, the summary."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from tokbench._shared.quantities import write_count
from tokbench.comparison import Comparison
from tokbench.corpora import name_language
from tokbench.metrics import Metric
from tokbench.report._document_model import Figure, Part, Points, Section
from tokbench.report._frontier import LENGTH, Panel, chart_frontier, find_panels, write_frontier
from tokbench.report._leads import Marks, find_best
from tokbench.report._numbers import find_numbers, title_of, write_cells
from tokbench.report._order import order_tokenizers
from tokbench.report._screen import mark_name
from tokbench.report._summary import has_few_languages
from tokbench.report._table import ABSENT, Cell, Table, write_notes
from tokbench.report._verdict import write_verdict

INTERVALS = "[low, high]: 95 % confidence intervals, paired bootstrap over documents or segments (see Method)."

SHOWN = ("vocab_total", "bytes_per_token", "fertility", "round_trip_exact", "throughput")
"""Metrics of the summary, behind lengths and premiums."""


def write_subtitle(comparison: Comparison) -> str:
    """Say what was measured: how many tokenizers, on which texts, when, and with which version."""
    corpus, made = comparison.corpus, comparison.environment
    count = write_count(len(comparison.names), "tokenizer")
    relative = "" if corpus.reference is None else f", relative to {name_language(corpus.reference)}"
    return (
        f"{count} on {corpus.name}: {corpus.describe_size('×')}{relative}. "
        f"Measured on {made.date[:10]} with tokbench {made.tokbench}."
    )


def write_opening(comparison: Comparison, marks: Marks = find_best, chosen: Sequence[str] = ()) -> list[Section]:
    """Return verdict and summary.

    chosen: metrics that the user asked for, which the summary shows besides its own.
    """
    panels = find_panels(comparison)
    sentences, *others = write_verdict(comparison)
    verdict: list[Part] = [Points((sentences, *write_frontier(panels), *others))]
    if panels:
        verdict.append(show_frontier(comparison, panels))
    notes = ["The best value of each column is marked; (...) loses text, not ranked."]
    if comparison.corpus.bootstrap is not None:
        notes.append(INTERVALS)
    summary: list[Part] = [lay_out_opening(comparison, marks, chosen), Points((*notes, *write_notes(comparison)))]
    return [Section("verdict", "Verdict", tuple(verdict)), Section("summary", "Summary", tuple(summary))]


def show_frontier(comparison: Comparison, panels: Sequence[Panel]) -> Figure:
    """Chart tokens against vocabulary, with the numbers as a table."""
    title = comparison.metrics[LENGTH].title
    headers = ("tokenizer", "texts", "rows", title, "fewest for its size")
    rows = tuple(
        (
            Cell(point.tokenizer),
            Cell(panel.title or "all"),
            Cell(f"{point.rows:,}"),
            Cell(f"{point.tokens:,.2f}", unranked=not point.ranked),
            Cell("yes" if point in panel.frontier else ABSENT),
        )
        for panel in panels
        for point in sorted(panel.points, key=lambda point: point.rows)
    )
    lost = any(not point.ranked for panel in panels for point in panel.points)
    return Figure(
        "frontier",
        "Fewer tokens are better, and so are fewer rows: each is a vector that a model stores and computes with. The "
        "line joins the tokenizers that no smaller one beats."
        + (" Crosses lose text." if lost else "")
        + " Lines through points are intervals.",
        partial(chart_frontier, panels, title),
        Table("tokens and rows of the vocabulary", headers, rows, labels=2),
    )


def choose_summary(comparison: Comparison, chosen: Sequence[str] = ()) -> list[tuple[Metric, str | None]]:
    """Return the columns of the summary: lengths, premiums of many languages, then what every report shows."""
    metrics, languages = comparison.metrics, comparison.corpus.languages
    few = has_few_languages(comparison)
    columns: list[tuple[str, str | None]] = [(LENGTH, lang) for lang in languages] if few else [(LENGTH, None)]
    names = [name for name in ("premium_median", "premium_worst") if not few]
    names += [*SHOWN, *(name for name in chosen if name not in SHOWN and name != LENGTH)]
    columns += [(name, None) for name in dict.fromkeys(names)]
    return [(metrics[name], lang) for name, lang in columns if name in metrics and find_numbers(comparison, name, lang)]


def lay_out_opening(comparison: Comparison, marks: Marks, chosen: Sequence[str] = ()) -> Table:
    """Lay out the summary: a row per tokenizer with the fewest tokens first, values with intervals."""
    columns = choose_summary(comparison, chosen)
    best = marks(comparison, columns)
    cells = [write_cells(comparison, metric, lang, best) for metric, lang in columns]
    rows = dict(zip(comparison.names, zip(*cells, strict=True), strict=True)) if cells else {}
    order = order_tokenizers(comparison)
    headers = ("tokenizer", *(title_of(metric, lang) for metric, lang in columns))
    corpus = comparison.corpus
    return Table(
        f"{corpus.name}: {corpus.describe_size('×')}",
        headers,
        tuple((Cell(mark_name(comparison, name)), *rows.get(name, ())) for name in order),
        labels=1,
    )
