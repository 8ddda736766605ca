"""Token counts of files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tokbench.analysis.file_counts import FileCount
from tokbench.report._document_model import Results
from tokbench.report._table import tabulate


def show(counts: Sequence[FileCount]) -> Results:
    """Return one row per file, and the total if it is among the counts."""
    rows = [describe(count) for count in counts]
    formats = {name: "{:,}".format for name, value in rows[0].items() if isinstance(value, int)}
    return Results(lambda: [tabulate(rows, formats=formats)], lambda: rows, lambda: pl.DataFrame(rows))


def describe(count: FileCount) -> dict[str, Any]:
    """Return the columns of one file: a tokenizer each, bytes, characters, file."""
    tokens = count.tokens if len(count.tokens) > 1 else dict(zip(["tokens"], count.tokens.values(), strict=True))
    return {**tokens, "bytes": count.bytes, "characters": count.characters, "file": count.file or "total"}
