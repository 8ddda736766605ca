"""The texts of one language, measured once: bytes, characters, words and where the words lie.

Words are runs of characters between Unicode white space, as `str.split` finds them. A language written without
spaces between words (at least half of its letters in scripts that do so) has no words by this segmenter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, Spans, TokenTable

SEGMENTER = "whitespace"
"""The name of the word segmenter, for signatures."""

UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"
"""The scripts whose words are not set apart by spaces."""

_SPACES = np.array([c for c in range(0x3001) if chr(c).isspace()], np.uint32)


@dataclass(frozen=True, eq=False)
class WordSpans:
    """Where words lie: positions in the texts of a language, joined with one line feed after each text."""

    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LanguageTexts:
    """The texts of one language with their sizes; word positions in bytes and in characters.

    Text i starts at `byte_starts[i]` (`char_starts[i]`) of the joined texts; `word_text` names each word's text.
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

    @classmethod
    def read(cls, texts: Sequence[str]) -> LanguageTexts:
        """Measure texts."""
        encoded = [text.encode() for text in texts]
        sizes = np.fromiter(map(len, encoded), np.int64, len(encoded))
        chars = np.fromiter(map(len, texts), np.int64, len(encoded))
        joined = "\n".join([*texts, ""])
        points = np.frombuffer(joined.encode("utf-32-le"), np.uint32)
        widths = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
        byte_at = np.concatenate([[0], np.cumsum(widths)])
        space = np.isin(points, _SPACES)
        before = np.concatenate([[True], space[:-1]]) if len(space) else space
        starts = np.flatnonzero(before & ~space)
        ends = np.flatnonzero(space & ~before)
        char_starts = _starts(chars)
        word_text = np.searchsorted(char_starts, starts, "right") - 1
        words = None if is_unspaced(texts) else np.bincount(word_text, minlength=len(texts))
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
        )

    def describe(self, lang: str, segments: pl.Series) -> pl.DataFrame:
        """The frame `texts` of a `Measurements`, of this language."""
        words = pl.Series([None] * len(self.texts), dtype=pl.Int32) if self.words is None else pl.Series(self.words)
        return pl.DataFrame(
            {
                "segment": segments,
                "bytes": pl.Series(self.bytes).cast(pl.Int32),
                "chars": pl.Series(self.chars).cast(pl.Int32),
                "words": words.cast(pl.Int32),
            }
        ).select(pl.lit(lang).alias("lang"), pl.all())


def _starts(lengths: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Where each text starts when all are joined with one line feed after each."""
    starts = np.zeros(len(lengths), np.int64)
    np.cumsum(lengths[:-1] + 1, out=starts[1:])
    return starts


def is_unspaced(texts: Sequence[str]) -> bool:
    """Whether at least half of the letters are of scripts that put no spaces between words."""
    counted = (
        pl.Series(texts, dtype=pl.String)
        .to_frame("text")
        .select(
            unspaced=pl.col("text").str.count_matches(UNSPACED).sum(),
            letters=pl.col("text").str.count_matches(r"[\p{L}\p{M}]").sum(),
        )
    )
    unspaced, letters = counted.row(0)
    return 2 * (unspaced or 0) >= (letters or 0) > 0


def count_continued_by_bytes(
    texts: LanguageTexts, batch: EncodedBatch, table: TokenTable, exact: npt.NDArray[np.bool_], prefix: int
) -> npt.NDArray[np.int64]:
    """Words of more than one token in each text, from the lengths of the tokens in bytes.

    Right for the texts flagged `exact`, whose ids' bytes give prefix + text; 0 for the others.
    """
    lengths = table.lengths[batch.ids]
    ends = np.cumsum(lengths)
    text_of = np.repeat(np.arange(len(batch)), batch.counts)
    first = np.concatenate([[0], ends])[batch.offsets[:-1]]
    boundaries = (ends - first[text_of] - prefix + texts.byte_starts[text_of])[exact[text_of]]
    words = texts.word_bytes
    inside = np.searchsorted(boundaries, words.ends, "left") - np.searchsorted(boundaries, words.starts, "right")
    return np.bincount(texts.word_text, weights=(inside > 0) & exact[texts.word_text], minlength=len(batch)).astype(
        np.int64
    )


def count_continued_by_spans(
    texts: LanguageTexts, which: npt.NDArray[np.int64], spans: Spans, table: TokenTable
) -> npt.NDArray[np.int64]:
    """Words of more than one token in each of the texts `which`, from the spans that the engine gives."""
    batch = spans.batch
    base = np.repeat(texts.char_starts[which], batch.counts)
    starts, ends = spans.starts + base, spans.ends + base
    # The bytes of one character share its place, all but the last without width; a lone space marker has none.
    ends = np.where((starts == ends) & ~table.blank[batch.ids], starts + 1, ends)
    starts, ends = np.maximum.accumulate(starts), np.maximum.accumulate(ends)
    chosen = np.isin(texts.word_text, which)
    word_starts, word_ends = texts.word_chars.starts[chosen], texts.word_chars.ends[chosen]
    tokens = np.searchsorted(starts, word_ends, "left") - np.searchsorted(ends, word_starts, "right")
    found = np.bincount(texts.word_text[chosen], weights=tokens > 1, minlength=len(texts.texts))
    return found[which].astype(np.int64)
