"""Texts that leave this machine: options, and progress of counting by the API of closed models."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._echo import echo
from tokbench.cli._invocation import running
from tokbench.cli._numbers import whole_option
from tokbench.errors import INTERRUPTED

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer
    from tokbench.corpora import Corpus
    from tokbench.measurement.api_counts import CountStep

AllowUpload = Annotated[
    bool,
    typer.Option(
        "--allow-upload",
        help="Send texts to the provider of anthropic:MODEL or gemini:MODEL, to count their tokens. Counts are kept.",
    ),
]
MaxRequests = Annotated[
    int, whole_option("--max-requests", low=1, help="Limit of requests to each counting API, one per text.")
]
DEFAULT_REQUESTS = 5_000


def count_closed_models(
    names: Sequence[str], texts: Corpus, *, allow_upload: bool, max_requests: int, offline: bool
) -> list[str | Tokenizer]:
    """Count the texts by each `anthropic:MODEL` and `gemini:MODEL` among the names, and return the counts in its place.

    Unless texts may be sent, names are returned as they are: counts that are in the cache are used anyway.
    """
    from tokbench.catalog.counting_apis import is_counting_model
    from tokbench.measurement.api_counts import count_by_api

    counted: list[str | Tokenizer] = []
    for name in names:
        if not (allow_upload and is_counting_model(name)):
            counted.append(name)
            continue
        with show_counts() as on_step:
            counted.append(
                count_by_api(
                    name, texts, allow_upload=True, max_requests=max_requests, offline=offline, on_step=on_step
                )
            )
    return counted


@contextmanager
def show_counts() -> Iterator[CountStep]:
    """Show a progress bar on standard error if it is a terminal; say what is kept if interrupted.

    Yields the function to call after each text.
    """
    last = ("", 0, 0)
    bar = None
    if not running().quiet and sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        bar = Progress(*columns, console=Console(stderr=True), transient=True)
        task = bar.add_task("counting", total=None)
        bar.start()

    def on_step(model: str, counted: int, total: int) -> None:
        nonlocal last
        last = model, counted, total
        if bar is not None:
            bar.update(task, completed=counted, total=total, description=f"counting by {model}")

    try:
        try:
            yield on_step
        finally:
            if bar is not None:
                bar.stop()
    except KeyboardInterrupt:
        _, counted, total = last
        if not total:
            raise
        echo(f"tokbench: interrupted: {counted:,} of {total:,} counts are kept", err=True)
        raise typer.Exit(INTERRUPTED) from None
