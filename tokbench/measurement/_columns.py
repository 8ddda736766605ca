"""Columns of frames made without a query, which costs more than small columns do."""

from __future__ import annotations

import polars as pl
from polars._typing import PolarsDataType


def make_null(length: int, kind: PolarsDataType) -> pl.Series:
    """Return a column of nulls."""
    return pl.Series([None], dtype=kind).new_from_index(0, length)
