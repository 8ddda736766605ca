"""Results as Parquet: one row per value, with the types that they have."""

from __future__ import annotations

import io

from tokbench.report._document_model import Results
from tokbench.report._values import make_frame

SUFFIXES = frozenset({".parquet"})


def encode_results(results: Results) -> bytes:
    """Return all values as a Parquet file; undefined ones are null."""
    stream = io.BytesIO()
    make_frame(results, "parquet").write_parquet(stream)
    return stream.getvalue()
