"""Charts of a report: Vega-Lite specifications, made with Altair.

From frames of a few hundred rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10
from typing import Any

import polars as pl

from tokbench.report._escaping import reveal
from tokbench.report._svg import ACCENT, INK, PAGE, Specification, load_altair, specify

PALETTE = ("#4e79a7", "#f28e2b", "#e15759", "#76b7b2", "#59a14f", "#edc948", "#b07aa1", "#ff9da7", "#9c755f", "#bab0ac")
"""Colours of kinds without an order, which differ in hue and in lightness (Tableau 10)."""

RANGE_WIDTH = 520
BAR_WIDTH = 300
"""With names and values, bars fit on the screen of a phone; wider pages enlarge them."""
CURVE_WIDTH, CURVE_HEIGHT = 560, 360
LETTER, LINE = 6, 14
"""Size of a label's characters in pixels."""


def inline(frame: pl.DataFrame) -> Any:
    """Convert a frame to chart data, with invisible characters in its texts escaped."""
    alt = load_altair()
    rows = [
        {key: reveal(value) if isinstance(value, str) else value for key, value in row.items()}
        for row in frame.to_dicts()
    ]
    return alt.InlineData(values=rows)


def chart_bars(frame: pl.DataFrame, *, y: Sequence[str], title: str, number: str) -> Specification:
    """Chart a bar per row, its interval as a line, its value at the right.

    frame: y, value, low, high, ranked; unranked bars are pale.
    """
    alt = load_altair()
    top = max([value for value in (*frame["value"], *frame["high"]) if value is not None], default=1.0)
    base = begin_rows(frame, y)
    scale = alt.Scale(domain=[0, top * 1.02], nice=False)
    bars = base.mark_bar(aria=False, height=12).encode(
        x=alt.X("value:Q", title=title, scale=scale, axis=alt.Axis(tickCount=6, format=",~f")),
        fillOpacity=alt.condition("datum.ranked", alt.value(0.75), alt.value(0.25)),
    )
    intervals = base.transform_filter("datum.low != null").mark_rule(aria=False, color=INK, strokeWidth=2)
    layers = bars + intervals.encode(x="low:Q", x2="high:Q") + write_values(base, number, BAR_WIDTH)
    return specify(layers.properties(width=BAR_WIDTH, height=alt.Step(22)))


def chart_ranges(frame: pl.DataFrame, *, y: Sequence[str], title: str, number: str) -> Specification:
    """Chart a dot per row on a logarithmic axis, its range as a line, its value at the right.

    frame: y, value, low, high, ranked; all above 0.
    """
    alt = load_altair()
    known = [value for name in ("value", "low", "high") for value in frame[name] if value is not None and value > 0]
    low, high = min(known, default=1.0) / 1.3, max(known, default=1.0) * 1.3
    base = begin_rows(frame.filter(pl.col("value") > 0), y)
    axis = alt.Axis(values=list_ticks(low, high), labelExpr="format(datum.value, ',~f')", labelOverlap=True)
    x = alt.X("value:Q", title=title, axis=axis, scale=alt.Scale(type="log", domain=[low, high], nice=False))
    ranges = base.transform_filter("datum.low != null").mark_rule(aria=False, color=ACCENT, strokeWidth=5, opacity=0.5)
    dots = base.mark_point(aria=False, filled=True, size=60, color=INK, opacity=1).encode(x=x)
    layers = ranges.encode(x=alt.X("low:Q", title=title), x2="high:Q") + dots + write_values(base, number, RANGE_WIDTH)
    return specify(layers.properties(width=RANGE_WIDTH, height=alt.Step(22)))


def begin_rows(frame: pl.DataFrame, y: Sequence[str]) -> Any:
    """Return a chart with the rows of a frame in an order."""
    alt = load_altair()
    axis = alt.Axis(domain=False, ticks=False)
    return alt.Chart(inline(frame.drop_nulls("value"))).encode(
        y=alt.Y("y:N", sort=[reveal(name) for name in y], title=None, axis=axis)
    )


def write_values(base: Any, number: str, width: int) -> Any:
    """Return the values as a column right of the chart, clear of every line."""
    alt = load_altair()
    return base.mark_text(aria=False, align="left", color=INK).encode(
        x=alt.value(width + 8), text=alt.Text("value:Q", format=number)
    )


def list_ticks(low: float, high: float) -> list[float]:
    """Return the round numbers in a range of a logarithmic axis: 1, 2 and 5 in each decade.

    >>> list_ticks(40, 600)
    [50.0, 100.0, 200.0, 500.0]
    """
    ticks = [step * 10.0**power for power in range(-9, 13) for step in (1, 2, 5)]
    return [tick for tick in ticks if low <= tick <= high]


