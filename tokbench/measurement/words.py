"""The texts of one language, measured once: bytes, characters, words.

Words are found by a named segmenter. `whitespace`: runs of characters between Unicode white space, as `str.split`
finds them; a language written without spaces between words (at least half of its letters in such scripts) has no
words by it. `icu`: the words of Unicode's UAX #29 that contain a letter or a digit, found by ICU, whose dictionaries
segment Chinese, Japanese, Thai, Lao, Khmer and Burmese; Tibetan, for which it has none, has no words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from types import ModuleType
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import Indices, Spans, TokenTable
from tokbench.corpora import JoinedTexts, TextColumn
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.measurement._columns import make_null
from tokbench.measurement.boundary_texts import BoundaryTexts
from tokbench.measurement.token_ends import Ranges

Segmenter = Literal["whitespace", "icu"]

UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
"""Scripts that do not separate words with spaces."""

WITHOUT_DICTIONARY = r"[\p{Tibetan}]"
"""Those of them for which ICU has no dictionary."""

LETTERS_FROM = 500
"""Number of texts sampled to tell whether a language is written with spaces between words."""

SPACES = (
    *((0xC2, second, None) for second in (0x85, 0xA0)),
    *((0xE1, 0x9A, (0x80,)), (0xE2, 0x80, (*range(0x80, 0x8B), 0xA8, 0xA9, 0xAF)), (0xE2, 0x81, (0x9F,))),
    (0xE3, 0x80, (0x80,)),
)
"""White space beyond ASCII in UTF-8: first and second byte, and what the third may be, if there is one."""


@dataclass(frozen=True, eq=False)
class WordSpans:
    """Positions of words in texts joined with one line feed after each."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


