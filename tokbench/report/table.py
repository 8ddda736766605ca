"""Tables for a terminal, or as plain text in a pipe: as wide as there is room, never truncated."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tokbench._shared.terminal import PIPE_WIDTH, measure_width, use_color
from tokbench._shared.visible_text import reveal_controls
from tokbench.comparison.signature import digest_signature
from tokbench.report._document_model import Facts, Legend, Plain, Points, Prose, Results, Signature
from tokbench.report._fitting import (
    GAP,
    FittedTable,
    fit_table,
    format_column,
    join_words,
    wrap,
)
from tokbench.report._table import Cell, Table

if TYPE_CHECKING:
    from tokbench.comparison import Comparison

SUFFIXES = frozenset({".txt"})

DRAWN_WIDTH = 100_000
"""Room for the library that draws a table whose columns have been fitted already."""


def style_cell(cell: Cell, text: str, width: int) -> Text:
    """Return a cell with its style: bars, the best, the floor and what is not ranked."""
    faint = cell.floor or cell.unranked
    if cell.bar is not None:
        return Text(draw_bar(cell.bar, width), style="dim" if faint else "cyan")
    if cell.best:
        return Text(text, style="bold green")
    return Text(text, style="dim" if faint else "")


def draw_bar(share: float, width: int) -> str:
    """Draw a bar with half a column as its unit; any share above 0 is seen."""
    halves = max(round(2 * width * share), 1 if share > 0 else 0)
    return "\u2588" * (halves // 2) + "\u258c" * (halves % 2)


def draw_part(part: FittedTable) -> RichTable:
    """Draw a table whose columns have been fitted, with numbers right-aligned."""
    table = part.table
    drawn = RichTable(
        box=box.SIMPLE_HEAD if table.ruled else None,
        show_edge=False,
        pad_edge=False,
        padding=(0, 1) if table.ruled else (0, GAP, 0, 0),
        collapse_padding=True,
    )
    texts = [format_column(table, i) for i in range(len(table.headers))]
    headers = [wrap(header, width) for header, width in zip(table.headers, part.widths, strict=True)]
    highest = max((header.count("\n") for header in headers), default=0)
    for i, (header, width) in enumerate(zip(headers, part.widths, strict=True)):
        shown = Text("\n" * (highest - header.count("\n")) + header)
        left = table.holds_text(i) or i == table.bars
        drawn.add_column(shown, justify="left" if left else "right", width=width, header_style="", overflow="fold")
    for number, row in enumerate(table.rows):
        drawn.add_row(
            *(style_cell(cell, texts[i][number], part.widths[i]) for i, cell in enumerate(row)),
        )
    return drawn


def draw(table: Table, width: int, *, color: bool) -> str:
    """Draw a table to fit a width: whole, or in parts one below the other."""
    console = Console(
        file=io.StringIO(),
        width=DRAWN_WIDTH,
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        soft_wrap=False,
    )
    if table.title:
        console.print(Text(wrap(table.title, width, "  "), style="italic" if table.ruled else ""))
    for number, part in enumerate(fit_table(table, width)):
        if number or (table.title and table.ruled):
            console.print()
        console.print(draw_part(part))
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return f"{written.rstrip()}\n"


def pad(text: str, width: int) -> str:
    """Fill a text with spaces, as wide as a terminal shows it."""
    return text + " " * (width - cell_len(text))


def write_signature(text: str, width: int, *, brief: bool) -> str:
    """Write a signature on one line, to be cited; where brief, its hash if it is wider than the terminal."""
    if "|" not in text:  # facts in words
        return f"{wrap(text, width, '  ')}\n"
    if brief and cell_len(text) > width:
        return f"{wrap(f'signature {digest_signature(text)} (in full: -f json)', width, '  ')}\n"
    return f"{text}\n"


def format_part(part: Plain, *, color: bool, width: int, brief: bool = False) -> str:
    """Format a part of results as lines; brief: with signatures as hashes where there is no room."""
    match part:
        case Table():
            return draw(part, width, color=color)
        case Prose():
            return "".join(f"{wrap(line, width)}\n" for line in part.paragraphs)
        case Points():
            items = [f"  {item}" for item in part.items] if part.title else part.items
            return "".join(f"{wrap(line, width, '  ')}\n" for line in ([part.title, *items] if part.title else items))
        case Facts():
            widest = max(cell_len(term) for term, _ in part.items)
            lines = (
                wrap(text, max(1, width - widest - 2)).replace("\n", f"\n{' ' * (widest + 2)}")
                for _, text in part.items
            )
            return "".join(f"{pad(term, widest)}  {text}\n" for (term, _), text in zip(part.items, lines, strict=True))
        case Legend():
            return f"{wrap(f'* best in {part.best}; (...) loses text, not ranked', width)}\n"
        case Signature():
            return write_signature(part.text, width, brief=brief)


def render(comparison: Comparison, by: str) -> str:
    """Format a view of a comparison as for a terminal, with its signature in full."""
    from tokbench.report._screen import show_screen

    return format_results(show_screen(comparison, by, signature=True))


def format_commands(commands: Sequence[str], width: int) -> str:
    """Format commands to try next; none is broken unless it is wider than the terminal."""
    return "".join(f"{line}\n" for line in join_words(commands, width, "   next: ", "   ", " \u00b7 "))


def format_results(results: Results, *, color: bool = False, width: int = PIPE_WIDTH, brief: bool = False) -> str:
    """Format the parts of results; nothing is truncated, whatever the width.

    brief: as on a screen, where a signature that is wider is shown by its hash.
    """
    return format_parts(results.parts(), color=color, width=width, brief=brief)


def format_parts(parts: Sequence[Plain], *, color: bool = False, width: int = PIPE_WIDTH, brief: bool = False) -> str:
    """Format parts with blank lines between them, notes without; no line has trailing spaces."""
    text, follows = "", False
    for part in parts:
        block = format_part(part, color=color, width=width, brief=brief)
        note = isinstance(part, Points | Legend | Signature)
        text += block if follows and note else f"\n{block}"
        follows = note
    whole = "".join(f"{line.rstrip()}\n" for line in text.strip("\n").split("\n"))
    return reveal_controls(whole, styled=color)


def terminal_settings() -> tuple[bool, int]:
    """Return whether standard output shows colours, and its width."""
    return use_color(sys.stdout), measure_width()
