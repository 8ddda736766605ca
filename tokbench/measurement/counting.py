"""Count tokens, partial and unknown ones, words, losses and ids of texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import CountedTokenizer, EncodedBatch, Offsets, Tokenizer
from tokbench.errors import EngineError
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.measurement.needs import EVERYTHING, Needs
from tokbench.measurement.round_trip import classify_losses
from tokbench.measurement.words import LanguageTexts, count_continued_by_bytes, count_continued_by_spans

Histogram: TypeAlias = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]
"""(`block << ID_BITS | id`, count) of the ids that occur in each block, with ascending keys."""

NO_HISTOGRAM: Histogram = (np.empty(0, np.uint32), np.empty(0, np.uint32))

ID_BITS = 24
"""Bits of an id in a histogram key: up to 16 million ids and 256 blocks."""


def count_unknown(tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts) -> tuple[pl.Series, pl.Series]:
    """Return per text: (unknown ids, characters they cover).

    The latter is null if the engine gives no spans.
    """
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
    """Return the values as a series, null where undefined."""
    return pl.Series(values, dtype=pl.Int32).scatter(np.flatnonzero(undefined), None)


def count_continued(
    tokenizer: Tokenizer,
    batch: EncodedBatch,
    bounds: Offsets,
    texts: LanguageTexts,
    exact: npt.NDArray[np.bool_],
    composed: npt.NDArray[np.bool_],
) -> pl.Series:
    """Count per text the words of more than one token.

    Counts are null if neither bytes nor spans give the boundaries.
    exact: flags texts that equal the concatenated bytes of their ids.
    composed: flags texts whose NFC form does; the words between white space are the same in it.
    """
    if texts.words is None:
        return pl.Series([None] * len(batch), dtype=pl.Int32)
    if texts.segmenter != "whitespace":
        composed = np.zeros_like(composed)
    table, prefix = tokenizer.token_table(), len(tokenizer.prefix or b"")
    continued = count_continued_by_bytes(texts, batch, bounds, exact, prefix).astype(np.int32)
    changed = np.flatnonzero(composed)
    if len(changed):
        forms = LanguageTexts.read([texts.compose(i) or texts.texts[i] for i in changed.tolist()], spaced=True)
        whole = np.ones(len(changed), np.bool_)
        taken = batch.take(changed)
        continued[changed] = count_continued_by_bytes(forms, taken, table.bounds(taken.indices), whole, prefix)
    rest = np.flatnonzero(~exact & ~composed)
    spans = tokenizer.spans([texts.texts[i] for i in rest]) if len(rest) else None
    if spans is not None:
        continued[rest] = count_continued_by_spans(texts, rest, spans, table)
    undefined = np.zeros(len(batch), np.bool_)
    undefined[rest] = spans is None
    return mask(continued, undefined)


def count_texts(
    tokenizer: Tokenizer,
    texts: LanguageTexts,
    segments: pl.Series,
    blocks: pl.Series,
    needs: Needs = EVERYTHING,
) -> tuple[pl.DataFrame, Histogram]:
    """Return the frame `counts` on texts of one language, and the ids by block.

    Of a tokenizer without ids, or if nothing else is needed, there are tokens only; the rest is null, and no id occurs.
    """
    if needs.only_tokens or isinstance(tokenizer, CountedTokenizer):
        return frame_tokens(tokenizer.count_batch(texts.texts), segments), NO_HISTOGRAM
    return count_batch(tokenizer, tokenizer.encode_batch(texts.texts), texts, segments, blocks, needs)


def frame_tokens(tokens: npt.NDArray[np.int64], segments: pl.Series) -> pl.DataFrame:
    """Return the frame `counts` of texts of which only the number of tokens is known."""
    unknown = pl.Series([None] * len(tokens), dtype=pl.Int32)
    names = ("partial_tokens", "unk_tokens", "unk_chars", "continued_words")
    return pl.DataFrame(
        {
            "segment": segments,
            "tokens": pl.Series(tokens.astype(np.int32)),
            **dict.fromkeys(names, unknown),
            "loss": unknown.cast(pl.UInt8),
        }
    )


def count_batch(
    tokenizer: Tokenizer,
    batch: EncodedBatch,
    texts: LanguageTexts,
    segments: pl.Series,
    blocks: pl.Series,
    needs: Needs = EVERYTHING,
) -> tuple[pl.DataFrame, Histogram]:
    """Return the same as `count_texts`, for texts already encoded."""
    table = tokenizer.token_table()
    counts = frame_tokens(batch.counts, segments)
    found: dict[str, pl.Series] = {}
    if needs.partial:
        found["partial_tokens"] = pl.Series(batch.sum_by_text(table.partial.take(batch.indices)).astype(np.int32))
    if needs.unknown_chars:
        found["unk_tokens"], found["unk_chars"] = count_unknown(tokenizer, batch, texts)
    elif needs.unknown:
        unknown = batch.ids == (-1 if tokenizer.unk_id is None else tokenizer.unk_id)
        found["unk_tokens"] = pl.Series(batch.sum_by_text(unknown).astype(np.int32))
    if needs.decoded:
        bounds = table.bounds(batch.indices)
        concatenated, composed, loss = classify_losses(tokenizer, batch, bounds, texts)
        if needs.losses:
            found["loss"] = pl.Series(loss, dtype=pl.UInt8)
        if needs.continued:
            found["continued_words"] = count_continued(tokenizer, batch, bounds, texts, concatenated, composed)
    return counts.with_columns(**found), count_ids(batch, blocks) if needs.ids else NO_HISTOGRAM


def locate_failure(error: EngineError, texts: LanguageTexts, segments: pl.Series, lang: str) -> EngineError:
    """Add segment and language to an error if it names one of these texts."""
    if error.text is None or error.text not in texts.texts:
        return error
    return error.locate(f"segment {segments[texts.texts.index(error.text)]} of {lang}")


def count_ids(batch: EncodedBatch, blocks: pl.Series) -> Histogram:
    """Count the ids of texts by block.

    Time and memory grow with the ids that occur, not with the vocabulary.
    """
    seen = np.zeros(int(batch.ids.max(initial=-1)) + 1, np.bool_)
    seen[batch.indices] = True
    present = np.flatnonzero(seen)
    ranks = np.empty(len(seen), np.int32)
    ranks[present] = np.arange(len(present), dtype=np.int32)
    cells = np.repeat(blocks.to_numpy().astype(np.int32) * len(present), batch.counts)
    cells += ranks.take(batch.indices)
    counts = np.bincount(cells, minlength=BLOCKS * len(present))
    occurring = np.flatnonzero(counts)
    first = np.arange(BLOCKS, dtype=np.uint32) << np.uint32(ID_BITS)
    keys = (first[:, None] | present.astype(np.uint32)).reshape(-1)
    return keys[occurring], counts[occurring].astype(np.uint32)


def find_runs(keys: npt.NDArray[np.uint32]) -> npt.NDArray[np.int64]:
    """Return the positions at which runs of equal keys start."""
    changes = np.empty(len(keys), np.bool_)
    changes[:1] = True
    np.not_equal(keys[1:], keys[:-1], out=changes[1:])
    return np.flatnonzero(changes)


def add_histograms(histograms: Sequence[Histogram]) -> Histogram:
    """Add histograms; OverflowError if a block has an id over 4,294,967,295 times."""
    if len(histograms) == 1:
        return histograms[0]
    keys = np.concatenate([keys for keys, _ in histograms])
    counts = np.concatenate([counts for _, counts in histograms])
    order = np.argsort(keys, kind="stable")  # merges the runs, which are sorted
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
    """A running sum of histograms.

    They are merged when those added since hold as many rows as the sum.
    """

    def __init__(self) -> None:
        self._pending: list[Histogram] = []

    def add(self, histogram: Histogram) -> None:
        """Add a histogram."""
        self._pending.append(histogram)
        first, *rest = (len(keys) for keys, _ in self._pending)
        if sum(rest) >= first:
            self._pending = [self.total()]

    def total(self) -> Histogram:
        """Return the sum of all histograms added."""
        return add_histograms(self._pending)


def frame_histograms(histograms: list[Histogram]) -> pl.DataFrame:
    """Concatenate histograms into columns block, id, count.

    Empties the list, so that no row is in memory twice.
    """
    end = sum(len(keys) for keys, _ in histograms)
    blocks, ids, counts = np.empty(end, np.uint8), np.empty(end, np.int32), np.empty(end, np.uint32)
    while histograms:
        keys, occurrences = histograms.pop()
        rows = slice(end - len(keys), end)
        blocks[rows], ids[rows], counts[rows] = keys >> ID_BITS, keys & (2**ID_BITS - 1), occurrences
        end = rows.start
    return pl.DataFrame({"block": blocks, "id": ids, "count": counts})
