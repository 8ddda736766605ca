"""Blocks of whole documents: what a jackknife leaves out, one block at a time."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

BLOCKS = 16
"""Student's t of 15 degrees of freedom is within 9 % of the normal distribution; histograms grow with the blocks."""


def assign_blocks(segments: pl.Series, documents: pl.DataFrame) -> pl.DataFrame:
    """The block of each segment (UInt32): segment, unit (its document, else itself), block (UInt8), in the order given.

    documents: segment, document; no rows where none are named. A block follows from the name of the document by
    BLAKE2b (from the number of the segment where it has none), whatever else was measured: parts agree on it.
    """
    frame = pl.DataFrame({"segment": segments.cast(pl.UInt32)})
    if documents.is_empty():
        return frame.select("segment", unit="segment", block=(pl.col("segment") % BLOCKS).cast(pl.UInt8))
    named = frame.join(documents.select("segment", "document"), on="segment", how="left", maintain_order="left")
    names = named["document"].drop_nulls().unique(maintain_order=True)
    hashed = pl.Series([hash_name(name) % BLOCKS for name in names.to_list()], dtype=pl.UInt8)
    units = pl.DataFrame({"document": names, "block": hashed, "unit": np.arange(len(names), dtype=np.uint32)})
    found = named.join(units, on="document", how="left", maintain_order="left")
    return found.select(
        "segment",
        # Segments of no document are units of their own, counted after those of documents.
        unit=pl.col("unit").fill_null(pl.col("segment") + len(names)),
        block=pl.col("block").fill_null((pl.col("segment") % BLOCKS).cast(pl.UInt8)),
    )


def hash_name(name: str) -> int:
    """A number that follows from a name alone, evenly spread."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
