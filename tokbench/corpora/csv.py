"""Comma-separated values as in RFC 4180.

Quoted fields may contain commas, doubled quotes and line ends.
Options: `LANG=COLUMN` (name or number from 1), `document=COLUMN`, `header=yes|no`, `delimiter=comma|semicolon|tab|pipe`
(by default recognised from the first row). Without `LANG=COLUMN` every column whose head is a language tag is read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tokbench.corpora._column_choice import Rows, read_table
from tokbench.corpora._content import HEAD_BYTES
from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._readers import spell_for
from tokbench.corpora._utf8 import read_text, refuse_lone_cr
from tokbench.errors import TokbenchError

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|"}


def claims(path: Path) -> bool:
    """Claim a .csv file."""
    return path.is_file() and path.suffix.lower() == ".csv"


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the requested languages.

    Raises TokbenchError with file and line for a row not as in RFC 4180.
    """
    rest = dict(options)
    said = rest.pop("delimiter", None)
    if said is not None and said not in _DELIMITERS:
        raise TokbenchError(f"{path}: no delimiter is called {said!r}", f"known: {', '.join(_DELIMITERS)}")
    content = read_text(path)
    delimiter = _find_delimiter(path, content.text) if said is None else _DELIMITERS[said]
    rows = _rows(path, content.text, delimiter)
    if said is None and delimiter != ",":
        rows = _check_width(path, rows, delimiter, rest)
    return read_table(path, Rows("csv", rows, content.bom, content.text.count("\r\n")), rest, languages)


def _find_delimiter(path: Path, text: str) -> str:
    """Find the delimiter: the comma, unless only another one splits the first row."""
    begin = text[:HEAD_BYTES].lstrip("\r\n")
    first = begin.split("\n", 1)[0].rstrip("\r")
    if re.fullmatch('"?sep=."?', first):
        raise TokbenchError(f"{path}: its first line only names the delimiter: {first}", "remove that line")
    for delimiter in _DELIMITERS.values():
        try:
            if len(next(csv.reader(io.StringIO(begin, newline="\n"), delimiter=delimiter), ())) > 1:
                return delimiter
        except csv.Error:  # the row is read again, strictly
            continue
    return ","


def _check_width(
    path: Path, rows: Iterator[tuple[int, list[str]]], delimiter: str, options: Mapping[str, str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows; TokbenchError for a row wider or narrower than the first.

    The delimiter is only a guess.
    """
    width: int | None = None
    name = next(name for name, character in _DELIMITERS.items() if character == delimiter)
    for line, row in rows:
        if row != [""]:
            width = len(row) if width is None else width
            if len(row) != width:
                spelled = [spell_for("csv", path, {**options, "delimiter": choice}) for choice in (name, "comma")]
                raise TokbenchError(
                    f"{path}:{line}: the row has {len(row)} columns between {delimiter!r}, the first has {width}",
                    f"fix the row, or give the delimiter: {' or '.join(filter(None, spelled))}",
                )
        yield line, row


def _rows(path: Path, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    # Lines end at LF only here: the csv module drops the CR of an unquoted CR LF, and rejects a CR elsewhere.
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            refuse_lone_cr(path, text.count("\r") - text.count("\r\n"), text.count("\n"))
            raise TokbenchError(
                f"{path}:{line}: not a CSV row: {error}", "quote fields that contain quotes or line ends"
            ) from None
        yield line, row or [""]  # an empty line is one empty field
