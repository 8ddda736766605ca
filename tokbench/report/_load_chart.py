"""Chart of throughput against latency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tokbench.report._charts import CURVE_HEIGHT, CURVE_WIDTH, inline
from tokbench.report._svg import INK, Specification, load_altair, specify


def chart_load(rows: Sequence[dict[str, Any]]) -> Specification:
    """Chart a line per series through its numbers of users, which label the points.

    rows: series, users, throughput (tokens/s), latency (ms).
    """
    alt = load_altair()
    names = list(dict.fromkeys(row["series"] for row in rows))
    x = alt.X("latency:Q", title="ms between a user's tokens (95th percentile)", scale=alt.Scale(zero=False))
    y = alt.Y("throughput:Q", title="new tokens per second of all users")
    legend = alt.Legend(title=None, orient="bottom", columns=4) if len(names) > 1 else None
    color = alt.Color("series:N", sort=names, scale=alt.Scale(domain=names, scheme="viridis"), legend=legend)
    base = alt.Chart(inline(pl.DataFrame(rows)))
    lines = base.mark_line(aria=False, strokeWidth=2).encode(x=x, y=y, color=color, order="users:Q")
    dots = base.mark_point(aria=False, filled=True, size=50, opacity=1).encode(x=x, y=y, color=color)
    labels = base.mark_text(aria=False, align="left", dx=7, dy=-7, color=INK).encode(x=x, y=y, text="users:Q")
    return specify((lines + dots + labels).properties(width=CURVE_WIDTH, height=CURVE_HEIGHT))
