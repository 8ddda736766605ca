"""Attribute a tokenizer's extra tokens, exactly.

To words, digits, spaces and punctuation.

Each token counts as 1, divided over the bytes of text that it covers: a four-byte token that spans two words gives each
word a quarter per byte. Shares are exact fractions, so that they add up to the tokens, and the shares of the difference
to the difference.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, Tokenizer
from tokbench.analysis.vocabulary import COMMON, script_of_character
from tokbench.corpora import Corpus

DIGITS, WHITESPACE, PUNCTUATION, OTHER = "digits", "white space", "punctuation and symbols", "control characters"
WORDS = "words: "
"""Kinds of text that are words are named after their script: `words: Latin`."""
UNPLACED = "not placed"
"""Texts for which one of the two engines does not report the positions of its tokens."""


class Unit(NamedTuple):
    """A run of one kind of text, including the single space before it.

    start, end: byte offsets in the text.
    """

    kind: str
    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Contribution:
    """What one kind of text, or one word, costs under both tokenizers.

    count: number of occurrences.
    bytes: total size.
    tokens_a, tokens_b: exact fractions.
    """

    name: str
    count: int
    bytes: int
    tokens_a: Fraction
    tokens_b: Fraction

    @property
    def difference(self) -> Fraction:
        """Return how many more tokens a needs than b."""
        return self.tokens_a - self.tokens_b


@dataclass(frozen=True, eq=False)
class Explanation:
    """Why one tokenizer needs more tokens than another; differences are a minus b.

    kinds: contributions by kind of text; they add up to the difference.
    words: contributions by distinct unit of text, costliest first; they add up to the difference too.
    segments: lang, segment, tokens_a, tokens_b, difference, text; costliest first.
    """

    a: str
    b: str
    corpus: str
    languages: tuple[str, ...]
    tokens_a: int
    tokens_b: int
    kinds: tuple[Contribution, ...]
    words: tuple[Contribution, ...]
    segments: pl.DataFrame

    @property
    def difference(self) -> int:
        """Return how many more tokens a needs than b."""
        return self.tokens_a - self.tokens_b


class _Tally:
    """Units and tokens counted under one name."""

    __slots__ = ("bytes", "count", "tokens")

    def __init__(self) -> None:
        self.count = self.bytes = 0
        self.tokens = [Fraction(0), Fraction(0)]


def explain_difference(
    a: Tokenizer, b: Tokenizer, corpus: Corpus, languages: Sequence[str] | None = None
) -> Explanation:
    """Attribute the tokens of both tokenizers to the texts of a corpus.

    languages: counted together; default all.

    Raises TokbenchError for a language the corpus does not have; MissingExtraError without fontTools (scripts).
    """
    chosen = tuple(corpus.languages if languages is None else languages)
    kinds: dict[str, _Tally] = {}
    words: dict[str, _Tally] = {}
    frames = []
    for lang in chosen:
        texts = corpus.texts(lang)
        batches = [tokenizer.encode_batch(texts) for tokenizer in (a, b)]
        spans = [find_token_spans(t, texts, batch) for t, batch in zip((a, b), batches, strict=True)]
        counts = [batch.counts.tolist() for batch in batches]
        for i, text in enumerate(texts):
            _share_out(text, (spans[0][i], spans[1][i]), (counts[0][i], counts[1][i]), (kinds, words))
        frames.append(_list_segments(lang, corpus.number(lang), texts, counts))
    segments = pl.concat(frames).sort("difference", "lang", "segment", descending=[True, False, False])
    return Explanation(
        a=a.name,
        b=b.name,
        corpus=corpus.name,
        languages=chosen,
        tokens_a=int(segments["tokens_a"].sum()),
        tokens_b=int(segments["tokens_b"].sum()),
        kinds=_rank(kinds),
        words=_rank(words),
        segments=segments,
    )


def _name(unit: Unit) -> str:
    return unit.text.removeprefix(" ") or unit.text


def _rank(tallies: dict[str, _Tally]) -> tuple[Contribution, ...]:
    found = [Contribution(name, t.count, t.bytes, *t.tokens) for name, t in tallies.items()]
    return tuple(sorted(found, key=lambda c: (-c.difference, c.name)))


def _list_segments(lang: str, index: pl.Series, texts: Sequence[str], counts: Sequence[Sequence[int]]) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "lang": [lang] * len(texts),
            "segment": index,
            "tokens_a": pl.Series(counts[0], dtype=pl.Int64),
            "tokens_b": pl.Series(counts[1], dtype=pl.Int64),
            "text": pl.Series(texts, dtype=pl.String),
        }
    )
    difference = (pl.col("tokens_a") - pl.col("tokens_b")).alias("difference")
    return frame.select("lang", "segment", "tokens_a", "tokens_b", difference, "text")


def kind_of(character: str) -> str | None:
    """Return the kind of text a character belongs to.

    None if it continues the preceding one.
    """
    category = unicodedata.category(character)
    if character.isspace():
        return WHITESPACE
    if category[0] == "M" or category == "Cf":
        return None
    if category[0] == "L":
        return WORDS + (script_of_character(character) or COMMON)
    if category[0] == "N":
        return DIGITS
    return OTHER if category[0] == "C" else PUNCTUATION


def split_units(text: str) -> list[Unit]:
    """Split a text into runs of one kind.

    A single space, or the last of several, belongs to the run after it.

    >>> [unit.text for unit in split_units("is 42  km, 你好")]
    ['is', ' 42', ' ', ' km', ',', ' 你好']
    """
    runs: list[tuple[str, str]] = []
    for character in text:
        kind = kind_of(character) or (runs[-1][0] if runs else OTHER)
        if runs and runs[-1][0] == kind:
            runs[-1] = (kind, runs[-1][1] + character)
        elif runs and runs[-1][0] == WHITESPACE and runs[-1][1].endswith(" "):
            before = runs.pop()[1][:-1]
            runs += [(WHITESPACE, before)] if before else []
            runs.append((kind, " " + character))
        else:
            runs.append((kind, character))
    units, at = [], 0
    for kind, content in runs:
        size = len(content.encode())
        units.append(Unit(kind, at, at + size, content))
        at += size
    return units


Span = tuple[int, int]


def _share_out(
    text: str,
    spans: tuple[list[Span] | None, list[Span] | None],
    counts: tuple[int, int],
    tallies: tuple[dict[str, _Tally], dict[str, _Tally]],
) -> None:
    """Add the tokens of one text to the tallies of kinds and words.

    Under both tokenizers.
    """
    placed = all(side is not None for side in spans)
    units = split_units(text) if placed else [Unit(UNPLACED, 0, len(text.encode()), UNPLACED)]
    for unit in units:
        for tally, name in zip(tallies, (unit.kind, _name(unit)), strict=True):
            found = tally.setdefault(name, _Tally())
            found.count += 1
            found.bytes += unit.end - unit.start
    for side, (own, count) in enumerate(zip(spans, counts, strict=True)):
        shares = share_spans(units, own) if placed and own is not None else [(units[0], count)]
        for unit, amount in shares:
            tallies[0][unit.kind].tokens[side] += amount
            tallies[1][_name(unit)].tokens[side] += amount


def share_spans(units: Sequence[Unit], spans: Sequence[Span]) -> Iterator[tuple[Unit, Fraction | int]]:
    """Yield the units that tokens cover, each with its share of a token.

    Expects spans sorted by start.
    """
    first = 0
    for start, end in spans:
        while units[first].end <= start:
            first += 1
        at = first
        if end <= units[at].end:
            yield units[at], 1
            continue
        while at < len(units) and units[at].start < end:
            covered = min(end, units[at].end) - max(start, units[at].start)
            yield units[at], Fraction(covered, end - start)
            at += 1


def find_token_spans(tokenizer: Tokenizer, texts: Sequence[str], batch: EncodedBatch) -> list[list[Span] | None]:
    """Return the byte span of each token per text, in order.

    None for texts where neither token bytes nor the engine give positions. A token that covers nothing (a space that
    the engine prepends) gets the byte at its position.
    """
    placed: list[list[Span] | None] = [None] * len(texts)
    table = tokenizer.token_table()
    for i, text in enumerate(texts):
        located = table.locate(batch[i], tokenizer.prefix, text.encode())
        if located is not None:
            placed[i] = _fit(*located, len(text.encode()))
    rest = [i for i, spans in enumerate(placed) if spans is None]
    found = tokenizer.spans([texts[i] for i in rest]) if rest else None
    if found is None:
        return placed
    for at, i in enumerate(rest):
        within = slice(found.batch.offsets[at], found.batch.offsets[at + 1])
        byte_at = np.cumsum([0, *(len(character.encode()) for character in texts[i])])
        placed[i] = _fit(byte_at[found.starts[within]], byte_at[found.ends[within]], int(byte_at[-1]))
    return placed


def _fit(starts: npt.NDArray[np.int64], ends: npt.NDArray[np.int64], size: int) -> list[Span]:
    """Clip spans to a text of `size` bytes: none empty, starts non-decreasing."""
    starts = np.clip(np.maximum.accumulate(starts), 0, size - 1)
    ends = np.clip(ends, starts + 1, size)
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
