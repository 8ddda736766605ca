"""Where tokens end: in characters, grapheme clusters, words, numbers and operators.

Texts are joined with one line feed after each, and everything is a position in bytes. Only texts that equal the
concatenated bytes of their ids can be judged; the others have no counts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from tokbench.adapters import sum_ranges
from tokbench.measurement.graphemes import find_grapheme_starts
from tokbench.measurement.operators import find_operators

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

F1_UNIT = 232_792_560
"""What an F1 of 1 is counted as, so that sums are exact: the least common multiple of 1 to 20."""

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "characters": tuple(f"{what}_{width}" for width in (2, 3, 4) for what in ("characters", "split")),
        "graphemes": ("graphemes", "graphemes_split", "clusters", "clusters_split"),
        "words": ("word_ends", "word_ends_inside", "tokens_over_words"),
        "numbers": ("numbers", "number_f1", "digits", "number_tokens"),
        "operators": ("operators", "operators_isolated", "compounds", "compounds_kept"),
        "tokens": ("judged_segments", "judged_tokens", "tokens_crossing"),
    }
)
"""The columns that are counted together."""

COLUMNS = tuple(column for family in FAMILIES.values() for column in family)
"""Columns that the frame `counts` may have besides; null for texts that cannot be judged."""


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges of bytes in joined texts: `[starts[i], ends[i])`, in text `text[i]`."""

    starts: Counts
    ends: Counts
    text: Counts

    def __len__(self) -> int:
        return len(self.starts)

    def count(self, texts: int, flags: Flags | None = None) -> Counts:
        """Count per text the ranges, or those that are flagged."""
        chosen = self.text if flags is None else self.text[flags]
        return np.bincount(chosen, minlength=texts).astype(np.int64)


@dataclass(frozen=True, eq=False)
class TokenEnds:
    """Where tokens end in joined texts.

    at[p]: whether a token ends before byte p, or a text starts there. until[p]: how many do up to and including p.
    """

    at: Flags
    until: npt.NDArray[np.int32]

    @classmethod
    def mark(cls, positions: Counts, text_starts: Counts, size: int) -> TokenEnds:
        """Mark the ends of tokens.

        size: bytes of the joined texts, with the line feed after the last.
        """
        at = np.zeros(size + 1, np.bool_)
        at[np.maximum(positions, 0)] = True  # a prefix that is a token by itself ends before the text
        at[text_starts] = True
        return cls(at, np.cumsum(at, dtype=np.int32))

    def within(self, ranges: Ranges) -> Counts:
        """Count the tokens that end inside each range, at neither of its ends."""
        return (self.until[ranges.ends - 1] - self.until[ranges.starts]).astype(np.int64)


@dataclass(frozen=True, eq=False)
class BoundaryTexts:
    """Joined texts and the pieces in them that tokens may cut.

    content: the bytes, one line feed after each text.
    starts: where each text starts. sizes: bytes of each, without the line feed.
    words: those of the segmenter; None if it does not fit the language.
    """

    content: npt.NDArray[np.uint8]
    starts: Counts
    sizes: Counts
    words: Ranges | None

    def text_of(self, positions: Counts) -> Counts:
        """Return the text in which each position lies."""
        return np.searchsorted(self.starts, positions, "right") - 1

    @cached_property
    def leads(self) -> Flags:
        """Flags of the bytes that start a character."""
        flags: Flags = (self.content & 0xC0) != 0x80
        return flags

    @cached_property
    def wide(self) -> Ranges:
        """The characters of several bytes."""
        starts = np.flatnonzero(self.content >= 0xC0)
        lead = self.content[starts]
        width = 2 + (lead >= 0xE0).astype(np.int64) + (lead >= 0xF0)
        return Ranges(starts, starts + width, self.text_of(starts))

    @cached_property
    def grapheme_starts(self) -> Flags:
        """Flags of the bytes that start a grapheme cluster."""
        points = np.frombuffer(self.content.tobytes().decode().encode("utf-32-le"), np.uint32)
        at = np.flatnonzero(self.leads)
        first = np.searchsorted(at, self.starts)
        flags = np.zeros(len(self.content), np.bool_)
        flags[at] = find_grapheme_starts(points, first)
        return flags

    @cached_property
    def clusters(self) -> Ranges:
        """The grapheme clusters of more than one code point."""
        inside = np.flatnonzero(self.leads & ~self.grapheme_starts)
        places = np.flatnonzero(self.grapheme_starts)
        which = np.unique(np.searchsorted(places, inside, "right") - 1)
        ends = np.append(places, len(self.content))[which + 1]
        return Ranges(places[which], ends, self.text_of(places[which]))

    @cached_property
    def single(self) -> Ranges:
        """The characters of several bytes that are a grapheme cluster by themselves."""
        wide = self.wide
        alone = self.grapheme_starts[wide.starts] & self.grapheme_starts[np.minimum(wide.ends, len(self.content) - 1)]
        return Ranges(wide.starts[alone], wide.ends[alone], wide.text[alone])

    @cached_property
    def graphemes(self) -> Counts:
        """Grapheme clusters of each text."""
        return sum_ranges(self.grapheme_starts, np.append(self.starts, len(self.content))) - 1  # the line feed

    @cached_property
    def numbers(self) -> Ranges:
        """The runs of ASCII digits."""
        digit = np.zeros(len(self.content) + 2, np.int8)
        digit[1:-1] = (self.content - np.uint8(ord("0"))) < 10
        change = np.diff(digit)
        starts, ends = np.flatnonzero(change == 1), np.flatnonzero(change == -1)
        return Ranges(starts, ends, self.text_of(starts))

    @cached_property
    def operators(self) -> Ranges:
        """The operators: as long as possible, from left to right."""
        starts, ends = find_operators(self.content.tobytes())
        return Ranges(starts, ends, self.text_of(starts))

    def ends_before_text_end(self, ranges: Ranges) -> Flags:
        """Flag the ranges that do not end where their text does."""
        return ranges.ends < (self.starts + self.sizes)[ranges.text]


