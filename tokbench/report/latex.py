"""Tables for papers: LaTeX with booktabs, for `\\input`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tokbench.comparison import Comparison
from tokbench.report._document_model import Document, Facts, Figure, Plain, Points, Prose, Results, Signature
from tokbench.report._escaping import escape_latex
from tokbench.report._table import Table, mark_cell, write_notes

SUFFIXES = frozenset({".tex"})

MOST_COLUMNS = 8
"""Value columns that fit on a page; wider tables are split into parts."""

CHOSEN = frozenset({"summary", "side-by-side", "premiums", "compression", "reading", "what-if"})
"""The sections whose tables belong in a paper."""

BOLD = r"\textbf{{{}}}"

HEAD = "% Made by tokbench. The preamble needs: \\usepackage{booktabs,graphicx,textcomp}\n"


def format_results(results: Results) -> str:
    """Format tables, then notes and signatures."""
    parts = results.parts()
    return "\n".join([HEAD, *(write_table(part) for part in parts if isinstance(part, Table)), format_notes(parts)])


def render_several(results: Mapping[str, Comparison]) -> str:
    """Format summary, per-language and cost tables, each with its signature."""
    # Imported here, because it imports everything shown, which listing formats by extension does not need.
    from tokbench.report._document import compose

    document = compose(results)
    signatures = [format_notes(list_notes(result)) for result in results.values()]
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


def list_notes(comparison: Comparison) -> list[Plain]:
    """Return what is written below the tables of a report."""
    return [Points(tuple(write_notes(comparison))), Signature(comparison.signature(long=False))]


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


def write_table(table: Table) -> str:
    """Format a table, split into several with the same rows if it has many columns."""
    labels, values = range(table.labels), list(range(table.labels, len(table.headers)))
    starts = range(0, max(len(values), 1), MOST_COLUMNS)
    return "\n".join(write_whole(table.select([*labels, *values[start : start + MOST_COLUMNS]])) for start in starts)


def write_whole(table: Table) -> str:
    """Format a table that fits on a page."""
    heads = " & ".join(map(escape_latex, table.headers))
    rows = "".join(f"{' & '.join(mark_cell(cell, escape_latex, BOLD) for cell in row)} \\\\\n" for row in table.rows)
    shape = "".join("l" if table.holds_text(i) else "r" for i in range(len(table.headers)))
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
