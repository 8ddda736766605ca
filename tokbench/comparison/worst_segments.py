"""Segments that cost most relative to the reference language, with their tokens.

They are collected while the text is available: counts alone do not show where a token ends.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.corpora import Corpus
from tokbench.metrics.resampling import divide

EXAMPLES = 4
MOST_CHARACTERS = 1000
"""Characters kept of a segment and of its translation."""

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
    text, translation: the first `MOST_CHARACTERS` of the segment, and of the same segment in the reference language;
        None in files of earlier versions.
    """

    lang: str
    segment: int
    premium: float | None
    cuts: tuple[Segmentation, ...]
    text: str | None = None
    translation: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON document.

        `dataclasses.asdict` would copy every id of every segmentation.
        """
        return {**vars(self), "cuts": [dict(vars(cut)) for cut in self.cuts]}


RANKED = {"lang": pl.String(), "segment": pl.UInt32(), "premium": pl.Float64(), "density": pl.Float64()}


class WorstSegments:
    """The segments with the highest premiums, collected stripe by stripe while a parallel corpus is measured.

    reference: the language that premiums are relative to. languages: in the order of the corpus.
    """

    def __init__(self, reference: str, languages: Sequence[str]) -> None:
        self.reference = reference
        self.languages = [lang for lang in languages if lang != reference] or list(languages)
        self._worst: dict[str, pl.DataFrame] = {}

    def add(self, texts: Mapping[str, pl.DataFrame], counts: Mapping[tuple[str, str], pl.DataFrame]) -> None:
        """Add a stripe: frames `texts` by language and `counts` by tokenizer and language, of the same segments."""
        names = sorted({name for name, _ in counts})
        if not names:
            return
        of_reference = {name: counts[name, self.reference]["tokens"].alias(f"{name}/reference") for name in names}
        for lang in self.languages:
            own = [counts[name, lang]["tokens"].alias(f"{name}/tokens") for name in names]
            rows = texts[lang].select("segment", "bytes").hstack([*own, *of_reference.values()])
            known = [self._worst[lang]] if lang in self._worst else []
            # Of a tokenizer that failed since, the earlier rows have counts that are not in the later ones.
            self._worst[lang] = rank(pl.concat([*known, rows], how="diagonal"), names).head(EXAMPLES)

    def find(self, names: Sequence[str]) -> pl.DataFrame:
        """Return the worst segments by the counts of some tokenizers: lang, segment, premium.

        The premium of a segment is the total tokens of these tokenizers, over their total for the same segment in the
        reference language. Ties are broken by tokens per byte, then by position. Languages take turns, one segment
        each, worst first, up to `EXAMPLES` segments.
        """
        parts = [pl.DataFrame(schema={**RANKED, "turn": pl.Int64()})]
        for lang, rows in self._worst.items():
            ranked = rank(rows, names).with_columns(lang=pl.lit(lang), turn=pl.int_range(pl.len(), dtype=pl.Int64))
            parts.append(ranked.select(*RANKED, "turn"))
        found = pl.concat(parts).sort(
            "turn",
            "premium",
            "density",
            "lang",
            "segment",
            descending=[False, True, True, False, False],
            nulls_last=True,
        )
        return found.head(EXAMPLES).select("lang", "segment", "premium")


def rank(rows: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
    """Sort segments by premium, tokens per byte and position, worst first; adds the columns premium and density."""
    tokens, reference, size = (
        rows.select(pl.sum_horizontal(pl.col(columns).cast(pl.Int64)).cast(pl.Float64)).to_series().to_numpy()
        for columns in ([f"{n}/tokens" for n in names], [f"{n}/reference" for n in names], ["bytes"])
    )
    values = rows.with_columns(
        premium=pl.Series(divide(tokens, reference)).fill_nan(None), density=pl.Series(divide(tokens, size))
    )
    return values.sort("premium", "density", "segment", descending=[True, True, False], nulls_last=True)


def segment_text(tokenizer: Tokenizer, text: str) -> Segmentation:
    """Split a text into the tokens of one tokenizer."""
    ids = tokenizer.encode_batch([text]).ids
    kept = tuple(ids[:MOST_TOKENS].tolist())
    contents = [None if token == tokenizer.unk_id else tokenizer.token_bytes(token) for token in kept]
    return Segmentation(tokenizer.name, len(ids), kept, tuple(None if c is None else c.hex() for c in contents))


def find_examples(
    tokenizers: Sequence[Tokenizer], corpus: Corpus, worst: WorstSegments, names: Sequence[str]
) -> tuple[Example, ...]:
    """Split the worst segments of a corpus with each tokenizer.

    names: the tokenizers whose counts decide which are worst.
    """
    examples = []
    for lang, segment, premium in worst.find(names).iter_rows():
        place = int(corpus.segments.search_sorted(segment))
        (text,), (translation,) = (corpus.columns[name].slice(place, 1) for name in (lang, worst.reference))
        cuts = tuple(segment_text(tokenizer, text) for tokenizer in tokenizers)
        examples.append(Example(lang, segment, premium, cuts, text[:MOST_CHARACTERS], translation[:MOST_CHARACTERS]))
    return tuple(examples)