def _sum(texts: Counts, values: Counts, number: int) -> Counts:
    """Add up integers per text, exactly."""
    total = np.zeros(number, np.int64)
    np.add.at(total, texts, values)
    return total


def count_boundaries(
    texts: BoundaryTexts, ends: TokenEnds, columns: Collection[str] = COLUMNS
) -> dict[str, Counts | None]:
    """Count per text what there is to split, and what tokens split: these of `COLUMNS`, but for those of tokens.

    Columns of words are None without words.
    """
    found: dict[str, Counts | None] = {}
    for family, count in _COUNTS.items():
        if not set(FAMILIES[family]).isdisjoint(columns):
            found |= count(texts, ends)
    return {name: values for name, values in found.items() if name in columns}


def _count_characters(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count the characters of several bytes by width, and those that a token end splits."""
    number = len(texts.starts)
    cut = ends.within(texts.wide) > 0
    width = texts.wide.ends - texts.wide.starts
    return {
        name: texts.wide.count(number, flags)
        for size in (2, 3, 4)
        for name, flags in ((f"characters_{size}", width == size), (f"split_{size}", cut & (width == size)))
    }


def _count_graphemes(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count grapheme clusters, those of several code points, and of both those that a token end splits."""
    number, clusters = len(texts.starts), texts.clusters
    cut = ends.within(clusters) > 0
    # A cluster of one code point is split where its character is.
    single = texts.single
    apart = single.count(number, ends.within(single) > 0)
    split = clusters.count(number, cut)
    return {
        "graphemes": texts.graphemes,
        "graphemes_split": split + apart,
        "clusters": clusters.count(number),
        "clusters_split": split,
    }


def _count_words(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count the ends of words before the end of their text, those inside a token, and tokens over several words."""
    words, number = texts.words, len(texts.starts)
    if words is None:
        return dict.fromkeys(FAMILIES["words"])
    before = texts.ends_before_text_end(words)
    return {
        "word_ends": words.count(number, before),
        "word_ends_inside": words.count(number, ~ends.at[words.ends] & before),
        "tokens_over_words": _count_over_words(words, ends, number),
    }


def _count_over_words(words: Ranges, ends: TokenEnds, number: int) -> Counts:
    """Count the tokens that hold parts of two words or more of one text."""
    if len(words) < 2:
        return np.zeros(number, np.int64)
    same = words.text[1:] == words.text[:-1]
    # Uncut from the last byte of a word to the first of the next.
    joined = (ends.until[words.starts[1:]] == ends.until[words.ends[:-1] - 1]) & same
    # A token over three words joins two pairs: the second is not counted again.
    whole = ends.until[words.ends - 1] == ends.until[words.starts]
    again = np.zeros(len(joined), np.bool_)
    again[1:] = joined[:-1] & whole[1:-1]
    return np.bincount(words.text[1:][joined & ~again], minlength=number).astype(np.int64)


def _count_numbers(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Score the cuts of each number against cuts at every third digit from the right, and count its tokens."""
    number, runs = len(texts.starts), texts.numbers
    cuts = ends.within(runs)
    length = runs.ends - runs.starts
    ideal = (length - 1) // 3
    which = np.repeat(np.arange(len(runs)), ideal)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(ideal) - ideal, ideal) + 1
    hits = np.bincount(which[ends.at[runs.ends[which] - 3 * nth]], minlength=len(runs)).astype(np.int64)
    either = cuts + ideal
    scored = np.where(either == 0, F1_UNIT, 2 * hits * F1_UNIT // np.maximum(either, 1))
    return {
        "numbers": runs.count(number),
        "number_f1": _sum(runs.text, scored, number),
        "digits": _sum(runs.text, length, number),
        "number_tokens": _sum(runs.text, cuts + 1, number),
    }


def _count_operators(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count operators that are a token, spaces before them aside, and compound ones that no token end cuts."""
    number, found = len(texts.starts), texts.operators
    whole = ends.within(found) == 0
    blank = (texts.content == ord(" ")) | (texts.content == ord("\t"))
    # The start of the spaces before each position: after the last byte that is none.
    solid = np.maximum.accumulate(np.where(blank, 0, np.arange(1, len(blank) + 1)))
    before = np.minimum(np.maximum(solid[np.maximum(found.starts - 1, 0)], texts.starts[found.text]), found.starts)
    opened = ends.until[found.starts] - ends.until[before] + ends.at[before] > 0
    own = whole & opened & ends.at[found.ends]
    several = found.ends - found.starts > 1
    return {
        "operators": found.count(number),
        "operators_isolated": found.count(number, own),
        "compounds": found.count(number, several),
        "compounds_kept": found.count(number, whole & several),
    }


_COUNTS: Mapping[str, Callable[[BoundaryTexts, TokenEnds], dict[str, Counts | None]]] = MappingProxyType(
    {
        "characters": _count_characters,
        "graphemes": _count_graphemes,
        "words": _count_words,
        "numbers": _count_numbers,
        "operators": _count_operators,
    }
)
