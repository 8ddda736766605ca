"""Tab-separated values: a row a line, fields between tabs, nothing quoted; a quotation mark is text.

Options: `LANG=COLUMN` (name or number from 1), `document=COLUMN`, `header=yes|no`. Without `LANG=COLUMN` every column
whose head is a language tag is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from tokbench.corpora._columns import read_table
from tokbench.corpora._raw import RawCorpus
from tokbench.corpora._text import first_line, read_lines


def claims(path: Path) -> bool:
    """A file called .tsv or .tab, or a .txt with a tab in its first line."""
    if not path.is_file():
        return False
    return path.suffix in {".tsv", ".tab"} or (path.suffix == ".txt" and b"\t" in first_line(path))


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the languages asked for; TokbenchError with file and line for a row that is too short."""
    found = read_lines(path)
    rows = ((number, line.split("\t")) for number, line in enumerate(found.lines, start=1))
    return read_table(path, rows, options, languages, bom=found.bom, crlf=found.crlf)
