"""Heat maps as tables of HTML: a long one is cut into parts that a page sets in columns."""

from __future__ import annotations

from math import ceil

from tokbench.report._escaping import escape_html
from tokbench.report._heat_map import MOST_ROWS, HeatMap

PART = 34
"""Rows of a part, about."""

LOST = '<span class="hidden">loses text</span>'


def write_heat_map(heat: HeatMap, name: str) -> str:
    """Format a heat map with its legend; the script of the page adds a filter where rows have tags.

    name: of the figure, for the filter.
    """
    count = len(heat.rows)
    size = count if count <= MOST_ROWS else ceil(count / ceil(count / PART))
    parts = "\n".join(
        write_part(heat, range(start, min(start + size, count)), number)
        for number, start in enumerate(range(0, count, max(size, 1)))
    )
    width = 12 + 2.02 * len(heat.columns)
    wrapped = f' style="column-width:{width:.1f}rem"' if count > MOST_ROWS else ""
    filterable = f' data-filter="{name}"' if heat.tags else ""
    return (
        f'<div class="scroll heat" tabindex="0" role="region" aria-label="{escape_html(heat.title)}"{filterable}>'
        f'<div class="wrap"{wrapped}>\n{parts}\n</div></div>\n{write_legend(heat)}'
    )


def write_part(heat: HeatMap, rows: range, number: int) -> str:
    """Format some rows as a table."""
    heads = "".join(f'<th scope="col"><span>{escape_html(column)}</span></th>' for column in heat.columns)
    body = "\n".join(write_row(heat, row) for row in rows)
    caption = escape_html(heat.title + (f", part {number + 1}" if number else ""))
    return (
        f'<table><caption class="hidden">{caption}</caption><thead><tr><th scope="col">'
        f'<span class="hidden">row</span></th>{heads}</tr></thead>\n<tbody>\n{body}\n</tbody></table>'
    )


def write_row(heat: HeatMap, row: int) -> str:
    """Format a row."""
    cells = []
    for column, value in enumerate(heat.values[row]):
        if value is None:
            cells.append("<td></td>")
            continue
        lost = (row, column) in heat.hatched
        kind = f"h{heat.classify(value)}{' lossy' if lost else ''}"
        cells.append(f'<td class="{kind}">{escape_html(heat.write(value))}{LOST if lost else ""}</td>')
    tags = f' data-tags="{escape_html(heat.tags[row])}"' if heat.tags else ""
    return f'<tr{tags}><th scope="row">{escape_html(heat.rows[row])}</th>{"".join(cells)}</tr>'


def write_legend(heat: HeatMap) -> str:
    """Format what the colours and the hatching mean."""
    items = [f'<li><i class="h{i}"></i>{escape_html(text)}</li>' for i, text in enumerate(heat.name_classes())]
    if heat.hatched:
        items.append('<li><i class="h2 lossy"></i>loses text</li>')
    return f'<ul class="legend" aria-label="Colours: {escape_html(heat.title)}">{"".join(items)}</ul>'
