"""Count tokens, partial and unknown ones, words, losses and ids of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias, cast

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.adapters import (
    PARTIAL,
    CountedTokenizer,
    EncodedBatch,
    LocatingTokenizer,
    Spans,
    Tokenizer,
)
from tokbench.errors import EngineError
from tokbench.measurement._columns import make_null
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.measurement.needs import EVERYTHING, Needs
from tokbench.measurement.round_trip import Decoded, classify_losses, compare_texts
from tokbench.measurement.split_counts import count_kind, count_split, frame_split
from tokbench.measurement.token_ends import TokenEnds
from tokbench.measurement.words import LanguageTexts, count_continued_by_spans

_SPARSE = 4
"""If fewer than one id in this many may occur, ids are sorted instead of counted in a table."""

Histogram: TypeAlias = tuple[npt.NDArray[np.uint32], npt.NDArray[np.uint32]]
"""(`block << ID_BITS | id`, count) of the ids that occur in each block, with ascending keys."""

NO_HISTOGRAM: Histogram = (np.empty(0, np.uint32), np.empty(0, np.uint32))

COUNTS = {
    **dict.fromkeys(("partial_tokens", "unk_tokens", "unk_chars", "continued_words"), pl.Int32()),
    "loss": pl.UInt8(),
}
"""The columns of the frame `counts` that may be null."""

ID_BITS = 24
"""Bits of an id in a histogram key: up to 16 million ids and 256 blocks."""


def find_spans(
    tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts, which: npt.NDArray[np.bool_]
) -> Spans | None:
    """Return the spans of the tokens of some texts; None if the engine gives none.

    They are those that the engine found while it encoded, else the texts are encoded again.
    """
    chosen = np.flatnonzero(which)
    if batch.locate is not None:
        return batch.locate(chosen)
    return tokenizer.spans([texts.texts[i] for i in chosen.tolist()])


def mask(values: npt.NDArray[np.int64], undefined: npt.NDArray[np.bool_]) -> pl.Series:
    """Return the values as a series, null where undefined."""
    series = pl.Series(values.astype(np.int32))
    return series.scatter(np.flatnonzero(undefined), None) if undefined.any() else series


def count_located(
    tokenizer: Tokenizer, batch: EncodedBatch, texts: LanguageTexts, decoded: Decoded | None, needs: Needs
) -> dict[str, npt.NDArray[np.int32] | pl.Series]:
    """Count per text what may need spans: `unk_tokens`, `unk_chars` (characters under them) and `continued_words`.

    decoded: needed for continued words. Spans are asked for once: of the texts with unknown tokens, and of those whose
    words cannot be told by the bytes of their ids. Without spans, the counts that need them are null.
    """
    unknown = np.zeros(len(batch), np.int64)
    if tokenizer.unk_id is not None and (needs.unknown or needs.unknown_chars):
        unknown = batch.sum_by_text(batch.ids == tokenizer.unk_id)
    hit = (unknown > 0) & needs.unknown_chars
    rest = np.zeros(len(batch), np.bool_)
    if decoded is not None and needs.continued and texts.words is not None:
        # The words of an NFC form are those of the text only between white space.
        rest = ~(decoded.exact | decoded.composed if texts.segmenter == "whitespace" else decoded.exact)
    which = hit | rest
    spans = find_spans(tokenizer, batch, texts, which) if which.any() else None
    found: dict[str, npt.NDArray[np.int32] | pl.Series] = {}
    if needs.unknown:
        found["unk_tokens"] = unknown.astype(np.int32)
    if needs.unknown_chars:
        chars = np.zeros(len(batch), np.int64)
        if spans is not None:
            under = np.where(spans.batch.ids == tokenizer.unk_id, spans.ends - spans.starts, 0)
            chars[which] = spans.batch.sum_by_text(under)
        found["unk_chars"] = mask(chars, hit if spans is None else hit[:0])
    if decoded is not None and needs.continued and texts.words is not None:
        continued = decoded.continued.copy()
        if spans is not None and rest.any():
            every = count_continued_by_spans(texts, np.flatnonzero(which), spans, tokenizer.token_table())
            continued[rest] = every[rest[which]]
        found["continued_words"] = mask(continued, rest if spans is None else rest[:0])
    return found


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
        return frame_counts(tokenizer.count_batch(texts.texts), segments, {}, needs.boundaries), NO_HISTOGRAM
    locating = cast("LocatingTokenizer", tokenizer) if hasattr(tokenizer, "encode_located") else None
    batch = tokenizer.encode_batch(texts.texts) if locating is None else locating.encode_located(texts.texts)
    return count_batch(tokenizer, batch, texts, segments, blocks, needs)


def frame_counts(
    tokens: npt.NDArray[np.int64],
    segments: pl.Series,
    found: Mapping[str, npt.NDArray[np.generic] | pl.Series],
    boundaries: Sequence[str] = (),
) -> pl.DataFrame:
    """Return the frame `counts` of texts; what was not found is null.

    boundaries: which of the columns of boundaries it has.
    """
    columns = [segments.alias("segment"), pl.Series("tokens", tokens.astype(np.int32))]
    for name, kind in COUNTS.items():
        values = found.get(name)
        if values is None:
            columns.append(make_null(len(tokens), kind).alias(name))
        else:
            columns.append(values.alias(name) if isinstance(values, pl.Series) else pl.Series(name, values))
    unknown = make_null(len(tokens), pl.UInt8())
    columns += [pl.Series(name, found.get(name, unknown)) for name in boundaries]
    return pl.DataFrame(columns)


def count_batch(
    tokenizer: Tokenizer,
    batch: EncodedBatch,
    texts: LanguageTexts,
    segments: pl.Series,
    blocks: pl.Series,
    needs: Needs = EVERYTHING,
) -> tuple[pl.DataFrame, Histogram]:
    """Return the same as `count_texts`, for texts already encoded."""
    found: dict[str, npt.NDArray[np.generic] | pl.Series] = {}
    kinds = np.empty(0, np.uint8)
    if needs.partial or needs.boundaries:
        kinds = tokenizer.token_table().kinds.take(batch.indices)
        found["partial_tokens"] = count_kind(batch, kinds, PARTIAL).astype(np.int32)
    ends = TokenEnds.start(texts.byte_starts, len(texts.data)) if needs.boundaries else None
    decoded = None
    if needs.decoded:
        ends_at = None if ends is None else ends.at
        decoded = compare_texts(tokenizer, batch, texts, words=needs.continued, ends_at=ends_at)
    found |= count_located(tokenizer, batch, texts, decoded, needs)
    if decoded is not None and ends is not None:
        found |= frame_split(count_split(batch, texts, kinds, ends, needs.boundaries), decoded)
    if decoded is not None and needs.losses:
        found["loss"] = classify_losses(tokenizer, batch, texts, decoded)
    return frame_counts(batch.counts, segments, found, needs.boundaries), count_ids(
        batch, blocks
    ) if needs.ids else NO_HISTOGRAM


def locate_failure(error: EngineError, texts: LanguageTexts, segments: pl.Series, lang: str) -> EngineError:
    """Add segment and language to an error if it names one of these texts."""
    if error.text is None or error.text not in texts.texts:
        return error
    return error.locate(f"segment {segments[texts.texts.index(error.text)]} of {lang}")


def count_ids(batch: EncodedBatch, blocks: pl.Series) -> Histogram:
    """Count the ids of texts by block.

    Time and memory grow with the ids that occur, not with the vocabulary.
    """
    highest = int(batch.ids.max(initial=-1))
    if _SPARSE * len(batch.ids) < highest:
        sparse = np.repeat(blocks.to_numpy().astype(np.uint32) << np.uint32(ID_BITS), batch.counts)
        sparse |= batch.ids.astype(np.uint32)
        sparse.sort()
        starts = find_runs(sparse)
        return sparse[starts], np.diff(starts, append=len(sparse)).astype(np.uint32)
    seen = np.zeros(highest + 1, np.bool_)
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
