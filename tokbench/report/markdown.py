"""Reports in GitHub Markdown."""

from __future__ import annotations

from collections.abc import Mapping

from tokbench.comparison import Comparison
from tokbench.report._escaping import escape_markdown as escape
from tokbench.report._markdown_table import write_table
from tokbench.report._significance import write_differences
from tokbench.report._table import write_notes, write_skipped
from tokbench.report._views import lay_out

SUFFIXES = frozenset({".md", ".markdown"})


def render(comparison: Comparison, by: str) -> str:
    """Format the tables of a view, notes, skipped tokenizers, and the signature."""
    parts = [write_table(table) for table in lay_out(comparison, by)]
    best = "column" if by == "summary" else "row"
    parts.append(f"**Bold**: best in {best}; (...) loses text, not ranked.\n")
    notes = write_notes(comparison)
    if notes:
        parts.append("".join(f"- {escape(note)}\n" for note in notes))
    skipped = write_skipped(comparison)
    if skipped:
        lines = "".join(f"- {escape(line)}\n" for line in skipped)
        parts.append(f"Not compared:\n\n{lines}")
    differences = write_differences(comparison)
    if differences:
        parts.append("".join(f"- {escape(line)}\n" for line in differences))
    parts.append(f"`{comparison.signature(long=False)}`\n")
    return "\n".join(parts)


def render_several(results: Mapping[str, Comparison]) -> str:
    """Format the full report on named results, with tables instead of charts."""
    from tokbench.report._document import compose
    from tokbench.report._markdown_document import write_document

    return write_document(compose(results), {})


def render_with_charts(results: Mapping[str, Comparison], folder: str) -> tuple[str, dict[str, str]]:
    """Format the report with charts; also return these as SVG, by file name.

    folder: the folder, next to the report, that the charts will be in.
    """
    from urllib.parse import quote

    from tokbench.report._document import compose
    from tokbench.report._markdown_document import write_document
    from tokbench.report._svg import draw_file

    document = compose(results)
    drawings = {f"{name}.svg": draw_file(f.draw(), name, f.caption) for name, f in document.figures.items()}
    pictures = {name: f"{quote(folder)}/{name}.svg" for name in document.figures}
    return write_document(document, pictures), drawings
