"""Tables for papers: LaTeX with booktabs, to be read by `\\input`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tokbench.comparison import Comparison
from tokbench.report._document_model import Document, Figure, Points
from tokbench.report._escaping import escape_latex
from tokbench.report._table import Cell, Table, write_notes
from tokbench.report._views import lay_out

SUFFIXES = frozenset({".tex"})

MOST_COLUMNS = 8
"""Columns of values that stand beside each other on a page; wider tables are cut into parts."""

CHOSEN = frozenset({"summary", "side-by-side", "premiums", "compression", "reading", "what-if"})
"""The sections whose tables belong into a paper."""

HEAD = "% Made by tokbench. The preamble needs: \\usepackage{booktabs,graphicx,textcomp}\n"


def render(comparison: Comparison, by: str) -> str:
    """The tables of a view, with notes and signature."""
    parts = [write_table(table) for table in lay_out(comparison, by)]
    return "\n".join([HEAD, *parts, write_signature(comparison)])


def render_several(results: Mapping[str, Comparison]) -> str:
    """Summary, per-language and cost tables of results, each with its signature."""
    # Here, as it knows all there is to show: a look at the formats by their endings need not.
    from tokbench.report._document import compose

    document = compose(results)
    signatures = [write_signature(result) for result in results.values()]
    return "\n".join([HEAD, *write_document(document), *signatures])


def write_document(document: Document) -> Iterator[str]:
    """The tables of a report that belong into a paper, and its warnings."""
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
    """Notes and signature, breakable at its bars and commas."""
    notes = "".join(f"{escape_latex(note)}\n\n" for note in write_notes(comparison))
    signature = escape_latex(comparison.signature(long=False))
    for mark in (r"\textbar{}", ",", "@", "/"):
        signature = signature.replace(mark, f"{mark}\\allowbreak{{}}")
    return f"{{\\footnotesize\\raggedright\n{notes}\\texttt{{{signature}}}\\par}}\n"


def write_cell(cell: Cell) -> str:
    """A cell: the best in bold, an unranked value in brackets."""
    text = escape_latex(cell.text)
    if cell.unranked:
        return f"({text})"
    return f"\\textbf{{{text}}}" if cell.best else text


def write_table(table: Table) -> str:
    """A table, in parts side by side of the same rows where it has many columns."""
    values = list(range(table.labels, len(table.headers)))
    starts = range(0, max(len(values), 1), MOST_COLUMNS)
    return "\n".join(write_columns(table, values[start : start + MOST_COLUMNS]) for start in starts)


def write_columns(table: Table, columns: list[int]) -> str:
    """The labels of a table with some of its columns."""
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
