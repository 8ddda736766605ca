"""The words of a CoNLL-U file that have a segmentation."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tokbench.analysis.morphology._segments import (
    MISSPELT,
    GoldEntry,
    LineError,
    LineTally,
    align_segments,
    join_segments,
    number_lines,
)

ID = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9})|\.[0-9]{1,9})?")
"""The first field of a line: the number of a word, a range of words, or an empty node."""

_MARKS = ("MSeg", "Morphs", "Morph", "Segments", "MorphSeg")


class Row(NamedTuple):
    """A line of a word or a multiword token. last: its last word, the same as `first` for a word."""

    line: int
    first: int
    last: int
    fields: list[str]

    @property
    def several(self) -> bool:
        """Return whether it is a multiword token."""
        return "-" in self.fields[0]


def read_conllu(text: str, tally: LineTally, separator: str | None) -> Iterator[tuple[int, GoldEntry]]:
    """Read words with a segmentation in MISC, and multiword tokens whose words spell them.

    The words of a multiword token are no words of the text, and their own segmentation is not used. The frequency of
    a word is the number of its occurrences.
    """
    opened: Row | None = None
    parts: list[str] = []
    for row in read_rows(text):
        if opened is not None and (row.several or row.first != opened.first + len(parts)):
            raise explain_missing(opened, parts)
        if row.several:
            opened, parts = row, []
        elif opened is not None:
            parts.append(row.fields[1])
            if row.first == opened.last:
                yield from read_multiword(opened.line, opened.fields[1], parts, tally)
                opened = None
        else:
            yield from read_marked(row.line, row.fields, tally, separator)
    if opened is not None:
        raise explain_missing(opened, parts)


def read_rows(text: str) -> Iterator[Row]:
    """Yield words and multiword tokens, without comments and empty nodes."""
    for line, content in number_lines(text):
        if content.startswith("#"):
            continue
        fields = content.split("\t")
        match = ID.fullmatch(fields[0])
        if len(fields) != 10 or match is None:
            raise LineError(line, "not a line of CoNLL-U, which has 10 fields and starts with a number")
        first, last = int(match[1]), int(match[2] or match[1])
        if match[2] and last <= first:
            raise LineError(line, f"the range {fields[0]} is empty")
        if "." not in fields[0]:
            yield Row(line, first, last, fields)


def explain_missing(opened: Row, parts: Sequence[str]) -> LineError:
    """Build the error for a multiword token without all its words."""
    return LineError(opened.line, f"word {opened.first + len(parts)} of this multiword token is missing")


def read_multiword(line: int, surface: str, parts: Sequence[str], tally: LineTally) -> Iterator[tuple[int, GoldEntry]]:
    """Yield a multiword token if its words spell it."""
    boundaries = join_segments(surface, parts)
    if boundaries is None:
        tally.add(MISSPELT, line)
    else:
        yield line, GoldEntry(surface, boundaries, None, 1.0)


def read_marked(
    line: int, fields: Sequence[str], tally: LineTally, separator: str | None
) -> Iterator[tuple[int, GoldEntry]]:
    """Yield a word with a segmentation in its tenth field, such as `MSeg=un-break-able`."""
    notes = dict(note.partition("=")[::2] for note in fields[9].split("|"))
    written = next((notes[name] for name in _MARKS if name in notes), None)
    if written is None:
        return
    boundaries = align_segments(fields[1], written, separator or "-")
    if boundaries is None:
        tally.add(MISSPELT, line)
    else:
        yield line, GoldEntry(fields[1], boundaries, notes.get("Lang"), 1.0)
