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

from tokbench.measurement.graphemes import find_continuing
from tokbench.measurement.operators import find_operators
from tokbench.measurement.token_ends import Counts, Flags, Ranges, TokenEnds

F1_UNIT = 232_792_560
"""What an F1 of 1 is counted as, so that sums are exact: the least common multiple of 1 to 20."""

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "characters": ("wide_characters", "wide_split"),
        "widths": tuple(f"{what}_{width}" for width in (2, 3, 4) for what in ("characters", "split")),
        "graphemes": ("graphemes", "graphemes_split", "clusters", "clusters_split"),
        "words": ("word_ends", "word_ends_inside"),
        "superwords": ("tokens_over_words",),
        "numbers": ("numbers", "number_f1", "digits", "number_tokens"),
        "operators": ("operators", "operators_isolated", "compounds", "compounds_kept"),
        "tokens": ("judged_segments", "judged_tokens", "tokens_crossing"),
    }
)
"""The columns that are counted together."""

COLUMNS = tuple(column for family in FAMILIES.values() for column in family)
"""Columns that the frame `counts` may have besides; null for texts that cannot be judged."""


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
    chars: Counts
    words: Ranges | None

    def text_of(self, positions: Counts) -> Counts:
        """Return the text in which each position lies."""
        return np.searchsorted(self.starts, positions, "right") - 1

    @cached_property
    def wide(self) -> Ranges:
        """The characters of several bytes."""
        starts = np.flatnonzero(self.content >= 0xC0)
        return Ranges(starts, starts + _measure_characters(self.content[starts]), self.text_of(starts))

    @cached_property
    def later_bytes(self) -> Flags:
        """Flags of the bytes of characters that are not their first, and of the end."""
        flags = np.zeros(len(self.content) + 1, np.bool_)
        np.equal(self.content & 0xC0, 0x80, out=flags[:-1])
        return flags

    @cached_property
    def wide_counts(self) -> Counts:
        """Characters of several bytes in each text."""
        return self.wide.count(len(self.starts))

    @cached_property
    def joined(self) -> Flags:
        """Flags of the first bytes of the characters that are in a cluster with others."""
        flags = np.zeros(len(self.content), np.bool_)
        flags[self.continuing] = flags[self.clusters.starts] = True
        return flags

    @cached_property
    def continuing(self) -> Counts:
        """Where the code points start that continue a grapheme cluster."""
        return find_continuing(self.content, self.starts)

    @cached_property
    def clusters(self) -> Ranges:
        """The grapheme clusters of more than one code point."""
        inner = self.continuing
        before = inner - 1
        for _ in range(3):  # to the first byte of the character
            before -= (self.content[before] & 0xC0) == 0x80
        first = np.ones(len(inner), np.bool_)
        first[1:] = before[1:] != inner[:-1]
        starts, last = before[first], inner[np.append(first[1:], np.ones(len(inner[:1]), np.bool_))]
        return Ranges(starts, last + _measure_characters(self.content[last]), self.text_of(starts))

    @cached_property
    def graphemes(self) -> Counts:
        """Grapheme clusters of each text."""
        return self.chars - np.bincount(self.text_of(self.continuing), minlength=len(self.starts))

    @cached_property
    def word_ends(self) -> tuple[Counts, Counts]:
        """Where words end, but for those that end with their text; and the text of each."""
        if self.words is None:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        before = self.words.ends < (self.starts + self.sizes)[self.words.text]
        return self.words.ends[before], self.words.text[before]

    @cached_property
    def numbers(self) -> Ranges:
        """The runs of ASCII digits."""
        digits = np.flatnonzero((self.content - np.uint8(ord("0"))) < 10)
        new = np.diff(digits, prepend=-2) > 1
        starts = digits[new]
        ends = digits[np.append(new[1:], np.ones(len(digits[:1]), np.bool_))] + 1
        return Ranges(starts, ends, self.text_of(starts))

    @cached_property
    def number_places(self) -> tuple[Counts, Counts, Flags]:
        """The places inside numbers at which a token may end: where, of which number, whether it should."""
        inner = self.numbers.ends - self.numbers.starts - 1
        which = np.repeat(np.arange(len(inner)), inner)
        nth = np.arange(len(which)) - np.repeat(np.cumsum(inner) - inner, inner)
        at = self.numbers.starts[which] + 1 + nth
        return at, which, (self.numbers.ends[which] - at) % 3 == 0

    @cached_property
    def operators(self) -> Ranges:
        """The operators: as long as possible, from left to right."""
        starts, ends = find_operators(self.content.tobytes())
        return Ranges(starts, ends, self.text_of(starts))


