"""What tokens may split in texts: characters, grapheme clusters, words, numbers and operators."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokbench.measurement.graphemes import find_continuing
from tokbench.measurement.operators import find_operators
from tokbench.measurement.token_ends import Counts, Flags, Ranges


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
        return Ranges(starts, starts + measure_characters(self.content[starts]), self.text_of(starts))

    @cached_property
    def later_bytes(self) -> Flags:
        """Flags of the bytes of characters that are not their first, and of the end."""
        flags = np.zeros(len(self.content) + 1, np.bool_)
        np.equal(self.content & 0xC0, 0x80, out=flags[:-1])
        return flags

    @cached_property
    def wide_counts(self) -> Counts:
        """Characters of several bytes in each text."""
        first = (self.content >= 0xC0).view(np.uint8)
        return np.add.reduceat(first, self.starts, dtype=np.int64) if len(first) else np.zeros(0, np.int64)

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
        return Ranges(starts, last + measure_characters(self.content[last]), self.text_of(starts))

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


def measure_characters(leads: npt.NDArray[np.uint8]) -> Counts:
    """Return the bytes of the characters that start with these."""
    return 1 + (leads >= 0xC0).astype(np.int64) + (leads >= 0xE0) + (leads >= 0xF0)
