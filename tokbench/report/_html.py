"""Tables, figures and split texts as HTML.

Every text passes through `escape_html`.
"""

from __future__ import annotations

import base64
import re

from tokbench.report._document_model import (
    Facts,
    Figure,
    Legend,
    Part,
    Piece,
    Points,
    Prose,
    Segmentations,
    SegmentedText,
    Signature,
    Tiles,
)
from tokbench.report._escaping import escape_html
from tokbench.report._heat_map import HeatMap
from tokbench.report._heat_map_html import write_heat_map
from tokbench.report._svg import add_style, draw_svg
from tokbench.report._table import Cell, Table
from tokbench.report._table_csv import write_csv

MOST_ROWS = 40

MOST_CHARACTERS, SUMMARY = 600, 72
"""Characters of a fact that is not folded, and of the beginning that is shown of one that is."""

BACKSLASH, LEFT_TO_RIGHT = "\\", ' dir="ltr"'
"""Escaped bytes read from left to right regardless of their neighbours."""

STAR = '<span aria-hidden="true">★</span><span class="hidden">best</span>'

_INTERVAL = re.compile(r"(.*?) (\[[^][]*\])")
_BOUNDS = re.compile(r"(?<=\d )\[\d[\d.,]*, \d[\d.,]*(?: %)?\]")


def write_cell(cell: Cell, *, label: bool) -> str:
    """Format a cell.

    The best is bold with a star, unranked values are in brackets, intervals small.
    """
    found = _INTERVAL.fullmatch(cell.text)
    text = escape_html(found[1] if found else cell.text)
    interval = f" <small>{escape_html(found[2])}</small>" if found else ""
    if label:
        return f'<td class="name">{text}{interval}</td>'
    if cell.best:
        return f'<td class="best">{text} {STAR}{interval}</td>'
    return f'<td class="unranked">({text}){interval}</td>' if cell.unranked else f"<td>{text}{interval}</td>"


def write_row(cells: tuple[Cell, ...], table: Table) -> str:
    """Format a row, with its first cell as row header."""
    first = f'<th scope="row" class="name">{escape_html(cells[0].text)}</th>'
    others = (write_cell(cell, label=table.holds_text(i)) for i, cell in enumerate(cells[1:], start=1))
    return f"<tr>{first}{''.join(others)}</tr>"


def write_table(table: Table, *, folded: bool = False) -> str:
    """Format a table that scrolls if it is too wide, also by keyboard.

    folded: collapse a long table under its title.
    """
    heads = "".join(
        f'<th scope="col"{" class=name" if table.holds_text(i) else ""}>{escape_html(header)}</th>'
        for i, header in enumerate(table.headers)
    )
    rows = "\n".join(write_row(row, table) for row in table.rows)
    title = escape_html(table.title)
    written = (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{title}"><table><caption>{title}</caption>\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table></div>"
    )
    if folded and len(table.rows) > MOST_ROWS:
        return f"<details><summary>{title} ({len(table.rows):,} rows)</summary>\n{written}</details>"
    return written


def write_figure(figure: Figure, name: str) -> str:
    """Format a chart, its caption, the same numbers as a table, and both as files to download."""
    caption = escape_html(figure.caption)
    drawing = figure.draw()
    svg = draw_svg(drawing, name, f"Chart, its numbers in the table below. {figure.caption}")
    if isinstance(drawing, HeatMap):
        shown = write_heat_map(drawing, name)
    else:
        label = f"Chart: {escape_html(figure.name)}"
        shown = f'<div class="scroll chart" tabindex="0" role="region" aria-label="{label}">{svg}</div>'
    files = (
        ("CSV", "csv", "text/csv", write_csv(figure.table)),
        ("SVG", "svg", "image/svg+xml", add_style(svg)),
    )
    links = " ".join(
        f'<a download="{escape_html(figure.name)}.{suffix}" href="data:{kind};base64,{encode(content)}">{title}</a>'
        for title, suffix, kind, content in files
    )
    return (
        f'<figure id="{name}">{shown}\n<figcaption>{caption}</figcaption>\n'
        f'<p class="files">Download: {links}</p>\n<details><summary>The same as a table</summary>\n'
        f"{write_table(figure.table)}</details></figure>"
    )