def _measure_characters(leads: npt.NDArray[np.uint8]) -> Counts:
    """Return the bytes of the characters that start with these."""
    return 1 + (leads >= 0xC0).astype(np.int64) + (leads >= 0xE0) + (leads >= 0xF0)


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
    """Count the characters of several bytes, and those that a token end splits."""
    split = texts.text_of(find_split(texts, ends))
    return {"wide_characters": texts.wide_counts, "wide_split": np.bincount(split, minlength=len(texts.starts))}


def find_split(texts: BoundaryTexts, ends: TokenEnds) -> Counts:
    """Return the first bytes of the characters that a token end splits."""
    starts = np.flatnonzero(ends.at & texts.later_bytes)
    for _ in range(3):
        starts -= texts.later_bytes[starts]
    return starts[np.diff(starts, prepend=-1) > 0]  # once each


def _count_widths(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count the same by the width of characters."""
    number, split = len(texts.starts), find_split(texts, ends)
    of, width = texts.text_of(split), _measure_characters(texts.content[split])
    wide = texts.wide.ends - texts.wide.starts
    return {
        **{f"characters_{size}": texts.wide.count(number, wide == size) for size in (2, 3, 4)},
        **{f"split_{size}": np.bincount(of[width == size], minlength=number) for size in (2, 3, 4)},
    }


def _count_graphemes(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count grapheme clusters, those of several code points, and of both those that a token end splits."""
    number, clusters = len(texts.starts), texts.clusters
    split = clusters.count(number, ends.within(clusters) > 0)
    # A cluster of one code point is split where its character is.
    apart = find_split(texts, ends)
    if len(clusters):
        apart = apart[~texts.joined[apart]]
    return {
        "graphemes": texts.graphemes,
        "graphemes_split": split + np.bincount(texts.text_of(apart), minlength=number),
        "clusters": clusters.count(number),
        "clusters_split": split,
    }


def _count_words(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count the ends of words before the end of their text, those inside a token, and tokens over several words."""
    words, number = texts.words, len(texts.starts)
    if words is None:
        return dict.fromkeys(FAMILIES["words"])
    at, text = texts.word_ends
    return {
        "word_ends": np.bincount(text, minlength=number),
        "word_ends_inside": np.bincount(text[~ends.at[at]], minlength=number),
    }


def _count_superwords(texts: BoundaryTexts, ends: TokenEnds) -> dict[str, Counts | None]:
    """Count the tokens over several words."""
    words, number = texts.words, len(texts.starts)
    return {"tokens_over_words": None if words is None else count_over_words(words, ends, number)}


def count_over_words(words: Ranges, ends: TokenEnds, number: int) -> Counts:
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
    at, which, right = texts.number_places
    cut = ends.at[at]
    cuts = np.bincount(which[cut], minlength=len(runs))
    hits = np.bincount(which[cut & right], minlength=len(runs)).astype(np.int64)
    length = runs.ends - runs.starts
    either = cuts + (length - 1) // 3
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
        "widths": _count_widths,
        "graphemes": _count_graphemes,
        "words": _count_words,
        "superwords": _count_superwords,
        "numbers": _count_numbers,
        "operators": _count_operators,
    }
)
