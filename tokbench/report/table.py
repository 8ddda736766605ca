"""Tables for a terminal, or as plain text in a pipe, never truncated."""

from __future__ import annotations

import io
import os
import shutil
import sys
from dataclasses import replace

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tokbench._shared.visible_text import reveal_controls
from tokbench.comparison import Comparison
from tokbench.report._significance import write_differences
from tokbench.report._table import Cell, Table, write_notes, write_skipped
from tokbench.report._views import lay_out

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
        drawn.add_column(Text(header), justify="left" if i < table.labels else "right", width=needed)
    for row in table.rows:
        drawn.add_row(*map(write_cell, row))
    return drawn


def draw_parts(table: Table, width: int) -> list[RichTable]:
    """Draw a table to fit a width: whole, or in parts one below the other."""
    return [
        draw(
            replace(
                table,
                headers=tuple(table.headers[i] for i in chosen),
                rows=tuple(tuple(row[i] for i in chosen) for row in table.rows),
                labels=sum(i < table.labels for i in chosen),
            ),
            width,
        )
        for chosen in split_columns(table, width)
    ]


def draw_plain(tables: list[Table], lines: list[str], *, color: bool = False, width: int = PIPE_WIDTH) -> str:
    """Draw tables and the lines below them as text, without trailing spaces.

    Nothing is truncated, whatever the width.
    """
    console = Console(
        file=io.StringIO(), width=PIPE_WIDTH, force_terminal=color, no_color=not color, highlight=False, soft_wrap=False
    )
    for table in tables:
        console.print(Text(table.title, style="italic"))
        for part in draw_parts(table, width):
            console.print(part)
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    text = "".join(f"{line.rstrip()}\n" for line in written.rstrip("\n").split("\n"))
    return reveal_controls(text, styled=color)


def render(comparison: Comparison, by: str, *, color: bool = False, width: int = PIPE_WIDTH) -> str:
    """Format the tables of a view, notes, skipped tokenizers, and the signature."""
    best = "column" if by == "summary" else "row"
    lines = [f"* best in {best}; (...) loses text, not ranked", *write_notes(comparison)]
    skipped = write_skipped(comparison)
    if skipped:
        lines.append("not compared:")
        lines += [f"  {line}" for line in skipped]
    lines += write_differences(comparison)
    lines.append(comparison.signature(long=False))
    return draw_plain(lay_out(comparison, by), lines, color=color, width=width)


def terminal_settings() -> tuple[bool, int]:
    """Return whether standard output supports colour, and its width.

    No colour and unlimited width if it is not a terminal; no colour if NO_COLOR is set.
    """
    if sys.stdout is None or not sys.stdout.isatty():
        return False, PIPE_WIDTH
    return not os.environ.get("NO_COLOR"), shutil.get_terminal_size().columns
