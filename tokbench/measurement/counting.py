"""What is counted in texts of one language by one tokenizer: tokens, unknown and partial ones, words, losses, ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import EncodedBatch, Offsets, Tokenizer
from tokbench.errors import EngineError
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.measurement.round_trip import classify_losses
from tokbench.measurement.words import LanguageTexts, count_continued_by_bytes, count_continued_by_spans

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
        forms = LanguageTexts.read([texts.compose(i) or texts.texts[i] for i in changed.tolist()], spaced=True)
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
    """Return the frame `counts` of a tokenizer on texts of one language, and the histogram of its ids by block."""
    return count_batch(tokenizer, tokenizer.encode_batch(texts.texts), texts, segments, blocks)


def count_batch(
    tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts, segments: pl.Series, blocks: pl.Series
) -> tuple[pl.DataFrame, Histogram]:
    """Return what `count_texts` does, of texts whose ids are there."""
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


def locate_failure(error: EngineError, texts: LanguageTexts, segments: pl.Series, lang: str) -> EngineError:
    """The error with the segment and the language of its text, where it names one of these texts."""
    if error.text is None or error.text not in texts.texts:
        return error
    return error.locate(f"segment {segments[texts.texts.index(error.text)]} of {lang}")


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
    if int(counts.sum(dtype=np.int64)) > np.iinfo(np.uint32).max:
        largest = int(np.add.reduceat(counts, starts, dtype=np.int64).max())
        if largest > np.iinfo(np.uint32).max:
            raise OverflowError(f"{largest:,} of one id in a block of a language")
    return keys[starts], np.add.reduceat(counts, starts)


class HistogramSum:
    """A sum of histograms that come in one by one: added up when the new ones hold as many rows as the sum."""

    def __init__(self) -> None:
        self._held: list[Histogram] = []

    def add(self, histogram: Histogram) -> None:
        """Take the next."""
        self._held.append(histogram)
        first, *rest = (len(keys) for keys, _ in self._held)
        if sum(rest) >= first:
            self._held = [self.total()]

    def total(self) -> Histogram:
        """The sum of what was taken."""
        return add_histograms(self._held)


def frame_histograms(histograms: list[Histogram]) -> pl.DataFrame:
    """Histograms one after the other as columns: block, id, count. Empties the list: no row is in memory twice."""
    end = sum(len(keys) for keys, _ in histograms)
    blocks, ids, counts = np.empty(end, np.uint8), np.empty(end, np.int32), np.empty(end, np.uint32)
    while histograms:
        keys, found = histograms.pop()
        rows = slice(end - len(keys), end)
        blocks[rows], ids[rows], counts[rows] = keys >> ID_BITS, keys & (2**ID_BITS - 1), found
        end = rows.start
    return pl.DataFrame({"block": blocks, "id": ids, "count": counts})
