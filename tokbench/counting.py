"""What is counted in texts of one language by one tokenizer: tokens, unknown and partial ones, words, losses, ids."""

from __future__ import annotations

import unicodedata
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, Tokenizer
from tokbench.losslessness import classify_losses
from tokbench.words import LanguageTexts, count_continued_by_bytes, count_continued_by_spans

Histogram: TypeAlias = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]
"""The ids that occur, ascending, and how often."""


def count_unknown(tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts) -> tuple[pl.Series, pl.Series]:
    """Unknown ids a text, and the characters under them (null where the engine gives no spans)."""
    none = pl.Series(np.zeros(len(batch), np.int32))
    if tokenizer.unk_id is None:
        return none, none
    unknown = batch.sum_by_text(batch.ids == tokenizer.unk_id)
    hit = np.flatnonzero(unknown)
    if not len(hit):
        return none, none
    spans = tokenizer.spans([texts.texts[i] for i in hit])
    chars = np.zeros(len(batch), np.int32)
    if spans is not None:
        under = np.where(spans.batch.ids == tokenizer.unk_id, spans.ends - spans.starts, 0)
        chars[hit] = spans.batch.sum_by_text(under)
    undefined = np.zeros(len(batch), np.bool_) if spans is not None else unknown > 0
    return pl.Series(unknown.astype(np.int32)), mask(chars, undefined)


def mask(values: npt.NDArray[np.int32], undefined: npt.NDArray[np.bool_]) -> pl.Series:
    """The values as a series, null where they are undefined."""
    return pl.Series(values, dtype=pl.Int32).scatter(np.flatnonzero(undefined), None)


def count_continued(
    tokenizer: Tokenizer,
    batch: EncodedBatch,
    texts: LanguageTexts,
    exact: npt.NDArray[np.bool_],
    composed: npt.NDArray[np.bool_],
) -> pl.Series:
    """Words a text that hold more than one token; null where neither bytes nor spans tell the boundaries.

    `exact` flags the texts whose ids' bytes, concatenated, are the text; `composed` those that give its form C, in
    which the words between white space are the same.
    """
    if texts.words is None:
        return pl.Series([None] * len(batch), dtype=pl.Int32)
    if texts.segmenter != "whitespace":
        composed = np.zeros_like(composed)
    table, prefix = tokenizer.token_table(), len(tokenizer.prefix or b"")
    found = count_continued_by_bytes(texts, batch, table, exact, prefix).astype(np.int32)
    changed = np.flatnonzero(composed)
    if len(changed):
        forms = LanguageTexts.read([unicodedata.normalize("NFC", texts.texts[i]) for i in changed], spaced=True)
        whole = np.ones(len(changed), np.bool_)
        found[changed] = count_continued_by_bytes(forms, batch.take(changed), table, whole, prefix)
    rest = np.flatnonzero(~exact & ~composed)
    spans = tokenizer.spans([texts.texts[i] for i in rest]) if len(rest) else None
    if spans is not None:
        found[rest] = count_continued_by_spans(texts, rest, spans, table)
    undefined = np.zeros(len(batch), np.bool_)
    undefined[rest] = spans is None
    return mask(found, undefined)


def count_texts(tokenizer: Tokenizer, texts: LanguageTexts, segments: pl.Series) -> tuple[pl.DataFrame, Histogram]:
    """The frame `counts` of one tokenizer on texts of one language; the ids that occur, ascending, and how often."""
    batch = tokenizer.encode_batch(texts.texts)
    table = tokenizer.token_table()
    concatenated, composed, loss = classify_losses(tokenizer, batch, texts)
    unk_tokens, unk_chars = count_unknown(tokenizer, batch, texts)
    counts = pl.DataFrame(
        {
            "segment": segments,
            "tokens": pl.Series(batch.counts.astype(np.int32)),
            "partial_tokens": pl.Series(batch.sum_by_text(table.partial[batch.ids]).astype(np.int32)),
            "unk_tokens": unk_tokens,
            "unk_chars": unk_chars,
            "continued_words": count_continued(tokenizer, batch, texts, concatenated, composed),
            "loss": pl.Series(loss, dtype=pl.UInt8),
        }
    )
    histogram = np.bincount(batch.ids, minlength=len(table))
    seen = np.flatnonzero(histogram)
    return counts, (seen.astype(np.int32), histogram[seen].astype(np.int64))


def add_histograms(one: Histogram, other: Histogram) -> Histogram:
    """The ids that occur in either of two, ascending, and how often in both together."""
    highest = max((int(ids[-1]) for ids, _ in (one, other) if len(ids)), default=-1)
    histogram = np.zeros(highest + 1, np.int64)
    for ids, counts in (one, other):
        histogram[ids] += counts
    seen = np.flatnonzero(histogram)
    return seen.astype(np.int32), histogram[seen]
