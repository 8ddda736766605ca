"""Tokens against the size of the vocabulary, and which tokenizers no smaller one beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from math import log10
from typing import Any

import polars as pl

from tokbench.comparison import Comparison
from tokbench.corpora import name_language
from tokbench.report._charts import inline, list_ticks
from tokbench.report._leads import is_floor
from tokbench.report._numbers import find_numbers
from tokbench.report._summary import has_few_languages
from tokbench.report._svg import ACCENT, FAINT, INK, PAGE, Specification, load_altair, specify

LENGTH = "tokens_per_segment"
LETTER, LINE = 6.0, 14.0
"""Pixels of a label: width of a letter, height."""

WIDTH, HEIGHT = 500, 250
NARROW, LOW = 215, 230
"""Width and height of one panel, and of each of several."""


@dataclass(frozen=True)
class Point:
    """A tokenizer: rows of its vocabulary, and tokens per segment with their interval.

    ranked: whether it returns the text that it was given.
    """

    tokenizer: str
    rows: int
    tokens: float
    low: float | None
    high: float | None
    ranked: bool


@dataclass(frozen=True)
class Panel:
    """The tokenizers on some texts; title: of which, empty for all of them."""

    title: str
    points: tuple[Point, ...]

    @property
    def frontier(self) -> tuple[Point, ...]:
        """Return the ranked tokenizers that no other of at most as many rows beats, smallest first."""
        best: list[Point] = []
        for point in sorted(self.points, key=lambda point: (point.rows, point.tokens)):
            if point.ranked and (not best or point.tokens < best[-1].tokens):
                best.append(point)
        return tuple(best)


def find_panels(comparison: Comparison) -> list[Panel]:
    """Return a panel over all texts, or one for each of few languages.

    Byte vocabularies, and tokenizers whose vocabulary is not known, are left out; a panel has at least two.
    """
    few = has_few_languages(comparison) and len(comparison.corpus.languages) > 1
    langs: list[str | None] = [*comparison.corpus.languages] if few else [None]
    rows = {t.name: t.vocab_rows or t.vocab_total for t in comparison.tokenizers if not is_floor(comparison, t.name)}
    panels = []
    for lang in langs:
        points = tuple(
            Point(n.tokenizer, size, n.value, n.low, n.high, n.ranked)
            for n in find_numbers(comparison, LENGTH, lang)
            if (size := rows.get(n.tokenizer))
        )
        if len(points) > 1:
            panels.append(Panel("" if lang is None else name_language(lang), points))
    return panels


def write_frontier(panels: Sequence[Panel]) -> list[str]:
    """Say which tokenizer writes the fewest tokens for each size of vocabulary."""
    sentences = []
    for panel in panels:
        steps = [f"{p.tokenizer} {p.tokens:,.1f} ({write_rows(p.rows)} rows)" for p in panel.frontier]
        if steps:
            where = f" in {panel.title}" if panel.title else ""
            sentences.append(f"Fewest tokens{where} by size of the vocabulary: {', '.join(steps)}.")
    return sentences


def write_rows(rows: int) -> str:
    """Format a number of rows in thousands.

    >>> write_rows(50_277), write_rows(384)
    ('50k', '384')
    """
    return f"{rows / 1000:.0f}k" if rows >= 1000 else str(rows)


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: Box) -> bool:
        """Return whether two rectangles share any area."""
        return (
            self.left < other.right and other.left < self.right and self.top < other.bottom and other.top < self.bottom
        )


@dataclass(frozen=True)
class Scales:
    """Where values are in a panel: rows on a logarithmic axis, tokens on a linear one."""

    rows: tuple[float, float]
    tokens: tuple[float, float]
    width: float
    height: float

    def locate(self, point: Point) -> tuple[float, float]:
        """Return the pixels of a point."""
        low, high = map(log10, self.rows)
        x = (log10(point.rows) - low) / (high - low) * self.width
        return x, (self.tokens[1] - point.tokens) / (self.tokens[1] - self.tokens[0]) * self.height

    def invert(self, x: float, y: float) -> tuple[float, float]:
        """Return the values at some pixels."""
        low, high = map(log10, self.rows)
        tokens = self.tokens[1] - y / self.height * (self.tokens[1] - self.tokens[0])
        return 10 ** (low + x / self.width * (high - low)), tokens


def place_labels(panel: Panel, scales: Scales) -> dict[str, tuple[float, float]]:
    """Return where the names of points start, in pixels: the left end, and the middle of the line.

    Those of the frontier come first. A name that would cover another, or a point, is left out.
    """
    marks = {point.tokenizer: scales.locate(point) for point in panel.points}
    first = panel.frontier
    taken = [Box(x - 4, y - 4, x + 4, y + 4) for x, y in marks.values()]
    for (x, y), (right, below) in pairwise(marks[point.tokenizer] for point in first):  # the line
        taken += [Box(x, y - 1, right, y + 1), Box(right - 1, y, right + 1, below)]
    placed = {}
    for point in chain(first, (point for point in panel.points if point not in first)):
        x, y = marks[point.tokenizer]
        size = LETTER * len(point.tokenizer)
        for left, middle in (
            (x + 8, y),
            (x - 8 - size, y),
            (x - size / 2, y - 13),
            (x - size / 2, y + 13),
            (x + 5, y - 11),
            (x + 5, y + 11),
            (x - size - 4, y + 11),
            (x - size - 4, y - 11),
            (x + 5, y - 24),
            (x - size - 4, y + 24),
        ):
            box = Box(left, middle - LINE / 2, left + size, middle + LINE / 2)
            inside = box.left >= 2 and box.right <= scales.width + 4 and box.top >= -4 and box.bottom <= scales.height
            if inside and not any(box.meets(other) for other in taken):
                placed[point.tokenizer] = (left, middle)
                taken.append(box)
                break
    return placed


def chart_frontier(panels: Sequence[Panel], unit: str) -> Specification:
    """Chart tokens against rows, a panel each, with a line along the tokenizers that no smaller one beats."""
    alt = load_altair()
    single = len(panels) == 1
    size = (WIDTH, HEIGHT) if single else (NARROW, LOW)
    drawn = [chart_panel(panel, size, unit) for panel in panels]
    return specify(drawn[0] if single else alt.concat(*drawn, columns=2, spacing=24))


def chart_panel(panel: Panel, size: tuple[int, int], unit: str) -> Any:
    """Chart one panel: the line, points with intervals, names."""
    alt = load_altair()
    points = panel.points
    rows = [point.rows for point in points]
    tokens = [value for p in points for value in (p.tokens, p.low, p.high) if value is not None]
    margin = 0.08 * (max(tokens) - min(tokens)) or 1.0
    scales = Scales(
        (min(rows) / 1.35, max(rows) * 1.35),
        (max(0.0, min(tokens) - margin), max(tokens) + margin),
        float(size[0]),
        float(size[1]),
    )
    thousands = "datum.value >= 1000 ? format(datum.value / 1000, ',~f') + 'k' : format(datum.value, ',~f')"
    axis = alt.Axis(values=list_ticks(*scales.rows), labelExpr=thousands, grid=True, gridOpacity=0.4)
    x = alt.X(
        "rows:Q",
        title="rows of the vocabulary (embedding cost)",
        axis=axis,
        scale=alt.Scale(type="log", domain=list(scales.rows), nice=False),
    )
    y = alt.Y(
        "tokens:Q",
        title=unit,
        axis=alt.Axis(tickCount=5, format=",~f", gridOpacity=0.4),
        scale=alt.Scale(domain=list(scales.tokens), nice=False, zero=False),
    )
    first = set(panel.frontier)
    data = pl.DataFrame([{**vars(point), "first": point in first} for point in points])
    base = alt.Chart(inline(data)).encode(x=x, y=y)
    steps = pl.DataFrame([{"rows": p.rows, "tokens": p.tokens} for p in panel.frontier])
    layers = []
    if len(steps) > 1:
        line = alt.Chart(inline(steps)).mark_line(aria=False, interpolate="step-after", color=ACCENT, strokeWidth=2)
        layers.append(line.encode(x=x, y=y))
    bounds = base.transform_filter("datum.low != null").mark_rule(aria=False, color=FAINT, strokeWidth=2)
    layers.append(bounds.encode(y=alt.Y("low:Q", title=unit), y2="high:Q"))
    layers.append(
        base.mark_point(aria=False, size=55, strokeWidth=1.5, opacity=1).encode(
            fill=alt.condition("datum.first", alt.value(ACCENT), alt.value(PAGE)),
            stroke=alt.condition("datum.first", alt.value(ACCENT), alt.value(INK)),
            shape=alt.condition("datum.ranked", alt.value("circle"), alt.value("cross")),
        )
    )
    placed = place_labels(panel, scales)
    if placed:
        found = [
            {"tokenizer": name, **dict(zip(("rows", "tokens"), scales.invert(*where), strict=True))}
            for name, where in placed.items()
        ]
        names = alt.Chart(inline(pl.DataFrame(found))).encode(x=x, y=y, text="tokenizer:N")
        style: dict[str, Any] = {"aria": False, "align": "left", "baseline": "middle"}
        layers.append(names.mark_text(**style, stroke=PAGE, strokeWidth=3, strokeJoin="round"))
        layers.append(names.mark_text(**style, color=INK))
    chart = alt.layer(*layers).properties(width=size[0], height=size[1])
    if not panel.title:
        return chart
    return chart.properties(title=alt.TitleParams(panel.title, anchor="start", color=INK, fontSize=12))
