"""Chart what a text costs at several sizes of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokbench.report._charts import CURVE_HEIGHT, CURVE_WIDTH, inline
from tokbench.report._escaping import reveal
from tokbench.report._svg import Specification, load_altair, specify


def chart_sizes(frame: pl.DataFrame, *, series: Sequence[str], title: str) -> Specification:
    """Chart a line per series over sizes on a logarithmic axis.

    Intervals are thick lines, and a circle marks the least value of each series.

    frame: series, size, value, low, high.
    """
    alt = load_altair()
    drawn = frame.drop_nulls("value")
    names = [reveal(name) for name in series]
    color = alt.Color(
        "series:N",
        sort=names,
        scale=alt.Scale(domain=names, scheme="viridis"),
        legend=alt.Legend(title=None, orient="bottom", columns=2, symbolStrokeWidth=2),
    )
    bounds = [value for column in ("value", "low", "high") for value in drawn[column].drop_nulls()]
    height = alt.Scale(domain=[min(bounds, default=0) * 0.98, max(bounds, default=1) * 1.02], nice=False, zero=False)
    ticks = sorted(set(drawn["size"].to_list()))
    x = alt.X(
        "size:Q",
        title="ids of the vocabulary",
        scale=alt.Scale(type="log", nice=False),
        axis=alt.Axis(format=".3~s", grid=False, values=ticks, labelOverlap=True),
    )
    y = alt.Y("value:Q", title=title, scale=height, axis=alt.Axis(tickCount=6))
    base = alt.Chart(inline(drawn)).encode(x=x, color=color)
    intervals = base.transform_filter("datum.low != null").mark_rule(aria=False, strokeWidth=3)
    lines = base.mark_line(aria=False, strokeWidth=2).encode(y=y)
    least = drawn.filter(pl.col("value") == pl.col("value").min().over("series"))
    dots = alt.Chart(inline(least)).mark_point(aria=False, size=80, strokeWidth=2).encode(x=x, y=y, color=color)
    bounds_of = intervals.encode(y=alt.Y("low:Q", title=title, scale=height), y2="high:Q")
    return specify((lines + bounds_of + dots).properties(width=CURVE_WIDTH, height=CURVE_HEIGHT))
