"""Segments that cost more than the same text in the reference language, as each tokenizer cuts them.

They are made while the text is there: counts alone cannot show where a token ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.corpora import ParallelCorpus
from tokbench.measurement import Measurements

EXAMPLES = 4
MOST_TOKENS = 160
"""Tokens that are kept of each cut: what a page can show of a long segment."""


@dataclass(frozen=True)
class Cut:
    """A segment as one tokenizer cuts it.

    tokens: how many there are; ids and pieces: the first `MOST_TOKENS` of them. A piece is the bytes that its id stands
    for, in hexadecimal, None for a special or unknown token.
    """

    tokenizer: str
    tokens: int
    ids: tuple[int, ...]
    pieces: tuple[str | None, ...]


@dataclass(frozen=True)
class Example:
    """A segment of a language, what it pays on average over the tokenizers, and its cuts in their order."""

    lang: str
    segment: int
    premium: float | None
    cuts: tuple[Cut, ...]

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Example:
        """An example from its JSON form."""
        cuts = (Cut(c["tokenizer"], c["tokens"], tuple(c["ids"]), tuple(c["pieces"])) for c in document["cuts"])
        return cls(document["lang"], document["segment"], document["premium"], tuple(cuts))


def find_worst(measurements: Measurements, reference: str, languages: Sequence[str]) -> pl.DataFrame:
    """Where the most tokens are spent on what the reference language says in few: lang, segment, premium.

    The tokens of all tokenizers together, over those of the same segment in the reference language; equals by tokens
    per byte, then by position. One segment of each language in turn, the worst first, `EXAMPLES` in all.
    """
    counts = measurements.counts.group_by(pl.col("lang").cast(pl.String), "segment").agg(pl.col("tokens").sum())
    against = counts.filter(pl.col("lang") == reference).select("segment", pl.col("tokens").alias("paid"))
    sizes = measurements.texts.select(pl.col("lang").cast(pl.String), "segment", "bytes")
    others = [lang for lang in languages if lang != reference] or list(languages)
    premium = pl.when(pl.col("paid") > 0).then(pl.col("tokens") / pl.col("paid"))
    ranked = (
        counts.filter(pl.col("lang").is_in(others))
        .join(against, on="segment")
        .join(sizes, on=["lang", "segment"])
        .with_columns(premium=premium, density=pl.col("tokens") / pl.col("bytes"))
        .sort("premium", "density", "lang", "segment", descending=[True, True, False, False], nulls_last=True)
        .with_columns(turn=pl.int_range(pl.len()).over("lang"))
    )
    return ranked.sort("turn", maintain_order=True).head(EXAMPLES).select("lang", "segment", "premium")


def cut(tokenizer: Tokenizer, text: str) -> Cut:
    """A text as a tokenizer cuts it."""
    ids = tokenizer.encode_batch([text]).ids
    kept = tuple(ids[:MOST_TOKENS].tolist())
    contents = [None if token == tokenizer.unk_id else tokenizer.token_bytes(token) for token in kept]
    return Cut(tokenizer.name, len(ids), kept, tuple(None if c is None else c.hex() for c in contents))


def find_examples(
    tokenizers: Sequence[Tokenizer], corpus: ParallelCorpus, measurements: Measurements, reference: str
) -> tuple[Example, ...]:
    """The worst segments of a corpus, cut by each tokenizer."""
    examples = []
    places = {int(segment): i for i, segment in enumerate(corpus.segments)}
    for lang, segment, premium in find_worst(measurements, reference, corpus.languages).iter_rows():
        text = corpus.texts(lang)[places[segment]]
        examples.append(Example(lang, segment, premium, tuple(cut(tokenizer, text) for tokenizer in tokenizers)))
    return tuple(examples)
