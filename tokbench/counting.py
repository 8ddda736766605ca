"""What is counted in texts of one language by one tokenizer: tokens, unknown and partial ones, words, losses, ids."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, Offsets, Tokenizer
from tokbench.blocks import BLOCKS
from tokbench.losslessness import classify_losses
from tokbench.words import LanguageTexts, count_continued_by_bytes, count_continued_by_spans

Histogram: TypeAlias = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]
"""The ids that occur in each block, as `block << ID_BITS | id`, ascending, and how often."""

ID_BITS = 24
"""Room for vocabularies of 16 million and 256 blocks."""


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
    bounds: Offsets,
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
    found = count_continued_by_bytes(texts, batch, bounds, exact, prefix).astype(np.int32)
    changed = np.flatnonzero(composed)
    if len(changed):
        forms = LanguageTexts.read([unicodedata.normalize("NFC", texts.texts[i]) for i in changed], spaced=True)
        whole = np.ones(len(changed), np.bool_)
        taken = batch.take(changed)
        found[changed] = count_continued_by_bytes(forms, taken, table.bounds(taken.places), whole, prefix)
    rest = np.flatnonzero(~exact & ~composed)
    spans = tokenizer.spans([texts.texts[i] for i in rest]) if len(rest) else None
    if spans is not None:
        found[rest] = count_continued_by_spans(texts, rest, spans, table)
    undefined = np.zeros(len(batch), np.bool_)
    undefined[rest] = spans is None
    return mask(found, undefined)


def count_texts(
    tokenizer: Tokenizer, texts: LanguageTexts, segments: pl.Series, blocks: pl.Series
) -> tuple[pl.DataFrame, Histogram]:
    """The frame `counts` of one tokenizer on texts of one language, and the histogram of its ids by block."""
    batch = tokenizer.encode_batch(texts.texts)
    table = tokenizer.token_table()
    bounds = table.bounds(batch.places)
    concatenated, composed, loss = classify_losses(tokenizer, batch, bounds, texts)
    unk_tokens, unk_chars = count_unknown(tokenizer, batch, texts)
    counts = pl.DataFrame(
        {
            "segment": segments,
            "tokens": pl.Series(batch.counts.astype(np.int32)),
            "partial_tokens": pl.Series(batch.sum_by_text(table.partial.take(batch.places)).astype(np.int32)),
            "unk_tokens": unk_tokens,
            "unk_chars": unk_chars,
            "continued_words": count_continued(tokenizer, batch, bounds, texts, concatenated, composed),
            "loss": pl.Series(loss, dtype=pl.UInt8),
        }
    )
    return counts, count_ids(batch, blocks)


def count_ids(batch: EncodedBatch, blocks: pl.Series) -> Histogram:
    """The histogram of the ids of texts, each in its block, in time and memory that follow the ids that occur."""
    seen = np.zeros(int(batch.ids.max(initial=-1)) + 1, np.bool_)
    seen[batch.places] = True
    present = np.flatnonzero(seen)
    ranks = np.empty(len(seen), np.int32)
    ranks[present] = np.arange(len(present), dtype=np.int32)
    cells = np.repeat(blocks.to_numpy().astype(np.int32) * len(present), batch.counts)
    cells += ranks.take(batch.places)
    counts = np.bincount(cells, minlength=BLOCKS * len(present))
    occurring = np.flatnonzero(counts)
    first = np.arange(BLOCKS, dtype=np.uint32) << np.uint32(ID_BITS)
    keys = (first[:, None] | present.astype(np.uint32)).reshape(-1)
    return keys[occurring], counts[occurring].astype(np.uint32)


def find_runs(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Where runs of equal keys begin."""
    changes = np.empty(len(keys), np.bool_)
    changes[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=changes[1:])
    return np.flatnonzero(changes)


def add_histograms(histograms: Sequence[Histogram]) -> Histogram:
    """The sum of histograms; OverflowError where an id occurs more than 4,294,967,295 times in a block."""
    if len(histograms) == 1:
        return histograms[0]
    keys = np.concatenate([keys for keys, _ in histograms])
    counts = np.concatenate([counts for _, counts in histograms])
    order = np.argsort(keys, kind="stable")  # merges the runs, each of which is in order
    keys, counts = keys[order], counts[order]
    starts = find_runs(keys)
    if not len(starts):
        return keys, counts
    sums = np.add.reduceat(counts, starts, dtype=np.int64)
    if int(sums.max()) > np.iinfo(np.uint32).max:
        raise OverflowError(f"{int(sums.max()):,} of one id in a block of a language")
    return keys[starts], sums.astype(np.uint32)


class HistogramSum:
    """A sum of histograms that come in one by one: added up when the new ones hold as many rows as the sum.

    Held as the frame that it becomes, so that no row is in memory twice.
    """

    def __init__(self) -> None:
        self._held: list[pl.DataFrame] = []

    def add(self, histogram: Histogram) -> None:
        """Take the next."""
        self._held.append(frame_histogram(histogram))
        first, *rest = (held.height for held in self._held)
        if sum(rest) >= first:
            self._held = [self.frame()]

    def frame(self) -> pl.DataFrame:
        """The sum as columns: block, id, count; in order."""
        if len(self._held) == 1:
            return self._held[0]
        key = (pl.col("block").cast(pl.UInt32) * 2**ID_BITS + pl.col("id").cast(pl.UInt32)).alias("key")
        pairs = [held.select(key, "count") for held in self._held]
        return frame_histogram(add_histograms([(pair["key"].to_numpy(), pair["count"].to_numpy()) for pair in pairs]))


def frame_histogram(histogram: Histogram) -> pl.DataFrame:
    """A histogram as columns: block, id, count."""
    keys, counts = histogram
    blocks, ids = (keys >> ID_BITS).astype(np.uint8), (keys & (2**ID_BITS - 1)).astype(np.int32)
    return pl.DataFrame({"block": blocks, "id": ids, "count": counts})
