"""Tables for a terminal, or as plain text in a pipe, never truncated."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Sequence

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tokbench._shared.terminal import use_color
from tokbench._shared.visible_text import reveal_controls
from tokbench.report._document_model import Facts, Legend, Plain, Points, Prose, Results, Signature
from tokbench.report._table import Cell, Table

SUFFIXES = frozenset({".txt"})

PIPE_WIDTH = 100_000


def write_cell(cell: Cell) -> Text:
    """Format a cell: the best with a star, unranked values in brackets."""
    if cell.unranked:
        return Text(f"({cell.text})", style="dim")
    return Text(f"{cell.text} *", style="bold green") if cell.best else Text(cell.text)


def measure_columns(table: Table, *, wrap: bool) -> list[int]:
    """Return the column widths at which no cell is truncated or wrapped.

    wrap: allow headers to wrap at spaces.
    """
    headers = [max(map(cell_len, header.split() if wrap else [header]), default=0) for header in table.headers]
    return [max([least, *(write_cell(row[i]).cell_len for row in table.rows)]) for i, least in enumerate(headers)]


def measure_table(columns: list[int]) -> int:
    """Return the width of a table: three characters between columns, two at the edges."""
    return sum(columns) + 3 * len(columns) + 1


def split_columns(table: Table, width: int) -> list[list[int]]:
    """Split columns into parts that fit the width, each with the first column.

    A single part if everything fits.
    """
    first, *others = measure_columns(table, wrap=True)
    if measure_table([first, *others]) <= width or not others:
        return [list(range(len(table.headers)))]
    parts: list[list[int]] = []
    left = 0
    for i, needed in enumerate(others, start=1):
        if not parts or left < needed + 3:
            parts.append([0])
            left = width - measure_table([first])
        parts[-1].append(i)
        left -= needed + 3
    return parts


def draw(table: Table, width: int) -> RichTable:
    """Draw one table, with numbers right-aligned."""
    columns = measure_columns(table, wrap=False)
    if measure_table(columns) > width:
        columns = measure_columns(table, wrap=True)
    drawn = RichTable(box=box.SIMPLE_HEAD)
    for i, (header, needed) in enumerate(zip(table.headers, columns, strict=True)):
        drawn.add_column(Text(header), justify="left" if table.holds_text(i) else "right", width=needed)
    for row in table.rows:
        drawn.add_row(*map(write_cell, row))
    return drawn


def draw_ruled(table: Table, width: int, *, color: bool) -> str:
    """Draw a table with a rule to fit a width: whole, or in parts one below the other."""
    console = Console(
        file=io.StringIO(), width=PIPE_WIDTH, force_terminal=color, no_color=not color, highlight=False, soft_wrap=False
    )
    if table.title:
        console.print(Text(table.title, style="italic"))
    for columns in split_columns(table, width):
        console.print(draw(table.select(columns), width))
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return f"{written.rstrip()}\n"


def draw_columns(table: Table) -> str:
    """Draw a table as columns of text, one line per row."""
    lines = [table.headers, *(tuple(write_cell(cell).plain for cell in row) for row in table.rows)]
    widths = [max(map(cell_len, column)) for column in zip(*lines, strict=True)]
    body = "".join(
        "  ".join(pad(field, widths[i], left=table.holds_text(i)) for i, field in enumerate(line)) + "\n"
        for line in lines
    )
    return f"{table.title}\n{body}" if table.title else body


def pad(text: str, width: int, *, left: bool) -> str:
    """Fill a text with spaces, as wide as a terminal shows it."""
    spaces = " " * (width - cell_len(text))
    return text + spaces if left else spaces + text


def format_part(part: Plain, *, color: bool, width: int) -> str:
    """Format a part of results as lines."""
    match part:
        case Table():
            return draw_ruled(part, width, color=color) if part.ruled else draw_columns(part)
        case Prose():
            return "".join(f"{line}\n" for line in part.paragraphs)
        case Points():
            items = [f"  {item}" for item in part.items] if part.title else part.items
            return "".join(f"{line}\n" for line in ([part.title, *items] if part.title else items))
        case Facts():
            widest = max(cell_len(term) for term, _ in part.items)
            return "".join(f"{pad(term, widest, left=True)}  {text}\n" for term, text in part.items)
        case Legend():
            return f"* best in {part.best}; (...) loses text, not ranked\n"
        case Signature():
            return f"{part.text}\n"


def format_results(results: Results, *, color: bool = False, width: int = PIPE_WIDTH) -> str:
    """Format the parts of results; nothing is truncated, whatever the width."""
    return format_parts(results.parts(), color=color, width=width)


def format_parts(parts: Sequence[Plain], *, color: bool = False, width: int = PIPE_WIDTH) -> str:
    """Format parts with blank lines between them, notes without; no line has trailing spaces."""
    text, follows = "", False
    for part in parts:
        block = format_part(part, color=color, width=width)
        note = isinstance(part, Points | Legend | Signature)
        text += block if follows and note else f"\n{block}"
        follows = note
    whole = "".join(f"{line.rstrip()}\n" for line in text.strip("\n").split("\n"))
    return reveal_controls(whole, styled=color)


def terminal_settings() -> tuple[bool, int]:
    """Return whether standard output supports colour, and its width.

    Unlimited width if it is not a terminal; `use_color` decides about colour.
    """
    color = use_color(sys.stdout)
    if sys.stdout is None or not sys.stdout.isatty():
        return color, PIPE_WIDTH
    return color, shutil.get_terminal_size().columns