NO_WORDS = WordSpans(np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True, eq=False)
class LanguageTexts:
    """The texts of one language, with sizes and word positions in bytes and chars.

    data: the texts in UTF-8, joined with one line feed after each. bytes: size of each text.
    Text i starts at `byte_starts[i]` (`char_starts[i]`) of the joined texts; `word_text` is each word's text index.
    words: of each text; None if the segmenter does not fit or words are not wanted: then no word has a position.
    """

    texts: list[str]
    data: npt.NDArray[np.uint8]
    bytes: npt.NDArray[np.int64]
    byte_starts: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64] | None
    word_bytes: WordSpans
    segmenter: Segmenter

    @classmethod
    def read(
        cls,
        texts: Sequence[str] | JoinedTexts,
        segmenter: Segmenter = "whitespace",
        spaced: bool | None = None,
        *,
        with_words: bool = True,
    ) -> LanguageTexts:
        """Measure texts.

        spaced: whether the segmenter fits the language, if they are only a part of it.
        with_words: whether words are found; without, they are unknown, as if the segmenter did not fit.
        """
        joined = texts if isinstance(texts, JoinedTexts) else JoinedTexts.join(texts)
        data, sizes = np.frombuffer(joined.data, np.uint8), joined.sizes
        byte_starts = _starts(sizes)
        fits = with_words
        if fits:
            fits = has_words(pl.Series(joined.texts, dtype=pl.String), segmenter) if spaced is None else spaced
        spans, words = NO_WORDS, None
        if fits:
            spans = split_at_spaces(data) if segmenter == "whitespace" else break_words(joined.texts, data)
            words = np.diff(np.searchsorted(spans.starts, byte_starts), append=len(spans.starts))
        return cls(
            texts=joined.texts,
            data=data,
            bytes=sizes,
            byte_starts=byte_starts,
            words=words,
            word_bytes=spans,
            segmenter=segmenter,
        )

    @cached_property
    def chars(self) -> npt.NDArray[np.int64]:
        """Characters of each text."""
        return np.fromiter(map(len, self.texts), np.int64, len(self.texts))

    @cached_property
    def char_starts(self) -> npt.NDArray[np.int64]:
        """Where each text starts, in characters."""
        return _starts(self.chars)

    @cached_property
    def word_chars(self) -> WordSpans:
        """Where each word lies, in characters."""
        heads = find_heads(self.data)
        return WordSpans(*(np.searchsorted(heads, at) for at in (self.word_bytes.starts, self.word_bytes.ends)))

    @cached_property
    def word_text(self) -> npt.NDArray[np.int64]:
        """The text of each word."""
        return np.repeat(np.arange(len(self.texts)), 0 if self.words is None else self.words)

    @cached_property
    def inside_words(self) -> npt.NDArray[np.bool_]:
        """Flags of the bytes, and of the end, before which a word that has begun goes on."""
        depth = np.zeros(len(self.data) + 1, np.int8)
        depth[self.word_bytes.starts + 1] += 1
        depth[self.word_bytes.ends] -= 1
        return np.cumsum(depth, dtype=np.int8, out=depth).view(np.bool_)

    @cached_property
    def word_at(self) -> npt.NDArray[np.int32]:
        """The number of the last word that starts at or before each byte; -1 before the first."""
        begins = np.zeros(len(self.data), np.bool_)
        begins[self.word_bytes.starts] = True
        at = np.cumsum(begins, dtype=np.int32)
        at -= 1
        return at

    @cached_property
    def boundaries(self) -> BoundaryTexts:
        """What tokens may split in the texts."""
        words = None
        if self.words is not None:
            words = Ranges(self.word_bytes.starts, self.word_bytes.ends, self.word_text)
        return BoundaryTexts(self.data, self.byte_starts, self.bytes, self.chars, words)

    @cached_property
    def composed(self) -> tuple[Indices, LanguageTexts]:
        """The texts that are not in NFC, and their NFC forms; the words between white space are the same in them."""
        changed = [i for i, text in enumerate(self.texts) if not unicodedata.is_normalized("NFC", text)]
        forms = [unicodedata.normalize("NFC", self.texts[i]) for i in changed]
        return np.array(changed, np.intp), LanguageTexts.read(forms, spaced=True, with_words=self.words is not None)

    def describe(self, segments: pl.Series, *, with_words: bool = True) -> pl.DataFrame:
        """Return the frame `texts` of a `Measurements` without the language.

        with_words: whether words are wanted themselves, not only those that tokens divide.
        """
        known = self.words if with_words else None
        words = make_null(len(self.texts), pl.Int32) if known is None else pl.Series(known.astype(np.int32))
        return pl.DataFrame(
            [
                segments.alias("segment"),
                pl.Series("bytes", self.bytes.astype(np.int32)),
                pl.Series("chars", self.chars.astype(np.int32)),
                words.alias("words"),
            ]
        )


