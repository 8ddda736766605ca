"""`tokbench diff`: what changed from one comparison to the next, for continuous integration too."""

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
    old: Annotated[Path, typer.Argument(help="A comparison as `compare -o old.json` wrote it.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Another, made later.", show_default=False)],
    metrics: Annotated[
        list[str] | None, typer.Option("-m", "--metric", help="Only this metric. [default: all but timings]")
    ] = None,
    fail_over: Annotated[
        float | None,
        typer.Option(help="End with status 1 when a value got worse by more than this factor, as 1.02.", min=1.0),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="All values as JSON.")] = False,
) -> None:
    """Show what changed between two saved comparisons: values, and the fields in which the signatures differ.

    With --fail-over, a value that got worse in its metric's direction by more than the factor, or that is no longer
    defined or no longer there, ends the command with status 1.
    """
    import polars as pl

    from tokbench.comparison import load
    from tokbench.comparison.diff import compare_signatures, find_changes

    before, after = load(old), load(new)
    changes = find_changes(before, after, metrics)
    if not (changes["in_old"] & changes["in_new"]).any():
        raise TokbenchError(f"{old} and {new} have no figure in common", "compare the same tokenizers and metrics")
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
    """All values and the fields of the signatures that differ; an infinite factor is the string "inf"."""
    import json
    from dataclasses import asdict

    rows = [write_infinite(row) for row in changes.drop("in_old", "in_new").to_dicts()]
    worse = [write_infinite(row) for row in regressions.drop("in_old", "in_new").to_dicts()]
    document = {"signature": [asdict(change) for change in signatures], "changes": rows, "regressions": worse}
    return json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False)


def write_infinite(row: dict[str, Any]) -> dict[str, Any]:
    """A row that JSON can hold."""
    return {key: "inf" if value == float("inf") else value for key, value in row.items()}


def write_changes(changes: pl.DataFrame, signatures: list[SignatureChange]) -> str:
    """What changed, largest first; what only one of the two has; which fields of the signatures differ."""
    import polars as pl

    lines = [f"signatures differ in {c.field}: {shorten(c.old)} -> {shorten(c.new)}" for c in signatures]
    lines = lines or ["signatures are equal"]
    shared = changes.filter(pl.col("in_old") & pl.col("in_new"))
    differ = shared.filter(pl.col("old").ne_missing(pl.col("new")))
    size = (pl.col("new") - pl.col("old")).abs() / pl.max_horizontal(pl.col("old").abs(), pl.col("new").abs())
    # What is no longer defined, or newly so, comes first.
    ordered = differ.sort(size.fill_null(float("inf")), descending=True, maintain_order=True)
    lines += [f"  {write_row(row)}" for row in ordered.head(MOST_LINES).to_dicts()]
    if ordered.height > MOST_LINES:
        lines.append(f"  ... and {ordered.height - MOST_LINES:,} more (all of them: --json)")
    lines.append(f"{differ.height:,} of {shared.height:,} values differ")
    for side, other in (("old", "new"), ("new", "old")):
        alone = changes.filter(pl.col(f"in_{side}") & ~pl.col(f"in_{other}"))
        if alone.height:
            names = ", ".join(alone["tokenizer"].unique(maintain_order=True))
            lines.append(f"{alone.height:,} values are only in the {side} comparison (of {names})")
    return "".join(f"{line}\n" for line in lines)


def write_row(row: dict[str, Any]) -> str:
    """One change."""
    where = row["lang"] or "all languages"
    before, after = ("null" if row[side] is None else f"{row[side]:.6g}" for side in ("old", "new"))
    ratio = "" if row["ratio"] is None else f" (x {row['ratio']:.4f})"
    return f"{row['metric']} of {row['tokenizer']} on {where}: {before} -> {after}{ratio}{write_direction(row)}"


def write_direction(row: dict[str, Any]) -> str:
    """Whether a change is one for the worse."""
    if row["worse"] is None or row["worse"] == 1:
        return ""
    return ", worse" if row["worse"] > 1 else ", better"


def write_verdict(regressions: pl.DataFrame, limit: float) -> str:
    """The end of the output when a limit was set."""
    if regressions.is_empty():
        return f"no value got worse by more than a factor of {limit:g}\n"
    lines = [f"  {write_row(row)}" for row in regressions.head(MOST_LINES).to_dicts()]
    return "".join(
        f"{line}\n" for line in [f"{regressions.height:,} values got worse by more than a factor of {limit:g}:", *lines]
    )


def shorten(field: str | None) -> str:
    """A field of a signature, not longer than a line has room for."""
    if field is None:
        return "none"
    return field if len(field) <= 90 else f"{field[:60]}...{field[-25:]}"
