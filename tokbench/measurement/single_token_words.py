"""Single-token words: word types that are one token, alone or after a space."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import polars as pl

from tokbench._shared.process import single_thread
from tokbench._shared.threads import map_ordered
from tokbench.adapters import Tokenizer
from tokbench.corpora import Corpus
from tokbench.measurement.words import LanguageTexts, Segmenter

SCHEMA = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "n": pl.Int64(),
}

WAYS = {"strr_bare": "", "strr_spaced": " "}
"""What precedes each word, by metric."""


def list_words(texts: LanguageTexts) -> list[str] | None:
    """List all words of the texts in order.

    Return None if the segmenter does not fit the language.
    """
    if texts.words is None:
        return None
    joined = "\n".join([*texts.texts, ""])
    spans = zip(texts.word_chars.starts.tolist(), texts.word_chars.ends.tolist(), strict=True)
    return [joined[start:end] for start, end in spans]


def measure_isolated(
    tokenizers: Sequence[Tokenizer],
    corpus: Corpus,
    metrics: Collection[str] = tuple(WAYS),
    segmenter: Segmenter = "whitespace",
) -> pl.DataFrame:
    """Measure the share of word types that are one token.

    Columns: tokenizer, lang, metric, value, low, high, n (types).
    Per language only, since a type belongs to one. Null if the segmenter finds no words. There are no intervals: the
    number of types grows with the text, and resampled text has fewer of them.
    """
    ways = {metric: before for metric, before in WAYS.items() if metric in metrics}

    def measure_language(lang: str) -> list[dict[str, object]]:
        words = list_words(LanguageTexts.read(corpus.texts(lang), segmenter))
        types = sorted(set(words or ()))
        rows: list[dict[str, object]] = []
        for tokenizer in tokenizers:
            for metric, before in ways.items():
                whole = tokenizer.count_batch([before + word for word in types]) == 1 if types else None
                rows.append(
                    {
                        "tokenizer": tokenizer.name,
                        "lang": lang,
                        "metric": metric,
                        "value": None if whole is None else float(whole.mean()),
                        "n": None if words is None else len(types),
                    }
                )
        return rows

    with single_thread():
        rows = [row for language in map_ordered(measure_language, corpus.languages if ways else ()) for row in language]
    return pl.DataFrame(rows, schema=SCHEMA)
