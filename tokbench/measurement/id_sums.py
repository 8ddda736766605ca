"""Sums of histograms of ids over any number of shards: counts in 64 bits, few passes."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.measurement.counting import ID_BITS

LargeHistogram: TypeAlias = "tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]"
"""(`block << ID_BITS | id`, count), keys not sorted; as `counting.Histogram`, but for more than 2**32 tokens."""

_LEAST = 1 << 18
"""Rows that are collected, at least, before they are added up."""


class IdSum:
    """A running sum; histograms added since are merged when they hold as many rows as the sum."""

    def __init__(self) -> None:
        self.keys = np.empty(0, np.uint32)
        self.counts = np.empty(0, np.int64)
        self.pending: list[LargeHistogram] = []
        self.rows = 0

    def add(self, histogram: LargeHistogram) -> None:
        """Add a histogram."""
        self.pending.append(histogram)
        self.rows += len(histogram[0])
        if self.rows >= max(_LEAST, len(self.keys)):
            self.merge()

    def merge(self) -> None:
        """Add up what is pending."""
        keys = np.concatenate([self.keys, *(keys for keys, _ in self.pending)])
        counts = np.concatenate([self.counts, *(counts for _, counts in self.pending)])
        order = np.argsort(keys, kind="stable")
        keys, counts = keys[order], counts[order]
        first = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]])) if len(keys) else order
        self.keys, self.counts = keys[first], np.add.reduceat(counts, first) if len(keys) else counts
        self.pending, self.rows = [], 0

    def frame(self) -> pl.DataFrame:
        """Return columns block, id, count, in order."""
        self.merge()
        return pl.DataFrame(
            {
                "block": (self.keys >> ID_BITS).astype(np.uint8),
                "id": (self.keys & (2**ID_BITS - 1)).astype(np.int32),
                "count": self.counts,
            }
        )


def read_histogram(frame: pl.DataFrame) -> LargeHistogram:
    """Return columns block, id, count as a histogram."""
    keys = frame["block"].to_numpy().astype(np.uint32) << np.uint32(ID_BITS)
    return keys | frame["id"].to_numpy().astype(np.uint32), frame["count"].to_numpy().astype(np.int64)