def _starts(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the start of each text when joined with one line feed after each."""
    starts = np.zeros(len(lengths), np.int64)
    np.cumsum(lengths[:-1] + 1, out=starts[1:])
    return starts


def find_heads(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return where the characters of UTF-8 start."""
    return np.flatnonzero((data & 0xC0) != 0x80)


def find_spaces(data: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Flag the bytes of characters that are white space, as `str.isspace` says."""
    space: npt.NDArray[np.bool_] = (data - 0x09 < 5) | (data - 0x1C < 5)  # bytes wrap around
    if int(data.max(initial=0)) < 0x80:
        return space
    for first, second, thirds in SPACES:
        at = np.flatnonzero((data[:-1] == first) & (data[1:] == second))
        if thirds is not None and len(at):
            at = at[np.isin(data[at + 2], thirds)]
            space[at + 2] = True
        space[at] = space[at + 1] = True
    return space


def split_at_spaces(data: npt.NDArray[np.uint8]) -> WordSpans:
    """Find starts and ends of the runs between white space.

    The last byte must be a line feed.
    """
    space = find_spaces(data)
    changes = np.flatnonzero(space[1:] != space[:-1]) + 1
    if len(space) and not space[0]:
        changes = np.concatenate([[0], changes])
    return WordSpans(changes[::2], changes[1::2])


def break_words(texts: Sequence[str], data: npt.NDArray[np.uint8]) -> WordSpans:
    """Find starts and ends of words by ICU, in texts joined with one line feed after each.

    data: the joined texts in UTF-8.
    """
    breaker = _load_icu().breakers.WordBreaker
    words: list[tuple[int, int]] = []
    base = 0
    for text in texts:
        spans = list(breaker(text, "root").segments())
        if max(text, default="") > "\uffff":
            # ICU counts UTF-16 code units: two for a character beyond the Basic Multilingual Plane.
            at = np.concatenate([np.full(1 + (c > "\uffff"), i) for i, c in enumerate([*text, " "])]).tolist()
            spans = [(at[start], at[end]) for start, end in spans]
        words += [(base + start, base + end) for start, end in spans if any(map(str.isalnum, text[start:end]))]
        base += len(text) + 1
    starts, ends = find_heads(data)[np.array(words, np.int64).reshape(-1, 2)].T
    return WordSpans(starts, ends)


def describe_segmenter(segmenter: str) -> str:
    """Return the name of a segmenter for signatures, with the version of its rules.

    Raises TokbenchError for an unknown one, MissingExtraError if its library is not installed.
    """
    if segmenter == "whitespace":
        return segmenter
    if segmenter != "icu":
        raise TokbenchError(f"no word segmenter is called {segmenter!r}", "use whitespace or icu")
    major, minor, *_ = _load_icu().icu_version_info
    return f"icu-{major}.{minor}"


def _load_icu() -> ModuleType:
    """Import the ICU binding; MissingExtraError if it is not installed."""
    try:
        import icu4py
        import icu4py.breakers
    except ImportError as error:
        raise MissingExtraError("icu4py", "icu", "the word segmenter icu") from error
    return icu4py


def has_words(texts: TextColumn, segmenter: Segmenter) -> bool:
    """Return whether a segmenter finds words, judged by about `LETTERS_FROM` texts.

    The texts are evenly spaced in those of a language.
    """
    sample = texts.gather_every(max(1, texts.len() // LETTERS_FROM))
    return not is_unspaced(sample, UNSPACED if segmenter == "whitespace" else WITHOUT_DICTIONARY)


def is_unspaced(texts: Sequence[str] | pl.Series, scripts: str = UNSPACED) -> bool:
    """Return whether half of the letters or more are in scripts without spaces."""
    counted = (
        pl.Series(texts, dtype=pl.String)
        .to_frame("text")
        .select(
            unspaced=pl.col("text").str.count_matches(scripts).sum(),
            letters=pl.col("text").str.count_matches(r"[\p{L}\p{M}]").sum(),
        )
    )
    unspaced, letters = counted.row(0)
    return 2 * (unspaced or 0) >= (letters or 0) > 0


def count_continued_by_spans(
    texts: LanguageTexts, which: npt.NDArray[np.int64], spans: Spans, table: TokenTable
) -> npt.NDArray[np.int64]:
    """Count the words of more than one token in texts `which`, from spans."""
    batch = spans.batch
    base = np.repeat(texts.char_starts[which], batch.counts)
    # A lone space marker belongs to no word, though some engines place it over the first character of the next.
    visible = ~table.blank[batch.ids]
    starts, ends = (spans.starts + base)[visible], (spans.ends + base)[visible]
    # The bytes of one character share its span; all but the last have no width.
    ends = np.where(starts == ends, starts + 1, ends)
    starts, ends = np.maximum.accumulate(starts), np.maximum.accumulate(ends)
    chosen = np.isin(texts.word_text, which)
    word_starts, word_ends = texts.word_chars.starts[chosen], texts.word_chars.ends[chosen]
    tokens = np.searchsorted(starts, word_ends, "left") - np.searchsorted(ends, word_starts, "right")
    continued = np.bincount(texts.word_text[chosen], weights=tokens > 1, minlength=len(texts.texts))
    return continued[which].astype(np.int64)
