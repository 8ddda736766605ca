"""A table in GitHub Markdown."""

from __future__ import annotations

from tokbench.report._escaping import escape_markdown as escape
from tokbench.report._table import Cell, Table


def write_cell(cell: Cell) -> str:
    """Format a cell: the best in bold, unranked values in brackets."""
    text = escape(cell.text)
    if cell.unranked:
        return f"({text})"
    return f"**{text}**" if cell.best else text


def write_table(table: Table) -> str:
    """Format a table with its title as a heading."""
    rules = ["---" if i < table.labels else "--:" for i in range(len(table.headers))]
    rows = [[escape(header) for header in table.headers], rules]
    rows += [[write_cell(cell) for cell in row] for row in table.rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"### {escape(table.title)}\n\n{lines}\n"
