"""Comma-separated values as in RFC 4180: fields may be quoted, and then hold commas, doubled quotes and line ends.

Options: `LANG=COLUMN` (name or number from 1), `document=COLUMN`, `header=yes|no`. Without `LANG=COLUMN` every column
whose head is a language tag is read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tokbench.corpora._columns import read_table
from tokbench.corpora._raw import RawCorpus
from tokbench.corpora._text import read_text
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """A file called .csv."""
    return path.is_file() and path.suffix == ".csv"


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the languages asked for; TokbenchError with file and line for a row that is no RFC 4180."""
    found = read_text(path)
    rows = _rows(path, found.text)
    return read_table(path, rows, options, languages, bom=found.bom, crlf=found.text.count("\r\n"))


def _rows(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    # Lines end at LF alone here: the csv module takes the CR of an unquoted CR LF away, and refuses a CR elsewhere.
    reader = csv.reader(io.StringIO(text, newline="\n"), strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TokbenchError(
                f"{path}:{line}: no CSV row: {error}", "quote fields that hold quotes or line ends"
            ) from None
        yield line, row or [""]  # an empty line is one empty field
