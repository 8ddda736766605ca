"""Tables for papers: LaTeX with booktabs, for `\\input`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from tokbench.comparison import Comparison
from tokbench.report._document_model import Document, Facts, Figure, Plain, Points, Prose, Results, Signature
from tokbench.report._escaping import escape_latex
from tokbench.report._latex_table import TableWriter
from tokbench.report._table import Table, write_notes

if TYPE_CHECKING:
    from tokbench.report._addenda import Addenda

SUFFIXES = frozenset({".tex"})

CHOSEN = frozenset({"summary", "side-by-side", "premiums", "compression", "reading", "what-if"})
"""The sections whose tables belong in a paper."""

ADDED = ("cost-", "model-", "robustness-", "checks-")
"""How the names of sections begin whose files were given."""

LONGEST_TEXT = 60
"""Characters of a cell; a table with sentences does not fit on a page."""

HEAD = (
    "% Made by tokbench. The preamble needs: \\usepackage{booktabs,graphicx,longtable,textcomp}\n"
    "% BibTeX of the metrics and corpora: write the same result to a file that ends in .bib\n"
)

MARKED = "Bold: the best value, and all that a paired test does not separate from it (p < 0.05, Holm)."


def render(comparison: Comparison, by: str = "summary") -> str:
    """Format a view of a comparison."""
    from tokbench.report._leads import find_tied
    from tokbench.report._views import show

    return format_results(show(comparison, by, find_tied), note=MARKED)


def format_results(results: Results, *, note: str | None = None) -> str:
    """Format tables, then notes and signatures.

    note: what the marks in tables mean.
    """
    parts, writer = results.parts(), TableWriter()
    tables = [writer.write(part) for part in parts if isinstance(part, Table)]
    first = [] if note is None else [Prose((note,))]
    return "\n".join([HEAD, *tables, format_notes([*first, *parts])])


def render_several(
    results: Mapping[str, Comparison],
    *,
    caption: str | None = None,
    label: str = "tokbench",
    addenda: Addenda | None = None,
) -> str:
    """Format summary, per-language and cost tables, each with its signature.

    caption: put before the title of each table. label: prefix of the labels.
    """
    # Imported here, because it imports everything shown, which listing formats by extension does not need.
    from tokbench.report._document import compose
    from tokbench.report._leads import find_tied

    document = compose(results, find_tied, addenda)
    signatures = [format_notes(list_notes(result)) for result in results.values()]
    return "\n".join([HEAD, *write_document(document, TableWriter(caption, label)), *signatures])


def write_document(document: Document, writer: TableWriter) -> Iterator[str]:
    """Yield the tables of a report that belong in a paper, and its warnings."""
    for chapter in document.chapters:
        for section in chapter.sections:
            if section.name not in CHOSEN and not section.name.startswith(ADDED):
                continue
            for part in section.parts:
                if isinstance(part, Table):
                    if not holds_sentences(part):
                        yield writer.write(part)
                elif isinstance(part, Figure):
                    yield writer.write(part.table)
                elif isinstance(part, Points) and part.warning:
                    yield f"\\paragraph{{Warning}} {escape_latex(' '.join(part.items))}\n"


def holds_sentences(table: Table) -> bool:
    """Return whether a column of text holds whole sentences."""
    return any(len(row[i].text) > LONGEST_TEXT for row in table.rows for i in table.texts)


def list_notes(comparison: Comparison) -> list[Plain]:
    """Return what is written below the tables of a report."""
    return [Prose((MARKED,)), Points(tuple(write_notes(comparison))), Signature(comparison.signature(long=False))]


def format_notes(parts: Sequence[Plain]) -> str:
    """Format what is not in tables, in small print; signatures may break at bars and commas."""
    paragraphs: list[str] = []
    for part in parts:
        match part:
            case Prose():
                paragraphs += map(escape_latex, part.paragraphs)
            case Points():
                paragraphs += [*([escape_latex(part.title)] if part.title else []), *map(escape_latex, part.items)]
            case Facts():
                paragraphs += (f"{escape_latex(term)}: {escape_latex(text)}" for term, text in part.items)
            case Signature():
                signature = escape_latex(part.text)
                for mark in (r"\textbar{}", ",", "@", "/"):
                    signature = signature.replace(mark, f"{mark}\\allowbreak{{}}")
                paragraphs.append(f"\\texttt{{{signature}}}")
    body = "\n\n".join(paragraphs)
    return f"{{\\footnotesize\\raggedright\n{body}\\par}}\n" if body else ""
