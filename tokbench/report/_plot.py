"""Charts of one metric for notebooks: values by language or over all languages, with their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import polars as pl

from tokbench.comparison import Comparison
from tokbench.errors import TokbenchError
from tokbench.report._charts import inline
from tokbench.report._escaping import reveal
from tokbench.report._numbers import title_of
from tokbench.report._svg import draw_file, load_altair, specify

WIDTH, STEP = 480, 14
"""Pixels: the width of a chart, and the height of a row per tokenizer."""


@dataclass(frozen=True)
class Plot:
    """A chart that notebooks show as SVG: no network is needed.

    chart: the Altair chart, to change or to save.
    label: what it shows, for screen readers.
    """

    chart: Any
    label: str

    def to_svg(self) -> str:
        """Draw the chart as an SVG element."""
        return draw_file(specify(self.chart), "plot", self.label)

    def _repr_svg_(self) -> str:
        """Show the chart in notebooks."""
        return self.to_svg()


def plot(comparison: Comparison, metric: str, by: str) -> Plot:
    """Return a chart: a dot per value, a line per interval; pale dots are not ranked.

    Raises MissingExtraError without Altair, TokbenchError where there are no values to show.
    """
    if by not in {"language", "tokenizer"}:
        raise TokbenchError(f"cannot plot by {by!r}", "use language or tokenizer")
    if metric not in comparison.metrics:
        comparison.by_language(metric)  # which knows the nearest name
    alt = load_altair()
    values = read_values(comparison, metric, by)
    if values.is_empty():
        raise TokbenchError(f"no values of {metric} by {by} in this comparison", "choose another metric or `by`")
    names = [reveal(name) for name in comparison.names]
    groups = [reveal(lang) for lang in comparison.corpus.languages] if by == "language" else names
    shown = comparison.metrics[metric]
    base = alt.Chart(inline(values)).encode(
        y=alt.Y("group:N", sort=groups, title=None),
        color=alt.Color("tokenizer:N", sort=names, legend=alt.Legend(title=None) if by == "language" else None),
        tooltip=["tokenizer:N", "group:N", *(alt.Tooltip(f"{part}:Q") for part in ("value", "low", "high"))],
    )
    if by == "language":
        base = base.encode(yOffset=alt.YOffset("tokenizer:N", sort=names))
    axis = alt.Axis(format="~%" if shown.percent else ",~f")
    x = alt.X("value:Q", title=title_of(shown), scale=alt.Scale(zero=False), axis=axis)
    opacity = alt.condition("datum.ranked", alt.value(1), alt.value(0.35))
    dots = base.mark_point(filled=True, size=60).encode(x=x, opacity=opacity)
    intervals = base.transform_filter("datum.low != null").mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q")
    chart = (intervals + dots).properties(width=WIDTH, height=alt.Step(STEP))
    return Plot(chart, f"{shown.title} by {by}: {', '.join(names)}")


def read_values(comparison: Comparison, metric: str, by: str) -> pl.DataFrame:
    """Return the values to draw: tokenizer, group (a language or the tokenizer), value, low, high, ranked."""
    single = pl.col("lang").is_not_null()
    rows = comparison.frame.filter((pl.col("metric") == metric) & (single if by == "language" else ~single))
    rows = rows.drop_nulls("value")
    compression = comparison.metrics[metric].compression
    ranked = [
        not (compression and comparison.is_lossy(tokenizer, lang))
        for tokenizer, lang in rows.select("tokenizer", "lang").iter_rows()
    ]
    group = "lang" if by == "language" else "tokenizer"
    flags = pl.Series(ranked, dtype=pl.Boolean)
    return rows.select("tokenizer", pl.col(group).alias("group"), "value", "low", "high").with_columns(ranked=flags)
