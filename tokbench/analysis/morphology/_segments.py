"""Words and their segments as gold files write them, and what is collected of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

MISSPELT = "segments do not spell the word"
WHOLE = "one segment only"
UNMARKED = "no segmentation given"
AMBIGUOUS = "listed with different segmentations"
DERIVED = "the affix is not at the end of the word that it should be at"
NOT_UNIQUE = "not marked as unique by the file"
NOT_LEMMA = "the stem is not the lemma"
DIGITS = "digits in the word"

_SHOWN = 3


class LineError(Exception):
    """A line that is not of the format: its number, and why."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(f"line {line}: {reason}")


@dataclass(frozen=True)
class GoldEntry:
    """A word of a gold file.

    boundaries: characters before each inner boundary, ascending. frequency: None if the file gives none.
    """

    word: str
    boundaries: tuple[int, ...]
    lang: str | None = None
    frequency: float | None = None


class LineTally:
    """Lines left out, by reason."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.first: dict[str, list[int]] = {}

    def add(self, reason: str, line: int) -> None:
        """Count a line."""
        self.counts[reason] += 1
        shown = self.first.setdefault(reason, [])
        if len(shown) < _SHOWN:
            shown.append(line)


def join_segments(word: str, segments: Sequence[str]) -> tuple[int, ...] | None:
    """Return the characters before each inner boundary; None if the segments do not spell the word.

    >>> join_segments("walked", ["walk", "ed"])
    (4,)
    """
    if "".join(segments) != word:
        return None
    return tuple(sorted({at for at in accumulate(map(len, segments)) if 0 < at < len(word)}))


def align_segments(word: str, written: str, separator: str) -> tuple[int, ...] | None:
    """Return the characters before each boundary of a word written with separators; None if it is another word.

    A character that the word has at this place is no separator.

    >>> align_segments("e-mailed", "e-mail-ed", "-")
    (6,)
    """
    found: set[int] = set()
    at = place = 0
    while place < len(written):
        if at < len(word) and written[place] == word[at]:
            at, place = at + 1, place + 1
        elif written.startswith(separator, place):
            found.add(at)
            place += len(separator)
        else:
            return None
    return tuple(sorted(found - {0, len(word)})) if at == len(word) else None


def number_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not empty, with their numbers, without line ends."""
    for number, line in enumerate(text.split("\n"), 1):
        stripped = line.removesuffix("\r")
        if stripped.strip():
            yield number, stripped
