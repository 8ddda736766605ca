"""What changed between two comparisons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import polars as pl

from tokbench.comparison.diff import SignatureChange
from tokbench.report._document_model import Points, Results

MOST_LINES = 40


def show(
    changes: pl.DataFrame, signatures: Sequence[SignatureChange], regressions: pl.DataFrame, limit: float | None
) -> Results:
    """Return changes, and those that are worse by more than a factor, if one is given."""
    lines = [*list_changes(changes, signatures), *([] if limit is None else list_regressions(regressions, limit))]
    document = {
        "signature": [asdict(change) for change in signatures],
        "changes": list_rows(changes),
        "regressions": list_rows(regressions),
    }
    return Results(lambda: [Points(tuple(lines))], lambda: document, lambda: changes)


def list_rows(changes: pl.DataFrame) -> list[dict[str, Any]]:
    """List all values; infinite ones, which JSON cannot represent, as "inf"."""
    return [
        {key: "inf" if value == float("inf") else value for key, value in row.items()}
        for row in changes.drop("in_old", "in_new").to_dicts()
    ]


def list_changes(changes: pl.DataFrame, signatures: Sequence[SignatureChange]) -> list[str]:
    """List the changes, largest first.

    Then values only one side has, and differing signature fields.
    """
    lines = [f"signatures differ in {c.field}: {shorten(c.old)} -> {shorten(c.new)}" for c in signatures]
    lines = lines or ["signatures are equal"]
    shared = changes.filter(pl.col("in_old") & pl.col("in_new"))
    differ = shared.filter(pl.col("old").ne_missing(pl.col("new")))
    size = (pl.col("new") - pl.col("old")).abs() / pl.max_horizontal(pl.col("old").abs(), pl.col("new").abs())
    # Values that became defined or undefined come first.
    ordered = differ.sort(size.fill_null(float("inf")), descending=True, maintain_order=True)
    lines += [f"  {format_change(row)}" for row in ordered.head(MOST_LINES).to_dicts()]
    if ordered.height > MOST_LINES:
        lines.append(f"  ... and {ordered.height - MOST_LINES:,} more (use --json to see all)")
    lines.append(f"{differ.height:,} of {shared.height:,} values differ")
    for side, other in (("old", "new"), ("new", "old")):
        alone = changes.filter(pl.col(f"in_{side}") & ~pl.col(f"in_{other}"))
        if alone.height:
            names = ", ".join(alone["tokenizer"].unique(maintain_order=True))
            lines.append(f"{alone.height:,} values are only in the {side} comparison (of {names})")
    return lines


def format_change(row: dict[str, Any]) -> str:
    """Format one change."""
    where = row["lang"] or "all languages"
    before, after = ("null" if row[side] is None else f"{row[side]:.6g}" for side in ("old", "new"))
    ratio = "" if row["ratio"] is None else f" (x {row['ratio']:.4f})"
    return f"{row['metric']} of {row['tokenizer']} on {where}: {before} -> {after}{ratio}{format_direction(row)}"


def format_direction(row: dict[str, Any]) -> str:
    """Return whether a change is for the worse, as text."""
    if row["worse"] is None or row["worse"] == 1:
        return ""
    return ", worse" if row["worse"] > 1 else ", better"


def list_regressions(regressions: pl.DataFrame, limit: float) -> list[str]:
    """List what got worse by more than a factor."""
    if regressions.is_empty():
        return [f"no value got worse by more than a factor of {limit:g}"]
    lines = [f"  {format_change(row)}" for row in regressions.head(MOST_LINES).to_dicts()]
    return [f"{regressions.height:,} values got worse by more than a factor of {limit:g}:", *lines]


def shorten(field: str | None) -> str:
    """Shorten a signature field to fit on a line."""
    if field is None:
        return "none"
    return field if len(field) <= 90 else f"{field[:60]}...{field[-25:]}"
