"""The texts of one language, measured once: bytes, characters, words.

Words are found by a named segmenter. `whitespace`: runs of characters between Unicode white space, as `str.split`
finds them; a language written without spaces between words (at least half of its letters in such scripts) has no
words by it. `icu`: the words of Unicode's UAX #29 that contain a letter or a digit, found by ICU, whose dictionaries
segment Chinese, Japanese, Thai, Lao, Khmer and Burmese; Tibetan, for which it has none, has no words.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, Offsets, Spans, TokenTable
from tokbench.corpora import TextColumn
from tokbench.errors import MissingExtraError, TokbenchError

Segmenter = Literal["whitespace", "icu"]

UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
"""Scripts that do not separate words with spaces."""

WITHOUT_DICTIONARY = r"[\p{Tibetan}]"
"""Those of them for which ICU has no dictionary."""

LETTERS_FROM = 500
"""Number of texts sampled to tell whether a language is written with spaces between words."""

_BEYOND_SPACES = 0x3001
_IS_SPACE = np.array([chr(c).isspace() for c in range(_BEYOND_SPACES + 1)])


@dataclass(frozen=True, eq=False)
class WordSpans:
    """Positions of words in texts joined with one line feed after each."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LanguageTexts:
    """The texts of one language, with sizes and word positions in bytes and chars.

    Text i starts at `byte_starts[i]` (`char_starts[i]`) of the joined texts; `word_text` is each word's text index.
    """

    texts: list[str]
    encoded: list[bytes]
    bytes: npt.NDArray[np.int64]
    chars: npt.NDArray[np.int64]
    words: npt.NDArray[np.int64] | None
    byte_starts: npt.NDArray[np.int64]
    char_starts: npt.NDArray[np.int64]
    word_bytes: WordSpans
    word_chars: WordSpans
    word_text: npt.NDArray[np.int64]
    segmenter: Segmenter
    _forms: dict[int, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        texts: Sequence[str],
        segmenter: Segmenter = "whitespace",
        spaced: bool | None = None,
        *,
        with_words: bool = True,
    ) -> LanguageTexts:
        """Measure texts.

        spaced: whether the segmenter fits the language, if they are only a part of it.
        with_words: whether words are found; without, they are unknown, as if the segmenter did not fit.
        """
        encoded = [text.encode() for text in texts]
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        chars = np.fromiter(map(len, texts), np.int64, len(encoded))
        joined = "\n".join([*texts, ""])
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        widths = (points >= 0x80).view(np.uint8) + (points >= 0x800) + (points >= 0x10000)
        byte_at = np.concatenate([[0], np.cumsum(widths + np.uint8(1), dtype=np.int64)])
        if not with_words:
            starts = ends = np.empty(0, np.int64)
        else:
            starts, ends = split_at_spaces(points) if segmenter == "whitespace" else break_words(texts)
        char_starts = _starts(chars)
        first = np.searchsorted(starts, char_starts)
        word_text = np.repeat(np.arange(len(texts)), np.diff(first, append=len(starts)))
        fits = with_words and (has_words(pl.Series(texts, dtype=pl.String), segmenter) if spaced is None else spaced)
        words = np.bincount(word_text, minlength=len(texts)) if fits else None
        return cls(
            texts=list(texts),
            encoded=encoded,
            bytes=sizes,
            chars=chars,
            words=words,
            byte_starts=_starts(sizes),
            char_starts=char_starts,
            word_bytes=WordSpans(byte_at[starts], byte_at[ends]),
            word_chars=WordSpans(starts, ends),
            word_text=word_text,
            segmenter=segmenter,
        )

    def compose(self, text: int) -> str | None:
        """Return the NFC form of a text, None if it is the text itself.

        It is cached, as several tokenizers ask for it.
        """
        if text not in self._forms:
            self._forms[text] = unicodedata.normalize("NFC", self.texts[text])
        form = self._forms[text]
        return None if form == self.texts[text] else form

    def describe(self, segments: pl.Series) -> pl.DataFrame:
        """Return the frame `texts` of a `Measurements` without the language."""
        words = pl.Series([None] * len(self.texts), dtype=pl.Int32) if self.words is None else pl.Series(self.words)
        return pl.DataFrame(
            {
                "segment": segments,
                "bytes": pl.Series(self.bytes).cast(pl.Int32),
                "chars": pl.Series(self.chars).cast(pl.Int32),
                "words": words.cast(pl.Int32),
            }
        )


def _starts(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the start of each text when joined with one line feed after each."""
    starts = np.zeros(len(lengths), np.int64)
    np.cumsum(lengths[:-1] + 1, out=starts[1:])
    return starts


def split_at_spaces(points: npt.NDArray[np.uint32]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find starts and ends of the runs between white space.

    The last character must be a line feed.
    """
    space = _IS_SPACE.take(np.minimum(points, _BEYOND_SPACES))
    before = np.concatenate([[True], space[:-1]]) if len(space) else space
    return np.flatnonzero(before & ~space), np.flatnonzero(space & ~before)


def break_words(texts: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Find starts and ends of words by ICU, in texts joined with line feeds.

    One line feed follows each text.
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
    positions = np.array(words, np.int64).reshape(-1, 2)
    return positions[:, 0], positions[:, 1]


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


def count_continued_by_bytes(
    texts: LanguageTexts, batch: EncodedBatch, bounds: Offsets, exact: npt.NDArray[np.bool_], prefix: int
) -> npt.NDArray[np.int64]:
    """Count per text the words of more than one token, from lengths in bytes.

    bounds: byte position of each token when all are joined (`TokenTable.bounds`). Valid for the texts flagged `exact`,
    whose ids decode to prefix + text; 0 for the others.
    """
    shift = texts.byte_starts - prefix - bounds[batch.offsets[:-1]]
    boundaries = bounds[1:] + np.repeat(shift, batch.counts)
    if not exact.all():
        boundaries = boundaries[np.repeat(exact, batch.counts)]
    size = int(texts.byte_starts[-1] + texts.bytes[-1]) + 1 if len(texts.bytes) else 0
    ends = np.zeros(size + 1, np.bool_)
    ends[np.maximum(boundaries, 0)] = True  # a prefix that is a token by itself ends before the text
    marks = np.cumsum(ends, dtype=np.int32)
    words = texts.word_bytes
    continued = (marks[words.ends - 1] > marks[words.starts]) & exact[texts.word_text]
    return np.bincount(texts.word_text, weights=continued, minlength=len(batch)).astype(np.int64)


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
