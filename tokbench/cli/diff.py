"""`tokbench diff`: what changed between two comparisons, also for CI."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tokbench.cli._numbers import decimal_option
from tokbench.cli._options import Json, list_option
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError


def run(
    old: Annotated[Path, typer.Argument(help="Comparison written by `compare -o old.json`.", show_default=False)],
    new: Annotated[Path, typer.Argument(help="Later comparison.", show_default=False)],
    metrics: Annotated[
        list[str] | None,
        list_option("-m", "--metric", metavar="METRIC", help="Only these metrics. [default: all but timings]"),
    ] = None,
    fail_over: Annotated[
        float | None,
        decimal_option(
            "--fail-over",
            low=1.0,
            high=1_000_000,
            help="Exit with status 1 if a value got worse by more than this factor, such as 1.02.",
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Also show the changes between results on different texts.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show what changed between two saved comparisons.

    Lists changed values and differing signature fields. Results on different texts, languages or segments are refused.

    With --fail-over, exits with status 1 if a value got worse in its metric's direction by more than the factor, or
    became undefined or disappeared.
    """
    import polars as pl

    from tokbench.comparison import load
    from tokbench.comparison.diff import check_comparable, compare_signatures, find_changes
    from tokbench.report._changes import show

    before, after = load(old), load(new)
    if not force:
        check_comparable(before, after)
    changes = find_changes(before, after, metrics)
    if not (changes["in_old"] & changes["in_new"]).any():
        raise TokbenchError(f"{old} and {new} have no value in common", "compare the same tokenizers and metrics")
    limit = float("inf") if fail_over is None else fail_over
    regressions = changes.filter((pl.col("worse") > limit) | (pl.col("worse").is_infinite() & (limit < float("inf"))))
    signatures = compare_signatures(before, after)
    print_results(show(changes, signatures, regressions, fail_over), "json" if as_json else "table")
    if regressions.height:
        raise typer.Exit(1)
