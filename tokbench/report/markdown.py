"""Tables in GitHub's markdown."""

from __future__ import annotations

from tokbench.comparison import Comparison
from tokbench.report._layout import Cell, Table, lay_out, write_notes, write_skipped

SUFFIXES = frozenset({".md", ".markdown"})


def escape(text: str) -> str:
    """Text that stays text within a cell."""
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;").replace("*", "\\*")


def write_cell(cell: Cell) -> str:
    """A cell: the best in bold, an unranked value in brackets."""
    text = escape(cell.text)
    if cell.unranked:
        return f"({text})"
    return f"**{text}**" if cell.best else text


def write_table(table: Table) -> str:
    """One table with its title as a heading."""
    rules = ["---" if i < table.labels else "--:" for i in range(len(table.headers))]
    rows = [[escape(header) for header in table.headers], rules]
    rows += [[write_cell(cell) for cell in row] for row in table.rows]
    lines = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"### {escape(table.title)}\n\n{lines}\n"


def render(comparison: Comparison, by: str) -> str:
    """The tables of a view, notes, what was skipped, and the signature."""
    parts = [write_table(table) for table in lay_out(comparison, by)]
    parts.append("Best of the ranked values in **bold**; values in (brackets) are not ranked.\n")
    notes = write_notes(comparison)
    if notes:
        parts.append("".join(f"- {escape(note)}\n" for note in notes))
    skipped = write_skipped(comparison)
    if skipped:
        lines = "".join(f"- {escape(line)}\n" for line in skipped)
        parts.append(f"Not compared:\n\n{lines}")
    parts.append(f"`{comparison.signature(long=False)}`\n")
    return "\n".join(parts)
