"""Tab-separated values: one row per line, tabs between fields, no quoting.

A quotation mark is text.
Options: `LANG=COLUMN` (name or number from 1), `document=COLUMN`, `header=yes|no`, `quotes=text` (without it, cells
quoted as in CSV are rejected). Without `LANG=COLUMN` every column whose head is a language tag is read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._readers import spell_for
from tokbench.corpora._storage import is_file, suffix_of
from tokbench.corpora._tables import Rows, read_table
from tokbench.corpora._utf8 import first_line, read_lines
from tokbench.errors import TokbenchError

_QUOTED = re.compile(r'"(?:[^"]|"")*"')


def claims(path: Path) -> bool:
    """Claim a .tsv or .tab file, or a .txt file with a tab in its first line."""
    if not is_file(path):
        return False
    suffix = suffix_of(path)
    return suffix in {".tsv", ".tab"} or (suffix == ".txt" and b"\t" in first_line(path))


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the requested languages.

    Raises TokbenchError with file and line for a row that cannot be read.
    """
    rest = dict(options)
    quotes = rest.pop("quotes", None)
    if quotes not in (None, "text"):
        raise TokbenchError(
            f"{path}: quotes={quotes} is not supported", "write quotes=text, or format=csv,delimiter=tab"
        )
    lines = read_lines(path)
    if quotes is None and _is_quoted(lines.lines):
        as_csv = spell_for("csv", path, {**rest, "delimiter": "tab"})
        as_text = spell_for("tsv", path, {**rest, "quotes": "text"})
        raise TokbenchError(
            f"{path}: its cells are quoted as in CSV", f"give {as_csv}, or {as_text} if the marks are text"
        )
    rows = ((number, line.split("\t")) for number, line in enumerate(lines.lines, start=1))
    return read_table(path, Rows("tsv", rows, lines.bom, lines.crlf), rest, languages)


def _is_quoted(lines: Sequence[str]) -> bool:
    """Return whether quotation marks are those of CSV.

    Cells with one are then enclosed in them, and inner ones are doubled.
    That is conclusive only if there is a doubled one, or if every cell is enclosed.
    """
    doubled = bare = enclosed = False
    for line in lines:
        if '"' not in line:
            bare = bare or bool(line)
            continue
        for cell in line.split("\t"):
            if '"' not in cell:
                bare = True
            elif not _QUOTED.fullmatch(cell):
                return False
            else:
                enclosed, doubled = True, doubled or '""' in cell[1:-1]
    return doubled or (enclosed and not bare)
