"""Values of a comparison with intervals, by tokenizer or language."""

from __future__ import annotations

from dataclasses import dataclass, replace

import polars as pl

from tokbench.comparison import Comparison
from tokbench.metrics import Metric
from tokbench.report._leads import Best, Marks, find_best, is_ranked
from tokbench.report._summary import list_columns
from tokbench.report._table import UNRANKED, Cell, Table, header_of, write_column, write_value


@dataclass(frozen=True)
class Number:
    """A value of a metric with its interval.

    low, high: None without an interval.
    ranked: whether it takes part in the ranking.
    """

    tokenizer: str
    lang: str | None
    metric: Metric
    value: float
    low: float | None
    high: float | None
    ranked: bool

    def write(self, unit: str = "") -> str:
        """Format the value, with its interval unless that is a single point."""
        text = write_value(self.value, self.metric) + unit
        if self.low is None or self.high is None or self.low == self.high == self.value:
            return text
        return f"{text} {write_bounds(self)}"


def write_bounds(number: Number) -> str:
    """Format the interval in brackets, with a single per cent sign."""
    low, high = write_value(number.low, number.metric), write_value(number.high, number.metric)
    return f"[{low.removesuffix(' %')}, {high}]"


def find_numbers(comparison: Comparison, metric: str, lang: str | None = None) -> list[Number]:
    """Return a metric's defined values in a language (None: over all), by tokenizer."""
    rows = comparison.frame.filter(
        (pl.col("metric") == metric)
        & pl.col("lang").eq_missing(pl.lit(lang, pl.String))
        & pl.col("value").is_not_null()
    )
    if rows.is_empty():
        return []
    found = comparison.metrics[metric]
    return [
        Number(
            row["tokenizer"],
            lang,
            found,
            row["value"],
            row["low"],
            row["high"],
            is_ranked(comparison, row["tokenizer"], found, lang),
        )
        for row in rows.iter_rows(named=True)
    ]


def rank(numbers: list[Number]) -> list[Number]:
    """Return the ranked numbers, best first; ties keep their order."""
    ranked = [number for number in numbers if number.ranked]
    return sorted(
        ranked, key=lambda number: number.value, reverse=bool(numbers) and numbers[0].metric.better == "higher"
    )


def title_of(metric: Metric, lang: str | None = None) -> str:
    """Return a column header, with the unit unless the title names it."""
    header = header_of(metric, lang)
    return header if metric.unit in metric.title or "/" in metric.title else f"{header} [{metric.unit}]"


def lay_out_numbers(
    comparison: Comparison, columns: list[tuple[Metric, str | None]], marks: Marks = find_best
) -> Table:
    """Lay out one row per tokenizer: values with intervals.

    The best of each column is marked.
    """
    headers = ["tokenizer", "engine"]
    cells = [
        [Cell(f"{name} {UNRANKED}" if comparison.is_lossy(name) else name) for name in comparison.names],
        [Cell(tokenizer.engine.replace("==", " ")) for tokenizer in comparison.tokenizers],
    ]
    best = marks(comparison, columns)
    for metric, lang in columns:
        headers.append(title_of(metric, lang))
        cells.append(write_cells(comparison, metric, lang, best))
    corpus = comparison.corpus
    title = f"{corpus.name}: {corpus.describe_size('×')}"
    return Table(title, tuple(headers), tuple(zip(*cells, strict=True)), labels=2)


def write_cells(comparison: Comparison, metric: Metric, lang: str | None, best: Best) -> list[Cell]:
    """Return one column: a cell per tokenizer, with its interval."""
    numbers = {number.tokenizer: number for number in find_numbers(comparison, metric.name, lang)}
    values = [numbers[name].value if name in numbers else None for name in comparison.names]
    plain = write_column(comparison, (metric, lang), values, best)
    return [
        replace(cell, text=numbers[name].write()) if name in numbers else cell
        for name, cell in zip(comparison.names, plain, strict=True)
    ]


def lay_out_summary(comparison: Comparison, marks: Marks = find_best) -> Table:
    """Lay out the summary, with intervals."""
    return lay_out_numbers(comparison, [(metric, lang) for _, metric, lang in list_columns(comparison)], marks)
