"""A chart of accuracy against cost: a point per model and task, with its interval."""

from __future__ import annotations

from math import ceil, floor, log10

import polars as pl

from tokbench.report._charts import inline
from tokbench.report._svg import INK, Specification, load_altair, specify

WIDTH, HEIGHT = 560, 360
GIB = 2**30


def chart_quality(frame: pl.DataFrame, against: str, title: str) -> Specification:
    """Chart values against a cost on a logarithmic axis, tasks by colour, joined in the order of cost.

    frame: model, task, value, low, high, and the column `against`.
    """
    alt = load_altair()
    scale = 1 / GIB if against == "ram" else 1.0
    points = frame.select("model", "task", "value", "low", "high", cost=pl.col(against) * scale).drop_nulls("cost")
    costs = points.filter(pl.col("cost") > 0)["cost"].to_list()
    decades = [10.0**power for power in range(floor(log10(min(costs))), ceil(log10(max(costs))) + 1)]
    domain = [min(costs) / 1.3, max(costs) * 1.6]
    tasks = points["task"].unique(maintain_order=True).to_list()
    x = alt.X(
        "cost:Q",
        title=title,
        scale=alt.Scale(type="log", domain=domain, nice=False),
        axis=alt.Axis(values=decades, format="~g", grid=True),
    )
    color = alt.Color(
        "task:N",
        sort=tasks,
        scale=alt.Scale(domain=tasks, scheme="viridis"),
        legend=alt.Legend(title=None, orient="bottom", columns=4) if len(tasks) > 1 else None,
    )
    base = alt.Chart(inline(points)).encode(x=x, color=color)
    vertical = alt.Y("value:Q", title="accuracy", scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    intervals = base.mark_rule(aria=False, strokeWidth=2).encode(y=alt.Y("low:Q", title="accuracy"), y2="high:Q")
    dots = base.mark_point(aria=False, filled=True, size=60, opacity=1).encode(y=vertical)
    drawn = intervals + dots
    if len(tasks) == 1:
        names = base.mark_text(aria=False, align="left", dx=8, dy=10, color=INK).encode(
            y=vertical, text="model:N", color=alt.value(INK)
        )
        drawn = drawn + names
    return specify(drawn.properties(width=WIDTH, height=HEIGHT))
