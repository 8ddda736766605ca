"""Collect segments by group into batches of bounded size."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tokbench.corpora._stream import ShardTexts

BATCH_BYTES = 4_000_000
"""UTF-8 bytes of a batch, about; a single segment may be larger."""

_MOST_WAITING = 8 * BATCH_BYTES
"""Bytes of all groups that may wait until their batches are full."""


class Batches:
    """Segments of a shard on their way into batches; empty ones are counted, and left out.

    most: bytes of a batch.
    """

    def __init__(self, most: int = BATCH_BYTES) -> None:
        self._most = most
        self._segments = 0
        self._waiting: dict[str, list[pl.DataFrame]] = {}
        self._sizes: dict[str, int] = {}

    def add(self, frame: pl.DataFrame, label: str | None) -> Iterator[ShardTexts]:
        """Add segments in the order of the shard; yield the batches that are full.

        frame: text; document (UInt32), if segments are not documents of their own; lang, the group, if `label` is None.
        """
        stop = self._segments + frame.height
        number = pl.int_range(self._segments, stop, dtype=pl.UInt32, eager=True)
        documents = frame["document"] if "document" in frame.columns else number
        numbered = frame.with_columns(number.alias("segment"), documents.alias("document"))
        self._segments = stop
        kept = numbered.filter(pl.col("text").str.strip_chars() != "")
        if label is not None:
            yield from self._put(label, kept)
            return
        for (group,), part in kept.group_by("lang", maintain_order=True):
            yield from self._put(str(group), part)

    def flush(self) -> Iterator[ShardTexts]:
        """Yield what waits, by group in the order of its first segment."""
        for label in list(self._waiting):
            yield from self._take(label)

    def _put(self, label: str, frame: pl.DataFrame) -> Iterator[ShardTexts]:
        if not frame.height:
            return
        self._waiting.setdefault(label, []).append(frame)
        size = self._sizes[label] = self._sizes.get(label, 0) + int(frame["text"].str.len_bytes().sum())
        if size >= self._most:
            yield from self._take(label)
        elif sum(self._sizes.values()) >= _MOST_WAITING:
            yield from self.flush()

    def _take(self, label: str) -> Iterator[ShardTexts]:
        frame = pl.concat(self._waiting.pop(label))
        del self._sizes[label]
        yield ShardTexts(label, frame["text"], frame["segment"], frame["document"])


class DocumentNumbers:
    """Numbers of the documents of a shard's records: runs of neighbours with one name."""

    def __init__(self) -> None:
        self._count = 0
        self._last: str | None = None

    def number(self, names: pl.Series) -> pl.Series:
        """Return the number of each record's document (UInt32); one without a name is a document of its own."""
        if not len(names):
            return names.cast(pl.UInt32)
        before = pl.concat([pl.Series([self._last], dtype=pl.String), names.head(-1)])
        new = (names != before).fill_null(value=True)
        numbers = (new.cum_sum().cast(pl.Int64) + (self._count - 1)).cast(pl.UInt32)
        self._count, self._last = int(numbers[-1]) + 1, names[-1]
        return numbers

    def count(self, height: int) -> pl.Series:
        """Return numbers for records that are documents of their own."""
        self._count += height
        return pl.int_range(self._count - height, self._count, dtype=pl.UInt32, eager=True)