def encode(content: str) -> str:
    """Encode a file for an address that contains it."""
    return base64.b64encode(content.encode()).decode()


def write_piece(piece: Piece) -> str:
    """Format tokens, with their ids as a tooltip, and their number if they share a character."""
    number = len(piece.ids)
    several = f'<sub aria-label="{number} tokens">{number}</sub>' if number > 1 else ""
    way = LEFT_TO_RIGHT if BACKSLASH in piece.text else ""
    return f'<bdi title="{" ".join(map(str, piece.ids))}"{way}>{escape_html(piece.text)}{several}</bdi>'


def write_cut(cut: SegmentedText) -> str:
    """Format a text split into tokens, with ids as tooltips."""
    pieces = "".join(map(write_piece, cut.pieces))
    rest = f' <span class="count">and {cut.left_out:,} more</span>' if cut.left_out else ""
    return (
        f'<div class="cut"><p><strong>{escape_html(cut.tokenizer)}</strong> '
        f'<span class="count">{cut.tokens:,} tokens</span></p><p class="tokens" dir="auto">{pieces}{rest}</p></div>'
    )


def write_cuts(cuts: Segmentations) -> str:
    """Format one text, its translation, and how each tokenizer splits it."""
    texts = [f'<p class="quote" dir="auto">{escape_html(cuts.text)}</p>'] if cuts.text else []
    if cuts.translation:
        texts.append(
            f'<p class="quote" dir="auto"><span class="count">{escape_html(cuts.reference)}:</span> '
            f"{escape_html(cuts.translation)}</p>"
        )
    return "\n".join([f"<h3>{escape_html(cuts.title)}</h3>", *texts, *map(write_cut, cuts.cuts)])


def write_points(points: Points) -> str:
    """Format a list."""
    items = "".join(f"<li>{escape_html(item)}</li>\n" for item in points.items)
    title = f"<p>{escape_html(points.title.capitalize())}</p>\n" if points.title else ""
    listed = f"<ul>\n{items}</ul>"
    return f'<div class="warning" role="note">{listed}</div>' if points.warning else f"{title}{listed}"


def write_facts(facts: Facts) -> str:
    """Format terms and their descriptions."""
    items = "".join(f"<dt>{escape_html(term)}</dt><dd>{fold(text)}</dd>\n" for term, text in facts.items)
    listed = f'<dl class="facts">\n{items}</dl>'
    return f"<details><summary>{escape_html(facts.title)}</summary>\n{listed}</details>" if facts.title else listed


def fold(text: str) -> str:
    """Escape a text; a long one, such as a list of 204 languages, is folded under its beginning.

    >>> fold("a < b")
    'a &lt; b'
    """
    if len(text) <= MOST_CHARACTERS:
        return escape_html(text)
    summary = f"{escape_html(text[:SUMMARY])}\N{HORIZONTAL ELLIPSIS} ({len(text):,} characters)"
    return f"<details><summary>{summary}</summary>{escape_html(text)}</details>"


def write_part(part: Part, name: str = "") -> str:
    """Format any part of a section; `name` is the name of a figure in its report."""
    match part:
        case Prose():
            return "\n".join(f"<p>{escape_html(paragraph)}</p>" for paragraph in part.paragraphs)
        case Points():
            return write_points(part)
        case Facts():
            return write_facts(part)
        case Legend():
            return ""  # the marks explain themselves
        case Signature():
            return f"<p><code>{escape_html(part.text)}</code></p>"
        case Table():
            return write_table(part, folded=True)
        case Figure():
            return write_figure(part, name)
        case Segmentations():
            return write_cuts(part)
        case Tiles():
            return write_tiles(part)


def write_tiles(tiles: Tiles) -> str:
    """Format terms and their values as tiles; intervals are small."""
    items = "".join(
        f"<div><dt>{escape_html(term)}</dt><dd>{shrink_intervals(text)}</dd></div>\n" for term, text in tiles.items
    )
    return f'<dl class="tiles">\n{items}</dl>'


def shrink_intervals(text: str) -> str:
    """Escape a text, with the intervals of values in it small.

    >>> shrink_intervals("4.2 [3.9, 4.5], <x>")
    '4.2 <small>[3.9, 4.5]</small>, &lt;x&gt;'
    """
    return _BOUNDS.sub(lambda found: f"<small>{found[0]}</small>", escape_html(text))
