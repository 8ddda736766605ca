"""Reports in GitHub Markdown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tokbench.comparison import Comparison
from tokbench.report._document_model import Results
from tokbench.report._markdown_document import write_document, write_part

if TYPE_CHECKING:
    from tokbench.report._addenda import Addenda

SUFFIXES = frozenset({".md", ".markdown"})


def format_results(results: Results) -> str:
    """Format the parts of results, or the document with sections that they have."""
    if results.page is not None:
        return write_document(results.page(), {})
    return "\n".join(map(write_part, results.parts()))


def render_several(results: Mapping[str, Comparison], *, addenda: Addenda | None = None) -> str:
    """Format the full report on named results, with tables instead of charts."""
    from tokbench.report._document import compose

    return write_document(compose(results, addenda=addenda), {})


def render_with_charts(
    results: Mapping[str, Comparison], folder: str, *, addenda: Addenda | None = None
) -> tuple[str, dict[str, str]]:
    """Format the report with charts; also return these as SVG, by file name.

    folder: the folder, next to the report, that the charts will be in.
    """
    from urllib.parse import quote

    from tokbench.report._document import compose
    from tokbench.report._svg import draw_file

    document = compose(results, addenda=addenda)
    drawings = {f"{name}.svg": draw_file(f.draw(), name, f.caption) for name, f in document.figures.items()}
    pictures = {name: f"{quote(folder)}/{name}.svg" for name in document.figures}
    return write_document(document, pictures), drawings
