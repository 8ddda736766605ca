"""Tokens per text: the middle, the tail, and what does not fit into a context."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.adapters._special_tokens import AddedSpecial
from tokbench.corpora import Corpus

SCHEMA = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "texts": pl.Int64,
    "tokens": pl.Int64,
    "unknown": pl.Int64,
    "tokens_per_segment": pl.Float64,
    "tokens_per_segment_with_special": pl.Float64,
    "p50": pl.Int64,
    "p90": pl.Int64,
    "p99": pl.Int64,
    "max": pl.Int64,
    "over": pl.Int64,
    "share_over": pl.Float64,
}
_SHARES = (0.5, 0.9, 0.99, 1.0)


def measure_lengths(
    tokenizers: Sequence[Tokenizer], corpus: Corpus, added: Mapping[str, AddedSpecial], context: int
) -> pl.DataFrame:
    """Describe the lengths of texts: by tokenizer and language, then over all languages (lang is null).

    unknown: how many of the tokens are the unknown token, which hides the length of what it stands for.
    tokens_per_segment_with_special: null where no file says what is added.
    p50, p90, p99, max: of tokens per text without special tokens; the least length that so many texts do not exceed.
    over, share_over: texts longer than `context`, with the special tokens that are known to be added.
    """
    rows: list[tuple[object, ...]] = []
    every: dict[str, list[npt.NDArray[np.int64]]] = {tokenizer.name: [] for tokenizer in tokenizers}
    unknown = dict.fromkeys(every, 0)
    for lang in corpus.languages:
        texts = corpus.texts(lang)
        for tokenizer in tokenizers:
            batch = tokenizer.encode_batch(texts)
            own = 0 if tokenizer.unk_id is None else int((batch.ids == tokenizer.unk_id).sum())
            every[tokenizer.name].append(batch.counts)
            unknown[tokenizer.name] += own
            rows.append((tokenizer.name, lang, *describe(batch.counts, own, added[tokenizer.name].count, context)))
    for name, parts in every.items():
        rows.append((name, None, *describe(np.concatenate(parts), unknown[name], added[name].count, context)))
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def describe(
    counts: npt.NDArray[np.int64], unknown: int, added: int | None, context: int
) -> tuple[int | float | None, ...]:
    """Return the columns of a row after its keys; null for no texts."""
    texts, tokens = len(counts), int(counts.sum())
    if not texts:
        return (0, 0, 0, *[None] * (len(SCHEMA) - 5))
    with_special = None if added is None else (tokens + added * texts) / texts
    lengths = np.quantile(counts, _SHARES, method="inverted_cdf")
    over = int((counts + (added or 0) > context).sum())
    return (texts, tokens, unknown, tokens / texts, with_special, *map(int, lengths), over, over / texts)
