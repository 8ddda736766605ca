"""A table in GitHub Markdown."""

from __future__ import annotations

from tokbench.report._escaping import escape_markdown as escape
from tokbench.report._table import Table, mark_cell


def write_table(table: Table) -> str:
    """Format a table with its title as a heading."""
    rules = ["---" if table.holds_text(i) else "--:" for i in range(len(table.headers))]
    rows = [[escape(header) for header in table.headers], rules]
    rows += [[mark_cell(cell, escape, "**{}**") for cell in row] for row in table.rows]
    lines = "".join(f"| {' | '.join(row)} |\n" for row in rows)
    return f"### {escape(table.title)}\n\n{lines}" if table.title else lines
