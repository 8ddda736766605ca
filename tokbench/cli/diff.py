"""`tokbench diff`: what changed between two comparisons, also for CI."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    import polars as pl

    from tokbench.comparison.diff import SignatureChange

MOST_LINES = 40


def run(
    old: Annotated[Path, typer.Argument(help="Comparison written by `compare -o old.json`.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Later comparison.", show_default=False)],
    metrics: Annotated[
        list[str] | None,
        typer.Option("-m", "--metric", help="Only this metric. Repeatable. [default: all but timings]"),
    ] = None,
    fail_over: Annotated[
        float | None,
        typer.Option(help="Exit with status 1 if a value got worse by more than this factor, such as 1.02.", min=1.0),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Compare results on different texts, languages or numbers of segments.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write all values as JSON.")] = False,
) -> None:
    """Show what changed between two saved comparisons.

    Lists changed values and differing signature fields. Both must be on the same texts, unless --force is given.

    With --fail-over, exits with status 1 if a value got worse in its metric's direction by more than the factor, or
    became undefined or disappeared.
    """
    import polars as pl

    from tokbench.comparison import load
    from tokbench.comparison.diff import compare_signatures, find_changes, find_obstacles

    before, after = load(old), load(new)
    changes = find_changes(before, after, metrics)
    if not (changes["in_old"] & changes["in_new"]).any():
        raise TokbenchError(f"{old} and {new} have no value in common", "compare the same tokenizers and metrics")
    obstacles = find_obstacles(before, after)
    if obstacles and not force:
        raise TokbenchError(f"{old} and {new} are not comparable: {'; '.join(obstacles)}", "compare them with --force")
    limit = float("inf") if fail_over is None else fail_over
    regressions = changes.filter((pl.col("worse") > limit) | (pl.col("worse").is_infinite() & (limit < float("inf"))))
    signatures = compare_signatures(before, after)
    if as_json:
        typer.echo(write_json(changes, signatures, regressions))
    else:
        typer.echo(write_changes(changes, signatures), nl=False)
        if fail_over is not None:
            typer.echo(write_verdict(regressions, fail_over), nl=False)
    if regressions.height:
        raise typer.Exit(1)


def write_json(changes: pl.DataFrame, signatures: list[SignatureChange], regressions: pl.DataFrame) -> str:
    """Format all values and the differing signature fields as JSON.

    An infinite factor is the string "inf".
    """
    import json
    from dataclasses import asdict

    rows = [write_infinite(row) for row in changes.drop("in_old", "in_new").to_dicts()]
    worse = [write_infinite(row) for row in regressions.drop("in_old", "in_new").to_dicts()]
    document = {"signature": [asdict(change) for change in signatures], "changes": rows, "regressions": worse}
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)


def write_infinite(row: dict[str, Any]) -> dict[str, Any]:
    """Replace infinite values in a row, which JSON cannot represent."""
    return {key: "inf" if value == float("inf") else value for key, value in row.items()}


def write_changes(changes: pl.DataFrame, signatures: list[SignatureChange]) -> str:
    """Format the changes, largest first.

    Then values only one side has, and differing signature fields.
    """
    import polars as pl

    lines = [f"signatures differ in {c.field}: {shorten(c.old)} -> {shorten(c.new)}" for c in signatures]
    lines = lines or ["signatures are equal"]
    shared = changes.filter(pl.col("in_old") & pl.col("in_new"))
    differ = shared.filter(pl.col("old").ne_missing(pl.col("new")))
    size = (pl.col("new") - pl.col("old")).abs() / pl.max_horizontal(pl.col("old").abs(), pl.col("new").abs())
    # Values that became defined or undefined come first.
    ordered = differ.sort(size.fill_null(float("inf")), descending=True, maintain_order=True)
    lines += [f"  {write_row(row)}" for row in ordered.head(MOST_LINES).to_dicts()]
    if ordered.height > MOST_LINES:
        lines.append(f"  ... and {ordered.height - MOST_LINES:,} more (use --json to see all)")
    lines.append(f"{differ.height:,} of {shared.height:,} values differ")
    for side, other in (("old", "new"), ("new", "old")):
        alone = changes.filter(pl.col(f"in_{side}") & ~pl.col(f"in_{other}"))
        if alone.height:
            names = ", ".join(alone["tokenizer"].unique(maintain_order=True))
            lines.append(f"{alone.height:,} values are only in the {side} comparison (of {names})")
    return "".join(f"{line}\n" for line in lines)


def write_row(row: dict[str, Any]) -> str:
    """Format one change."""
    where = row["lang"] or "all languages"
    before, after = ("null" if row[side] is None else f"{row[side]:.6g}" for side in ("old", "new"))
    ratio = "" if row["ratio"] is None else f" (x {row['ratio']:.4f})"
    return f"{row['metric']} of {row['tokenizer']} on {where}: {before} -> {after}{ratio}{write_direction(row)}"


def write_direction(row: dict[str, Any]) -> str:
    """Return whether a change is for the worse, as text."""
    if row["worse"] is None or row["worse"] == 1:
        return ""
    return ", worse" if row["worse"] > 1 else ", better"


def write_verdict(regressions: pl.DataFrame, limit: float) -> str:
    """Format the outcome of --fail-over."""
    if regressions.is_empty():
        return f"no value got worse by more than a factor of {limit:g}\n"
    lines = [f"  {write_row(row)}" for row in regressions.head(MOST_LINES).to_dicts()]
    return "".join(
        f"{line}\n" for line in [f"{regressions.height:,} values got worse by more than a factor of {limit:g}:", *lines]
    )


def shorten(field: str | None) -> str:
    """Shorten a signature field to fit on a line."""
    if field is None:
        return "none"
    return field if len(field) <= 90 else f"{field[:60]}...{field[-25:]}"
