"""Tables in LaTeX: `table` with booktabs, or `longtable` for those that do not fit on a page."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

from tokbench.corpora import name_language
from tokbench.report._escaping import escape_latex
from tokbench.report._table import Cell, Table, mark_cell

MOST_COLUMNS = 8
"""Value columns that fit on a page; wider tables are split into parts."""

MOST_ROWS = 40
"""Rows that fit on a page; longer tables continue on the next."""

LINE = 80
"""Characters across the text of a page in the size of long tables, which cannot be shrunk to fit."""

SHRUNK = 136
"""Characters across the text of a page in other tables, which are shrunk to 0.6 of their size at most."""

NAMES = 28
"""Characters of the first column of a long table that stay on one line, in 0.3 of the width of the text."""

_GAP = 2
BOLD = r"\textbf{{{}}}"
RAGGED = "\\raggedright "


@dataclass
class TableWriter:
    """Writes the tables of one file, each with a label of its own.

    caption: put before the title of each table, if given.
    label: prefix of labels: `tab:tokbench-premium`.
    """

    caption: str | None = None
    label: str = "tokbench"
    _labels: set[str] = field(default_factory=set)

    def write(self, table: Table) -> str:
        """Format a table, split into several with the same rows if it is too wide."""
        table = name_languages(table)
        parts = list(split_columns(table))
        return "\n".join(
            self._write_part(replace(part, title=number_title(part.title, place, len(parts))))
            for place, part in enumerate(parts, start=1)
        )

    def _write_part(self, part: Table) -> str:
        write = write_long if len(part.rows) > MOST_ROWS else write_float
        return write(part, escape_latex(self._write_caption(part.title)), self._take_label(part.title))

    def _write_caption(self, title: str) -> str:
        if self.caption is None:
            return title
        return f"{self.caption.rstrip('.')}: {title}" if title else self.caption

    def _take_label(self, title: str) -> str:
        """Return a label that no table of the file has yet: the first words of the title."""
        plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
        words = re.findall(r"[a-z0-9]+", plain)[:4]
        first = "-".join([f"tab:{self.label}", *words])
        label, number = first, 1
        while label in self._labels:
            number += 1
            label = f"{first}-{number}"
        self._labels.add(label)
        return label


def number_title(title: str, place: int, parts: int) -> str:
    """Say which part of a table this is, if there are several."""
    return title if parts == 1 else f"{title} ({place} of {parts})".strip()


def name_languages(table: Table) -> Table:
    """Return the table with the names of languages before their codes, where its rows are languages.

    A column of scripts is left out, since codes or names tell them.
    """
    if not table.headers or table.headers[0] != "language":
        return table
    rows = tuple((replace(row[0], text=name_language(row[0].text)), *row[1:]) for row in table.rows)
    kept = [i for i, header in enumerate(table.headers) if i >= table.labels or header != "script"]
    return replace(table, rows=rows).select(kept)


def split_columns(table: Table) -> Iterator[Table]:
    """Yield the table in parts with as many value columns as fit, as equal as can be."""
    labels, values = list(range(table.labels)), list(range(table.labels, len(table.headers)))
    fitting = min(MOST_COLUMNS, count_fitting(table))
    parts = -(-max(len(values), 1) // fitting)
    bounds = [place * len(values) // parts for place in range(parts + 1)]
    for start, end in pairwise(bounds):
        yield table.select([*labels, *values[start:end]])


def count_fitting(table: Table) -> int:
    """Return how many value columns fit across a page: at least 1."""
    widths = [
        max([len(header), *(len(row[i].text) for row in table.rows)]) + _GAP for i, header in enumerate(table.headers)
    ]
    widest = max(widths[table.labels :], default=1)
    line = LINE if len(table.rows) > MOST_ROWS else SHRUNK
    return max(1, (line - sum(min(width, NAMES) for width in widths[: table.labels])) // widest)


def write_rows(table: Table, first: str = "") -> str:
    """Return the rows of a table; `first` is put before the text of each."""

    def write(row: tuple[Cell, ...]) -> str:
        return f"{first}{' & '.join(mark_cell(cell, escape_latex, BOLD) for cell in row)} \\\\\n"

    return "".join(map(write, table.rows))


def list_columns(table: Table) -> str:
    """Return the column specification: text to the left, numbers to the right."""
    return "".join("l" if table.holds_text(i) else "r" for i in range(len(table.headers)))


def write_heads(table: Table) -> str:
    """Return the row of headers."""
    return " & ".join(map(escape_latex, table.headers)) + " \\\\"


def write_float(table: Table, caption: str, label: str) -> str:
    """Format a table that fits on a page."""
    return "\n".join(
        [
            "\\begin{table}[htbp]",
            "\\centering\\small",
            f"\\caption{{{caption}}}",
            f"\\label{{{label}}}",
            "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
            f"\\begin{{tabular}}{{{list_columns(table)}}}",
            "\\toprule",
            write_heads(table),
            "\\midrule",
            f"{write_rows(table)}\\bottomrule",
            "\\end{tabular}}",
            "\\end{table}\n",
        ]
    )


def write_long(table: Table, caption: str, label: str) -> str:
    """Format a table that continues on further pages, its headers repeated."""
    heads = write_heads(table)
    return "\n".join(
        [
            "{\\footnotesize\\setlength{\\tabcolsep}{3pt}",
            f"\\begin{{longtable}}{{p{{0.3\\linewidth}}{list_columns(table)[1:]}}}",
            f"\\caption{{{caption}}}\\label{{{label}}} \\\\",
            "\\toprule",
            heads,
            "\\midrule",
            "\\endfirsthead",
            "\\toprule",
            heads,
            "\\midrule",
            "\\endhead",
            "\\midrule",
            f"\\multicolumn{{{len(table.headers)}}}{{r}}{{continued}} \\\\",
            "\\endfoot",
            "\\bottomrule",
            "\\endlastfoot",
            f"{write_rows(table, RAGGED)}\\end{{longtable}}}}\n",
        ]
    )
