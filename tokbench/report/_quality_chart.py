"""A chart of accuracy against cost: a point per model with its interval, a panel per task."""

from __future__ import annotations

from math import ceil, floor, log10

import polars as pl

from tokbench.report._charts import inline
from tokbench.report._svg import ACCENT, FAINT, INK, Specification, load_altair, specify

WIDTH, HEIGHT = 560, 360
PANEL = 170
"""Pixels of a panel's width and height, if there are several."""
COLUMNS = 4
LABEL_ROOM = 2.2
"""Room for the last label: the end of the axis over the highest cost."""
GIB = 2**30


def chart_quality(frame: pl.DataFrame, against: str, title: str) -> Specification:
    """Chart values against a cost on a logarithmic axis, models joined by a line.

    frame: model, task, value, low, high, and the column `against`, some of it above 0.
    """
    alt = load_altair()
    points = choose_points(frame, against)
    costs = points["cost"].to_list()
    tasks = points["task"].unique(maintain_order=True).to_list()
    single = len(tasks) == 1
    ticks = [10.0**power for power in range(floor(log10(min(costs))), ceil(log10(max(costs))) + 1)]
    axis = alt.Axis(values=ticks, format="~g" if max(costs) < 1e6 else ".0e")
    scale = alt.Scale(type="log", domain=[min(costs) / 1.3, max(costs) * (LABEL_ROOM if single else 1.3)], nice=False)
    vertical = alt.Y("value:Q", title="accuracy", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    base = alt.Chart(inline(points)).encode(x=alt.X("cost:Q", title=title, scale=scale, axis=axis))
    line = base.mark_line(aria=False, color=FAINT).encode(y=alt.Y("mean:Q", title="accuracy"))
    intervals = base.mark_rule(aria=False, strokeWidth=2, color=INK).encode(
        y=alt.Y("low:Q", title="accuracy"), y2="high:Q"
    )
    dots = base.mark_point(aria=False, filled=True, size=60 if single else 30, opacity=1, color=ACCENT)
    drawn = line + intervals + dots.encode(y=vertical)
    if not single:
        header = alt.Header(title=None, labelFontSize=12)
        panels = drawn.properties(width=PANEL, height=PANEL).facet(
            facet=alt.Facet("task:N", sort=tasks, header=header), columns=COLUMNS, spacing=12
        )
        return specify(panels)
    names = base.transform_filter("datum.label != null").mark_text(aria=False, align="left", dx=8, dy=10, color=INK)
    drawn = drawn + names.encode(y=vertical, text="label:N")
    return specify(drawn.properties(width=WIDTH, height=HEIGHT))


def choose_points(frame: pl.DataFrame, against: str) -> pl.DataFrame:
    """Return the points of a chart: task, value, low, high, cost (bytes in GiB), mean and label.

    mean: of the values of a task at the same cost, where a line passes.
    label: the model's name without `pythia-`, of the first at a cost; null for the others.
    """
    scale = 1 / GIB if against == "ram" else 1.0
    points = frame.select("task", "model", "value", "low", "high", cost=pl.col(against) * scale)
    points = points.filter(pl.col("cost") > 0)
    first = pl.int_range(pl.len()).over("task", "cost") == 0
    return points.with_columns(
        mean=pl.col("value").mean().over("task", "cost"),
        label=pl.when(first).then(pl.col("model").str.strip_prefix("pythia-")),
    )
