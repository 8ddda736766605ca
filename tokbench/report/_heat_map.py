"""Heat maps: values in classes of colour, as compact SVG.

Vega-Lite neither hatches cells nor wraps rows into columns, and its drawing of 204 languages is ten times as large.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil

from tokbench.report._escaping import escape_html

CLASSES = 9

RAMP = ("#eef3f8", "#d3e4f2", "#aecfe8", "#82b8dc", "#549bcb", "#2a72aa", "#175891", "#0b3b6d", "#061f3d")
RAMP_DARK = ("#1c232c", "#233a52", "#2a5077", "#336a98", "#4a90c4", "#77b2de", "#a9cfec", "#d4e7f6", "#fbf6d5")
"""From the colour of the page away from it, so that the highest values stand out on light and on dark pages."""

INKS = ("#10151b",) * 5 + ("#ffffff",) * 4
INKS_DARK = ("#e6e9ee",) * 4 + ("#0c1014",) * 5
"""The colour of numbers on each colour, with a contrast of at least 4.5."""

CELL, ROW, LETTER, GAP = 36, 20, 6.2, 28
"""Pixels: width and height of a cell, width of a letter, space between columns of rows."""

MOST_WIDTH = 1100
"""Pixels that the columns of rows may take together."""

MOST_ROWS = 40
"""Rows that are not wrapped into columns."""


@dataclass(frozen=True)
class HeatMap:
    """Values by row and column, coloured in `CLASSES` classes.

    values: a row for each of `rows`, with a value for each of `columns`; None is left empty.
    hatched: (row, column) of cells that are hatched.
    limits: the values from which the second and each later class starts: `CLASSES - 1`, ascending.
    write: formats values and limits.
    tags: further words by which a row is found, for each row; empty for rows that nobody searches.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    title: str
    limits: tuple[float, ...]
    write: Callable[[float], str]
    hatched: frozenset[tuple[int, int]] = frozenset()
    tags: tuple[str, ...] = ()

    def classify(self, value: float) -> int:
        """Return the class of a value: 0 for those below all limits."""
        return bisect_right(self.limits, value)

    def name_classes(self) -> list[str]:
        """Return what each class holds, in words of a legend."""
        return [f"< {self.write(self.limits[0])}", *(f"{self.write(limit)}+" for limit in self.limits)]


def list_colours(*, dark: bool) -> str:
    """Return the colours as CSS variables: --h0 to --h8, and --t0 to --t8 for the numbers on them."""
    pairs = (("h", RAMP_DARK if dark else RAMP), ("t", INKS_DARK if dark else INKS))
    return "".join(f"--{name}{i}:{colour};" for name, colours in pairs for i, colour in enumerate(colours))


def divide_rows(heat: HeatMap, width: float) -> list[range]:
    """Divide many rows into columns of equal length, as many as fit."""
    count = len(heat.rows)
    columns = 1 if count <= MOST_ROWS else max(1, int((MOST_WIDTH + GAP) // (width + GAP)))
    length = ceil(count / columns)
    return [range(start, min(start + length, count)) for start in range(0, count, length)]


def draw_heat_map(heat: HeatMap, name: str, label: str) -> str:
    """Draw a heat map as an SVG element.

    name: unique among the drawings of a page. label: for screen readers.
    """
    names = ceil(LETTER * max(map(len, heat.rows), default=0)) + 8
    head = ceil(0.75 * LETTER * max(map(len, heat.columns), default=0)) + 12
    slant = ceil(0.75 * LETTER * max(map(len, heat.columns[-1:]), default=0))
    block = names + CELL * len(heat.columns)
    parts = divide_rows(heat, block)
    legend = 62 * CLASSES
    width = max(len(parts) * (block + GAP) - GAP + slant, legend)
    height = head + ROW * len(parts[0]) + 62 if parts else head
    body = "".join(
        f'<g transform="translate({number * (block + GAP) + names},{head})">{"".join(draw_block(heat, name, rows))}</g>'
        for number, rows in enumerate(parts)
    )
    return (
        f'<svg role="img" aria-label="{escape_html(label)}" xmlns="http://www.w3.org/2000/svg" width="{width}" '
        f'height="{height}" viewBox="0 0 {width} {height}" font-family="Arial,Helvetica,sans-serif" '
        f'font-size="11"><defs><pattern id="{name}-hatch" width="6" height="6" patternUnits="userSpaceOnUse" '
        f'patternTransform="rotate(45)"><path d="M0 0V6" stroke="var(--ink)" stroke-width="1.5" opacity=".35"/>'
        f"</pattern></defs>{body}{draw_legend(heat, height - 40)}</svg>"
    )


def draw_block(heat: HeatMap, name: str, rows: Sequence[int]) -> Iterator[str]:
    """Draw some rows: one path for each class, then hatches, numbers, and names."""
    cells: dict[int, list[str]] = {}
    numbers: dict[int, list[str]] = {}
    hatches = []
    for place, row in enumerate(rows):
        for column, value in enumerate(heat.values[row]):
            if value is None:
                continue
            shape = f"M{column * CELL} {place * ROW}h{CELL - 1}v{ROW - 1}h{1 - CELL}z"
            kind = heat.classify(value)
            cells.setdefault(kind, []).append(shape)
            middle = f'<text x="{column * CELL + CELL // 2}" y="{place * ROW + 14}">'
            numbers.setdefault(kind, []).append(f"{middle}{escape_html(heat.write(value))}</text>")
            if (row, column) in heat.hatched:
                hatches.append(shape)
    for kind in sorted(cells):
        yield f'<path fill="var(--h{kind})" d="{"".join(cells[kind])}"/>'
    if hatches:
        yield f'<path fill="url(#{name}-hatch)" d="{"".join(hatches)}"/>'
    for kind in sorted(numbers):
        yield f'<g fill="var(--t{kind})" font-size="10" text-anchor="middle">{"".join(numbers[kind])}</g>'
    yield '<g fill="var(--ink)" text-anchor="end">'
    yield from (
        f'<text x="-6" y="{place * ROW + 14}">{escape_html(heat.rows[row])}</text>' for place, row in enumerate(rows)
    )
    yield '</g><g fill="var(--ink)">'
    yield from (
        f'<text transform="translate({column * CELL + CELL // 2},-6) rotate(-45)">{escape_html(text)}</text>'
        for column, text in enumerate(heat.columns)
    )
    yield "</g>"


def draw_legend(heat: HeatMap, top: int) -> str:
    """Draw what the colours mean."""
    entries = "".join(
        f'<path fill="var(--h{i})" stroke="var(--faint)" d="M{62 * i} {top + 18}h14v14h-14z"/>'
        f'<text x="{62 * i + 18}" y="{top + 29}">{escape_html(text)}</text>'
        for i, text in enumerate(heat.name_classes())
    )
    return f'<g fill="var(--ink)"><text y="{top + 8}">{escape_html(heat.title)}</text>{entries}</g>'
