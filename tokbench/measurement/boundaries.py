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

from tokbench.measurement.boundary_texts import BoundaryTexts, measure_characters
from tokbench.measurement.token_ends import Counts, Ranges, TokenEnds

F1_UNIT = 232_792_560
"""What an F1 of 1 is counted as, so that sums are exact: the least common multiple of 1 to 20."""

PATTERNS: Mapping[int, tuple[str, ...]] = MappingProxyType(
    {length: tuple(f"digits_{length}_{pattern}" for pattern in range(2 ** (length - 1))) for length in (2, 3, 4)}
)
"""Columns by length of a number in digits: how many are cut in each way. Bit i of the last number is set if a token
ends after digit i + 1, so `digits_4_1` counts `1|234` and `digits_4_7` single digits."""

FAMILIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "characters": ("wide_characters", "wide_split"),
        "widths": tuple(f"{what}_{width}" for width in (2, 3, 4) for what in ("characters", "split")),
        "graphemes": ("graphemes", "graphemes_split", "clusters", "clusters_split"),
        "words": ("word_ends", "word_ends_inside"),
        "superwords": ("tokens_over_words",),
        "numbers": ("numbers", "number_f1", "digits", "number_tokens"),
        "patterns": tuple(column for columns in PATTERNS.values() for column in columns),
        "operators": ("operators", "operators_isolated", "compounds", "compounds_kept"),
        "tokens": ("judged_segments", "judged_tokens", "tokens_crossing"),
    }
)
"""The columns that are counted together."""

COLUMNS = tuple(column for family in FAMILIES.values() for column in family)
"""Columns that the frame `counts` may have besides; null for texts that cannot be judged."""


def _sum(texts: Counts, values: Counts, number: int) -> Counts:
    """Add up integers per text, exactly."""
    total = np.zeros(number, np.int64)
    np.add.at(total, texts, values)
    return total


@dataclass(frozen=True, eq=False)
class Cuts:
    """Where the tokens of a batch end in texts, and the characters that they split."""

    texts: BoundaryTexts
    ends: TokenEnds

    @cached_property
    def split(self) -> Counts:
        """The first bytes of the characters that a token end splits, each once."""
        starts = np.flatnonzero(self.ends.at & self.texts.later_bytes)
        for _ in range(3):
            starts -= self.texts.later_bytes[starts]
        return starts[np.diff(starts, prepend=-1) > 0]

    @cached_property
    def split_texts(self) -> Counts:
        """The texts in which they lie."""
        return self.texts.text_of(self.split)


def count_boundaries(
    texts: BoundaryTexts, ends: TokenEnds, columns: Collection[str] = COLUMNS
) -> dict[str, Counts | None]:
    """Count per text what there is to split, and what tokens split: these of `COLUMNS`, but for those of tokens.

    Columns of words are None without words.
    """
    found: dict[str, Counts | None] = {}
    cuts = Cuts(texts, ends)
    for family, count in _COUNTS.items():
        if not set(FAMILIES[family]).isdisjoint(columns):
            found |= count(cuts)
    return {name: values for name, values in found.items() if name in columns}


def _count_characters(cuts: Cuts) -> dict[str, Counts | None]:
    """Count the characters of several bytes, and those that a token end splits."""
    texts = cuts.texts
    split = cuts.split_texts
    return {"wide_characters": texts.wide_counts, "wide_split": np.bincount(split, minlength=len(texts.starts))}


def _count_widths(cuts: Cuts) -> dict[str, Counts | None]:
    """Count the same by the width of characters."""
    texts = cuts.texts
    number, split = len(texts.starts), cuts.split
    of, width = cuts.split_texts, measure_characters(texts.content[split])
    wide = texts.wide.ends - texts.wide.starts
    return {
        **{f"characters_{size}": texts.wide.count(number, wide == size) for size in (2, 3, 4)},
        **{f"split_{size}": np.bincount(of[width == size], minlength=number) for size in (2, 3, 4)},
    }


def _count_graphemes(cuts: Cuts) -> dict[str, Counts | None]:
    """Count grapheme clusters, those of several code points, and of both those that a token end splits."""
    texts, ends = cuts.texts, cuts.ends
    number, clusters = len(texts.starts), texts.clusters
    split = clusters.count(number, ends.within(clusters) > 0)
    # A cluster of one code point is split where its character is.
    apart = cuts.split_texts
    if len(clusters):
        apart = apart[~texts.joined[cuts.split]]
    return {
        "graphemes": texts.graphemes,
        "graphemes_split": split + np.bincount(apart, minlength=number),
        "clusters": clusters.count(number),
        "clusters_split": split,
    }


def _count_words(cuts: Cuts) -> dict[str, Counts | None]:
    """Count the ends of words before the end of their text, those inside a token, and tokens over several words."""
    texts, ends = cuts.texts, cuts.ends
    words, number = texts.words, len(texts.starts)
    if words is None:
        return dict.fromkeys(FAMILIES["words"])
    at, text = texts.word_ends
    return {
        "word_ends": np.bincount(text, minlength=number),
        "word_ends_inside": np.bincount(text[~ends.at[at]], minlength=number),
    }


def _count_superwords(cuts: Cuts) -> dict[str, Counts | None]:
    """Count the tokens over several words."""
    texts, ends = cuts.texts, cuts.ends
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


def _count_numbers(cuts: Cuts) -> dict[str, Counts | None]:
    """Score the cuts of each number against cuts at every third digit from the right, and count its tokens."""
    texts, ends = cuts.texts, cuts.ends
    number, runs = len(texts.starts), texts.numbers
    at, which, right = texts.number_places
    cut = ends.at[at]
    inner = np.bincount(which[cut], minlength=len(runs))
    hits = np.bincount(which[cut & right], minlength=len(runs)).astype(np.int64)
    length = runs.ends - runs.starts
    either = inner + (length - 1) // 3
    scored = np.where(either == 0, F1_UNIT, 2 * hits * F1_UNIT // np.maximum(either, 1))
    return {
        "numbers": runs.count(number),
        "number_f1": _sum(runs.text, scored, number),
        "digits": _sum(runs.text, length, number),
        "number_tokens": _sum(runs.text, inner + 1, number),
    }


def _count_patterns(cuts: Cuts) -> dict[str, Counts | None]:
    """Count the numbers of each length by the places at which tokens end in them."""
    texts = cuts.texts
    runs, number = texts.numbers, len(texts.starts)
    found: dict[str, Counts | None] = {}
    length = runs.ends - runs.starts
    for size, columns in PATTERNS.items():
        own = np.flatnonzero(length == size)
        pattern = np.zeros(len(own), np.int64)
        for i in range(size - 1):
            pattern += cuts.ends.at[runs.starts[own] + 1 + i].astype(np.int64) << i
        cells = np.bincount(runs.text[own] * len(columns) + pattern, minlength=number * len(columns))
        found |= dict(zip(columns, cells.reshape(number, len(columns)).T, strict=True))
    return found


def _count_operators(cuts: Cuts) -> dict[str, Counts | None]:
    """Count operators that are a token, spaces before them aside, and compound ones that no token end cuts."""
    texts, ends = cuts.texts, cuts.ends
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


_COUNTS: Mapping[str, Callable[[Cuts], dict[str, Counts | None]]] = MappingProxyType(
    {
        "characters": _count_characters,
        "widths": _count_widths,
        "graphemes": _count_graphemes,
        "words": _count_words,
        "superwords": _count_superwords,
        "numbers": _count_numbers,
        "patterns": _count_patterns,
        "operators": _count_operators,
    }
)
