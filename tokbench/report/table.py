"""Tables for a terminal, or as plain text in a pipe, never cut."""

from __future__ import annotations

import io
import os
import sys

from rich import box
from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from tokbench.comparison import Comparison
from tokbench.report._layout import Cell, Table, lay_out, write_notes, write_skipped

SUFFIXES = frozenset({".txt"})

PIPE_WIDTH = 100_000


def write_cell(cell: Cell) -> Text:
    """A cell: the best with a star, an unranked value in brackets."""
    if cell.unranked:
        return Text(f"({cell.text})", style="dim")
    return Text(f"{cell.text} *", style="bold green") if cell.best else Text(cell.text)


def draw(table: Table) -> RichTable:
    """One table; numbers to the right."""
    drawn = RichTable(title=Text(table.title), title_justify="left", box=box.SIMPLE_HEAD)
    for i, header in enumerate(table.headers):
        drawn.add_column(Text(header), justify="left" if i < table.labels else "right", no_wrap=i < table.labels)
    for row in table.rows:
        drawn.add_row(*map(write_cell, row))
    return drawn


def draw_plain(tables: list[Table], lines: list[str], *, color: bool = False, width: int = PIPE_WIDTH) -> str:
    """Tables, then lines below them, without spaces at the ends of lines."""
    console = Console(
        file=io.StringIO(), width=width, force_terminal=color, no_color=not color, highlight=False, soft_wrap=False
    )
    for table in tables:
        console.print(draw(table))
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "".join(f"{line.rstrip()}\n" for line in written.rstrip("\n").split("\n"))


def render(comparison: Comparison, by: str, *, color: bool = False, width: int = PIPE_WIDTH) -> str:
    """The tables of a view, notes, what was skipped, and the signature."""
    lines = ["* best of the ranked values; values in (brackets) are not ranked", *write_notes(comparison)]
    skipped = write_skipped(comparison)
    if skipped:
        lines.append("not compared:")
        lines += [f"  {line}" for line in skipped]
    lines.append(comparison.signature(long=False))
    return draw_plain(lay_out(comparison, by), lines, color=color, width=width)


def terminal_settings() -> tuple[bool, int]:
    """Colour and width for standard output: none and unlimited where it is no terminal or NO_COLOR is set."""
    if not sys.stdout.isatty():
        return False, PIPE_WIDTH
    return not os.environ.get("NO_COLOR"), os.get_terminal_size().columns
