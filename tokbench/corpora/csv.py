"""Comma-separated values as in RFC 4180.

Quoted fields may contain commas, doubled quotes and line ends.
Options: `LANG=COLUMN` (name or number from 1), `document=COLUMN`, `header=yes|no`, `delimiter=` and a character or
`comma`, `semicolon`, `tab`, `pipe`, `space`, `colon` (by default recognised from the first rows, or from Excel's
`sep=;`). Without `LANG=COLUMN` every column whose head is a language tag is read, or one called `text`, `content` or
`prompt`. Not parallel: `text=COLUMN`, `label=NAME`, `split=`. Long tables: `lang=COLUMN,text=COLUMN,id=COLUMN`.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from tokbench.corpora._content import HEAD_BYTES
from tokbench.corpora._reader_api import RawCorpus
from tokbench.corpora._readers import spell_for
from tokbench.corpora._storage import is_file, suffix_of
from tokbench.corpora._tables import Rows, read_table
from tokbench.corpora._utf8 import ends_in_cr, read_text
from tokbench.errors import TokbenchError

_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "pipe": "|", "space": " ", "colon": ":"}
_GUESSED = (",", ";", "\t", "|")
# Rarer ones are believed only if they split the first rows alike.
_FIRST_ROWS = 20
_RARE = ("^", "~", "\x1f", "\x01", ":", "#")

_QUOTED = re.compile('"[^"]*"')
"""Text between two quotation marks, in which a CR or LF ends no row."""


def claims(path: Path) -> bool:
    """Claim a .csv file."""
    return is_file(path) and suffix_of(path) == ".csv"


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the requested languages.

    Raises TokbenchError with file and line for a row not as in RFC 4180.
    """
    rest = dict(options)
    said = rest.pop("delimiter", None)
    if said is not None and said not in _DELIMITERS and (len(said) != 1 or said in '"\n\r'):
        raise TokbenchError(
            f"{path}: no delimiter is called {said!r}", f"give a character, or one of {', '.join(_DELIMITERS)}"
        )
    content = read_text(path)
    text = content.text
    if "\r" in text and ends_in_cr(_QUOTED.sub("", text)):
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    named = re.match('"?sep=(.)"?\r?\n', text)
    if named and said is None:
        text, said = text[named.end() :], named[1]
    delimiter = _find_delimiter(text) if said is None else _DELIMITERS.get(said, said)
    rows = _rows(path, text, delimiter, 1 if named else 0)
    if said is None and delimiter != ",":
        rows = _check_width(path, rows, delimiter, rest)
    return read_table(path, Rows("csv", rows, content.bom, text.count("\r\n")), rest, languages)


def _find_delimiter(text: str) -> str:
    """Find the delimiter: the comma, unless only another one splits the first row, or a rare one the first rows."""
    begin = text[:HEAD_BYTES].lstrip("\r\n")
    for delimiter in _GUESSED:
        if _widths(begin, delimiter, 1)[:1] > [1]:
            return delimiter
    for delimiter in _RARE:
        widths = _widths(begin, delimiter, _FIRST_ROWS)
        if len(widths) > 1 and len(set(widths)) == 1 and widths[0] > 1:
            return delimiter
    return ","


def _widths(text: str, delimiter: str, most: int) -> list[int]:
    """Return the numbers of columns of the first rows, but for empty ones."""
    rows = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter)
    widths: list[int] = []
    try:
        while len(widths) < most:
            row = next(rows)
            widths += [len(row)] if row else []
    except (StopIteration, csv.Error):  # rows are read again, strictly
        pass
    # The last row may be cut.
    return widths if len(widths) == most or len(text) < HEAD_BYTES else widths[:-1]


def _check_width(
    path: Path, rows: Iterator[tuple[int, list[str]]], delimiter: str, options: Mapping[str, str]
) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows; TokbenchError for a row wider or narrower than the first.

    The delimiter is only a guess.
    """
    width: int | None = None
    name = next((name for name, character in _DELIMITERS.items() if character == delimiter), delimiter)
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


def _rows(path: Path, text: str, delimiter: str, before: int) -> Iterator[tuple[int, list[str]]]:
    # Lines end at LF only here: the csv module drops the CR of an unquoted CR LF, and rejects a CR elsewhere.
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1 + before
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TokbenchError(
                f"{path}:{line}: not a CSV row: {error}", "quote fields that contain quotes or line ends"
            ) from None
        yield line, row or [""]  # an empty line is one empty field
