"""Results as a spreadsheet: one row per value."""

from __future__ import annotations

import io
from datetime import datetime

import polars as pl

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.report._document_model import Results
from tokbench.report._values import make_frame

SUFFIXES = frozenset({".xlsx"})

MOST_ROWS = 1_048_575
"""Rows of a sheet, without its header."""

LONGEST_TEXT = 32_767
"""Characters of a cell."""

CREATED = datetime(2000, 1, 1)
SETTINGS = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
"""Texts stay texts: one that begins with = must not become a formula."""


def check() -> None:
    """Check that a spreadsheet can be written; MissingExtraError if not."""
    try:
        import xlsxwriter  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("XlsxWriter", "xlsx", "writing a spreadsheet") from error


def encode_results(results: Results) -> bytes:
    """Return all values as an Excel file; undefined ones are empty cells.

    Raises MissingExtraError without the extra `xlsx`, and TokbenchError for more rows than a sheet has.
    """
    check()
    from xlsxwriter import Workbook

    frame = make_frame(results, "xlsx")
    if frame.height > MOST_ROWS:
        raise TokbenchError(f"a sheet has {MOST_ROWS:,} rows, and there are {frame.height:,} values", "use parquet")
    texts = [column for column, kind in frame.schema.items() if kind == pl.String]
    numbers = [column for column, kind in frame.schema.items() if kind.is_float()]
    frame = frame.with_columns(
        pl.col(texts).str.head(LONGEST_TEXT),
        *(pl.when(pl.col(column).is_finite()).then(column).alias(column) for column in numbers),
    )
    stream = io.BytesIO()
    with Workbook(stream, SETTINGS) as workbook:
        workbook.set_properties({"created": CREATED})
        frame.write_excel(workbook, worksheet="tokbench", dtype_formats={pl.Float64: "General"}, autofilter=True)
    return stream.getvalue()
