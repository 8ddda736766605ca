"""Results as one table of values, for CSV, Parquet and spreadsheets."""

from __future__ import annotations

from typing import Any

import polars as pl

from tokbench.errors import TokbenchError
from tokbench.report._document_model import Results


def make_frame(results: Results, name: str) -> pl.DataFrame:
    """Return the values of results as a frame without lists.

    That is their own frame, or a document that is a list of facts. A list becomes a text with spaces between its parts.

    name: the format, for the error. Raises TokbenchError for results that are no table.
    """
    if results.frame is not None:
        frame = results.frame()
    else:
        document = results.document()
        if not is_table(document):
            raise TokbenchError(f"these results are no table, so {name} cannot hold them", "use json")
        frame = pl.DataFrame([{key: join(value) for key, value in row.items()} for row in document])
    lists = [column for column, kind in frame.schema.items() if isinstance(kind, pl.List | pl.Array)]
    return frame.with_columns(pl.col(lists).cast(pl.List(pl.String)).list.join(" ")) if lists else frame


def is_table(document: Any) -> bool:
    """Return whether a document is a list of facts, at least one, none of which has parts of its own."""
    return (
        isinstance(document, list)
        and bool(document)
        and all(isinstance(row, dict) for row in document)
        and not any(is_nested(value) for row in document for value in row.values())
    )


def is_nested(value: Any) -> bool:
    """Return whether a value has parts that are no plain values."""
    return isinstance(value, dict) or (
        isinstance(value, list | tuple) and any(isinstance(one, dict | list | tuple) for one in value)
    )


def join(value: Any) -> Any:
    """Return a plain value, or the parts of a list with spaces between them."""
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
