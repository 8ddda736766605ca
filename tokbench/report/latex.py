"""Tables for papers: LaTeX with booktabs, for `\\input`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tokbench.comparison import Comparison
from tokbench.report._document_model import Document, Figure, Points
from tokbench.report._escaping import escape_latex
from tokbench.report._table import Cell, Table, write_notes
from tokbench.report._views import lay_out

SUFFIXES = frozenset({".tex"})

MOST_COLUMNS = 8
"""Value columns that fit on a page; wider tables are split into parts."""

CHOSEN = frozenset({"summary", "side-by-side", "premiums", "compression", "reading", "what-if"})
"""The sections whose tables belong in a paper."""

HEAD = "% Made by tokbench. The preamble needs: \\usepackage{booktabs,graphicx,textcomp}\n"


def render(comparison: Comparison, by: str) -> str:
    """Format the tables of a view, with notes and signature."""
    parts = [write_table(table) for table in lay_out(comparison, by)]
    return "\n".join([HEAD, *parts, write_signature(comparison)])


def render_several(results: Mapping[str, Comparison]) -> str:
    """Format summary, per-language and cost tables, each with its signature."""
    # Imported here, because it imports everything shown, which listing formats by extension does not need.
    from tokbench.report._document import compose

    document = compose(results)
    signatures = [write_signature(result) for result in results.values()]
    return "\n".join([HEAD, *write_document(document), *signatures])


def write_document(document: Document) -> Iterator[str]:
    """Yield the tables of a report that belong in a paper, and its warnings."""
    for chapter in document.chapters:
        for section in chapter.sections:
            if section.name not in CHOSEN:
                continue
            for part in section.parts:
                if isinstance(part, Table):
                    yield write_table(part)
                elif isinstance(part, Figure):
                    yield write_table(part.table)
                elif isinstance(part, Points) and part.warning:
                    yield f"\\paragraph{{Warning}} {escape_latex(' '.join(part.items))}\n"


def write_signature(comparison: Comparison) -> str:
    """Format notes and signature, with line breaks allowed at bars and commas."""
    notes = "".join(f"{escape_latex(note)}\n\n" for note in write_notes(comparison))
    signature = escape_latex(comparison.signature(long=False))
    for mark in (r"\textbar{}", ",", "@", "/"):
        signature = signature.replace(mark, f"{mark}\\allowbreak{{}}")
    return f"{{\\footnotesize\\raggedright\n{notes}\\texttt{{{signature}}}\\par}}\n"


def write_cell(cell: Cell) -> str:
    """Format a cell: the best in bold, unranked values in brackets."""
    text = escape_latex(cell.text)
    if cell.unranked:
        return f"({text})"
    return f"\\textbf{{{text}}}" if cell.best else text


def write_table(table: Table) -> str:
    """Format a table, split into several with the same rows if it has many columns."""
    values = list(range(table.labels, len(table.headers)))
    starts = range(0, max(len(values), 1), MOST_COLUMNS)
    return "\n".join(write_columns(table, values[start : start + MOST_COLUMNS]) for start in starts)


def write_columns(table: Table, columns: list[int]) -> str:
    """Format the label columns of a table with some of its value columns."""
    chosen = [*range(table.labels), *columns]
    heads = " & ".join(escape_latex(table.headers[i]) for i in chosen)
    rows = "".join(f"{' & '.join(write_cell(row[i]) for i in chosen)} \\\\\n" for row in table.rows)
    shape = "l" * table.labels + "r" * len(columns)
    return "\n".join(
        [
            "\\begin{table}[htbp]",
            "\\centering\\small",
            f"\\caption{{{escape_latex(table.title)}}}",
            "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
            f"\\begin{{tabular}}{{{shape}}}",
            "\\toprule",
            f"{heads} \\\\",
            "\\midrule",
            f"{rows}\\bottomrule",
            "\\end{tabular}}",
            "\\end{table}\n",
        ]
    )
