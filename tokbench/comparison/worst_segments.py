"""Segments that cost most relative to the reference language, with their tokens.

They are collected while the text is available: counts alone do not show where a token ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.corpora import Corpus
from tokbench.measurement import Measurements
from tokbench.metrics.resampling import divide

EXAMPLES = 4
MOST_TOKENS = 160
"""Tokens kept per segmentation: as many as a page can show of a long segment."""


@dataclass(frozen=True)
class Segmentation:
    """A segment as split by one tokenizer.

    tokens: number of tokens.
    ids, pieces: the first `MOST_TOKENS` of them. A piece is the bytes of the token in hexadecimal, None for a special
        or unknown token.
    """

    tokenizer: str
    tokens: int
    ids: tuple[int, ...]
    pieces: tuple[str | None, ...]


@dataclass(frozen=True)
class Example:
    """A segment of one language and its segmentations.

    premium: total tokens of all tokenizers, over their total for the same segment in the reference language.
    cuts: one segmentation per tokenizer, in their order.
    """

    lang: str
    segment: int
    premium: float | None
    cuts: tuple[Segmentation, ...]

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON document.

        `dataclasses.asdict` would copy every id of every segmentation.
        """
        return {**vars(self), "cuts": [dict(vars(cut)) for cut in self.cuts]}


def find_worst(measurements: Measurements, reference: str, languages: Sequence[str]) -> pl.DataFrame:
    """Find the segments with the highest premiums: lang, segment, premium.

    The premium of a segment is the total tokens of all tokenizers, over their total for the same segment in the
    reference language. Ties are broken by tokens per byte, then by position. Languages take turns, one segment each,
    worst first, up to `EXAMPLES` segments.
    """
    cells = ["lang", "segment"]
    texts = measurements.texts.sort(cells)
    by_lang = texts["lang"].unique().cast(pl.String).sort().to_list()
    shape = (-1, len(by_lang), texts.height // len(by_lang))
    # Aligned and sorted by tokenizer, language and segment.
    counted = measurements.counts.sort("tokenizer", *cells)["tokens"].to_numpy().reshape(shape)
    tokens = counted.sum(axis=0, dtype=np.int64)
    premium = divide(tokens, tokens[by_lang.index(reference)])
    density = divide(tokens, texts["bytes"].to_numpy().reshape(shape[1:]))
    segments = texts["segment"].head(shape[2])
    parts = [pl.DataFrame(schema={"lang": pl.String, "segment": pl.UInt32, "premium": pl.Float64})]
    for lang in [lang for lang in languages if lang != reference] or list(languages):
        at = by_lang.index(lang)
        own = np.nan_to_num(premium[at], nan=-np.inf)
        least = np.partition(own, -EXAMPLES)[-EXAMPLES:].min() if len(own) > EXAMPLES else -np.inf
        places = np.flatnonzero(own >= least)
        worst = places[np.lexsort((places, -density[at, places], -own[places]))][:EXAMPLES]
        columns = {"segment": segments.gather(worst), "premium": premium[at, worst], "density": density[at, worst]}
        parts.append(pl.DataFrame(columns).select(pl.lit(lang).alias("lang"), pl.all(), turn=pl.int_range(pl.len())))
    ranked = pl.concat(parts, how="diagonal").with_columns(pl.col("premium").fill_nan(None))
    ranked = ranked.sort(
        "turn", "premium", "density", "lang", "segment", descending=[False, True, True, False, False], nulls_last=True
    )
    return ranked.head(EXAMPLES).select("lang", "segment", "premium")


def segment_text(tokenizer: Tokenizer, text: str) -> Segmentation:
    """Split a text into the tokens of one tokenizer."""
    ids = tokenizer.encode_batch([text]).ids
    kept = tuple(ids[:MOST_TOKENS].tolist())
    contents = [None if token == tokenizer.unk_id else tokenizer.token_bytes(token) for token in kept]
    return Segmentation(tokenizer.name, len(ids), kept, tuple(None if c is None else c.hex() for c in contents))


def find_examples(
    tokenizers: Sequence[Tokenizer], corpus: Corpus, measurements: Measurements, reference: str
) -> tuple[Example, ...]:
    """Find the worst segments of a corpus and split them with each tokenizer."""
    examples = []
    places = {int(segment): i for i, segment in enumerate(corpus.segments)}
    for lang, segment, premium in find_worst(measurements, reference, corpus.languages).iter_rows():
        (text,) = corpus.columns[lang].slice(places[segment], 1)
        examples.append(
            Example(lang, segment, premium, tuple(segment_text(tokenizer, text) for tokenizer in tokenizers))
        )
    return tuple(examples)
