"""Strings that have another id in another vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.analysis.vocabulary import CHANGES, MOVED, ONLY_A, ONLY_B, MovedTokens
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._shares import format_percent
from tokbench.report._table import Table, tabulate
from tokbench.report._vocabulary import format_bytes

Row = Mapping[str, Any]


def show(found: MovedTokens, top: int) -> Results:
    """Return counts by change with examples.

    top: lines per list; the document and the frame have all of them.
    """
    return Results(lambda: lay_out(found, top), lambda: to_document(found), lambda: to_frame(found))


def lay_out(found: MovedTokens, top: int) -> list[Plain]:
    """Lay out counts, and the first strings that are not where they were."""
    counts = found.count().rename({"ids_a": "ids of a", "ids_b": "ids of b", "share_a": "of a", "share_b": "of b"})
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(("of a", "of b"), format_percent)
    formats |= dict.fromkeys(("strings", "special", "ids of a", "ids of b"), "{:,}".format)
    titles = {MOVED: "same string, other id:", ONLY_A: f"only in {found.a}:", ONLY_B: f"only in {found.b}:"}
    return [
        Prose((f"a = {found.a} ({found.ids_a:,} ids), b = {found.b} ({found.ids_b:,} ids)", describe_cache(found))),
        tabulate(counts.to_dicts(), formats=formats),
        *(lay_out_strings(rows, titles[change], top) for change in titles if (rows := found.select(change)).height),
        *([lay_out_reused(found.reused, top)] if found.reused.height else []),
    ]


def describe_cache(found: MovedTokens) -> str:
    """Say whether ids of one vocabulary can be read with the other."""
    if found.reused.height:
        wrong = write_count(found.reused.height, "id")
        return f"ids kept from a are wrong for b: another string has {wrong} of a"
    if found.select(ONLY_A).height or found.select(MOVED).height:
        return "no id of a stands for another string in b, but b lacks some of them"
    return "ids kept from a are right for b"


def lay_out_strings(rows: pl.DataFrame, title: str, top: int) -> Table:
    """Lay out the first strings with their ids."""
    shown = [
        {"ids of a": row["ids_a"], "ids of b": row["ids_b"], "token": write_string(row)}
        for row in rows.head(top).to_dicts()
    ]
    return tabulate(shown, title)


def lay_out_reused(reused: pl.DataFrame, top: int) -> Table:
    """Lay out the first ids that stand for two strings."""
    shown = [
        {"id": row["id"], "in a": format_bytes(row["bytes_a"]), "in b": format_bytes(row["bytes_b"])}
        for row in reused.head(top).to_dicts()
    ]
    return tabulate(shown, "same id, other string:")


def write_string(row: Row) -> str:
    """Quote a string; say of a special token that it is one."""
    return format_bytes(row["bytes"]) + (" (special)" if row["special"] else "")


def write_texts(frame: pl.DataFrame, *columns: str) -> pl.DataFrame:
    """Return bytes in hexadecimal, each with a column for the text (null if the bytes are not whole characters)."""
    texts = {
        column.replace("bytes", "text"): pl.Series(map(decode, frame[column].to_list()), dtype=pl.String)
        for column in columns
    }
    return frame.with_columns(pl.col(columns).bin.encode("hex")).with_columns(**texts)


def decode(content: bytes | None) -> str | None:
    """Return bytes as text; None if there are none, or if they are not whole characters."""
    try:
        return None if content is None else content.decode()
    except UnicodeDecodeError:
        return None


def to_frame(found: MovedTokens) -> pl.DataFrame:
    """Return all strings that are not where they were."""
    changed = found.strings.filter(pl.col("change") != CHANGES[0])
    return write_texts(changed, "bytes").with_columns(pl.col("change").cast(pl.String))


def to_document(found: MovedTokens) -> dict[str, Any]:
    """Convert to a JSON document, with bytes in hexadecimal."""
    return {
        "a": found.a,
        "b": found.b,
        "ids_a": found.ids_a,
        "ids_b": found.ids_b,
        "counts": found.count().to_dicts(),
        "changed": to_frame(found).to_dicts(),
        "reused": write_texts(found.reused, "bytes_a", "bytes_b").to_dicts(),
    }
