"""Blocks of whole documents, which the jackknife leaves out one at a time."""

from __future__ import annotations

import hashlib

import numpy as np
import polars as pl

BLOCKS = 16
"""Number of blocks: Student's t with 15 degrees of freedom is within 9 % of normal; histograms grow with it."""


def assign_blocks(segments: pl.Series, documents: pl.DataFrame) -> pl.DataFrame:
    """Assign each segment to a block.

    Columns: segment, unit, block (UInt8), in the order given.
    documents: segment, document; empty if the corpus names none.
    unit: the segment's document, or the segment itself if it has none.
    block: BLAKE2b of the document's name (of the segment's number if it has none), independent of what else is
    measured, so that separately measured parts agree.
    """
    frame = pl.DataFrame({"segment": segments.cast(documents.schema.get("segment", pl.UInt32()))})
    if documents.is_empty():
        return frame.select("segment", unit="segment", block=(pl.col("segment") % BLOCKS).cast(pl.UInt8))
    named = frame.join(documents.select("segment", "document"), on="segment", how="left", maintain_order="left")
    names = named["document"].drop_nulls().unique(maintain_order=True)
    hashed = pl.Series([hash_name(name) % BLOCKS for name in names.to_list()], dtype=pl.UInt8)
    units = pl.DataFrame(
        {"document": names, "block": hashed, "unit": pl.Series(np.arange(len(names)), dtype=frame.schema["segment"])}
    )
    joined = named.join(units, on="document", how="left", maintain_order="left")
    return joined.select(
        "segment",
        # Segments without a document are units of their own, numbered after the documents.
        unit=pl.col("unit").fill_null(pl.col("segment") + len(names)),
        block=pl.col("block").fill_null((pl.col("segment") % BLOCKS).cast(pl.UInt8)),
    )


def hash_name(name: str) -> int:
    """Hash a name to an evenly distributed integer that depends on nothing else."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little")
