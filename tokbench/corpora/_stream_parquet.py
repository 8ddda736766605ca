"""Shards of Parquet: row groups, of which only the needed columns are read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tokbench.corpora._frames import pick_columns
from tokbench.corpora._stream_footer import read_row_groups
from tokbench.corpora._stream_jsonl import Keys
from tokbench.errors import TokbenchError

BATCH_ROWS = 8192


def count_rows(path: Path, start: int, end: int) -> tuple[int, int]:
    """Return the first row of the row groups [start, end), and the number of their rows."""
    groups = read_row_groups(path)
    if end > len(groups):
        raise TokbenchError(f"{path} was changed: it had {end} row groups, and has {len(groups)}", "run it again")
    return sum(group.rows for group in groups[:start]), sum(group.rows for group in groups[start:end])


def read_rows(file: str, first: int, rows: int, keys: Keys) -> Iterator[pl.DataFrame]:
    """Yield rows: text, and lang and document if given. file: a path, or an address that polars reads."""
    frame = pl.scan_parquet(file, glob=False)
    columns = pick_columns(Path(file), frame.collect_schema(), keys.columns)
    chosen = frame.select(columns).slice(first, rows)
    yield from chosen.collect_batches(chunk_size=BATCH_ROWS, maintain_order=True)