def chart_shares(frame: pl.DataFrame, *, y: Sequence[str], parts: Sequence[str], title: str) -> Specification:
    """Chart bars of 100 %, divided into parts: y, part, value (a share)."""
    alt = load_altair()
    order = pl.DataFrame({"part": parts, "order": range(len(parts))})
    return specify(
        alt.Chart(inline(frame.join(order, on="part", how="left")))
        .mark_bar(aria=False, stroke=PAGE, strokeWidth=0.5)
        .encode(
            y=alt.Y("y:N", sort=[reveal(name) for name in y], title=None, axis=alt.Axis(domain=False, ticks=False)),
            x=alt.X("value:Q", title=title, axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])),
            color=alt.Color(
                "part:N",
                sort=list(parts),
                scale=alt.Scale(domain=list(parts), range=list(PALETTE[: len(parts)])),
                legend=alt.Legend(title=None, orient="bottom", columns=5),
            ),
            order=alt.Order("order:Q"),
        )
        .properties(width=560, height=alt.Step(22))
    )


def chart_break_even(curves: pl.DataFrame, points: pl.DataFrame) -> Specification:
    """Chart where another vocabulary pays off.

    curves: one per model: model, rows, nsl.
    points: one per tokenizer: tokenizer, rows, nsl.
    """
    alt = load_altair()
    models = curves["model"].unique(maintain_order=True).to_list()
    everything = [*curves["nsl"], *points["nsl"]]
    domain = (min(everything) * 0.92, max(everything) * 1.05)
    height = alt.Scale(domain=list(domain), nice=False, zero=False)
    ends = curves.group_by("model", maintain_order=True).last()
    x = alt.X(
        "rows:Q", title="rows of the vocabulary", axis=alt.Axis(format="~s", grid=False), scale=alt.Scale(nice=False)
    )
    y = alt.Y("nsl:Q", title="tokens relative to the original", scale=height, axis=alt.Axis(tickCount=6))
    lines = (
        alt.Chart(inline(curves))
        .mark_line(aria=False, strokeWidth=2, color=ACCENT)
        .encode(x=x, y=y, strokeDash=alt.StrokeDash("model:N", sort=models, legend=None))
    )
    names = (
        alt.Chart(inline(ends)).mark_text(aria=False, align="left", dx=6, color=ACCENT).encode(x=x, y=y, text="model:N")
    )
    dots = alt.Chart(inline(points)).mark_point(aria=False, filled=True, size=60, color=INK, opacity=1).encode(x=x, y=y)
    labelled = choose_labelled(points, (0, float(curves["rows"].to_numpy().max())), domain)
    base = alt.Chart(inline(labelled)).encode(x=x, y=y, text="tokenizer:N")
    halo = base.mark_text(aria=False, align="left", dx=8, dy=-8, stroke=PAGE, strokeWidth=4, strokeJoin="round")
    labels = base.mark_text(aria=False, align="left", dx=8, dy=-8, color=INK)
    return specify((lines + names + dots + halo + labels).properties(width=CURVE_WIDTH, height=CURVE_HEIGHT))


def choose_labelled(points: pl.DataFrame, x: tuple[float, float], y: tuple[float, float]) -> pl.DataFrame:
    """Choose the points whose labels do not overlap an earlier label."""
    chosen: list[dict[str, Any]] = []
    for point in points.iter_rows(named=True):
        clear = all(
            abs(point["rows"] - other["rows"]) / (x[1] - x[0]) * CURVE_WIDTH
            > LETTER * max(len(point["tokenizer"]), len(other["tokenizer"]))
            or abs(point["nsl"] - other["nsl"]) / (y[1] - y[0]) * CURVE_HEIGHT > LINE
            for other in chosen
        )
        if clear:
            chosen.append(point)
    return pl.DataFrame(chosen, schema=points.schema)


def chart_dots(frame: pl.DataFrame, *, y: Sequence[str], series: Sequence[str], title: str) -> Specification:
    """Chart a dot per series and row, on a logarithmic axis: y, series, value."""
    alt = load_altair()
    color = alt.Color(
        "series:N",
        sort=list(series),
        scale=alt.Scale(domain=list(series), scheme="viridis"),
        legend=alt.Legend(title=None, orient="bottom", columns=8, symbolStrokeWidth=0.5),
    )
    values = frame["value"].drop_nulls().to_list()
    decades = [10.0**power for power in range(floor(log10(min(values))), ceil(log10(max(values))) + 1)]
    axis = alt.Axis(format="~s" if decades[0] >= 1 else "~g", values=decades)
    x = alt.X("value:Q", title=title, scale=alt.Scale(type="log", domain=[decades[0], decades[-1]]), axis=axis)
    return specify(
        alt.Chart(inline(frame.drop_nulls("value")))
        .mark_point(aria=False, filled=True, size=70, opacity=1, stroke=INK, strokeWidth=0.5)
        .encode(
            y=alt.Y("y:N", sort=list(y), title=None, axis=alt.Axis(domain=False, ticks=False, grid=True)),
            x=x,
            color=color,
        )
        .properties(width=560, height=alt.Step(18))
    )
