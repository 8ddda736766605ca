"""Texts that leave this machine: options, and progress of counting by the API of closed models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._echo import echo
from tokbench.cli._numbers import whole_option
from tokbench.cli._progress import show_progress
from tokbench.errors import INTERRUPTED, TokbenchError

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer
    from tokbench.corpora import Corpus, Stream
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
REQUESTS = "requests"
"""The phase of counting by an API, one request per text."""


def count_closed_models(
    names: Sequence[str], texts: Corpus | Stream, *, allow_upload: bool, max_requests: int, offline: bool
) -> list[str | Tokenizer]:
    """Count the texts by each `anthropic:MODEL` and `gemini:MODEL` among the names, and return the counts in its place.

    Unless texts may be sent, names are returned as they are: counts that are in the cache are used anyway.
    """
    from tokbench.catalog.counting_apis import is_counting_model
    from tokbench.corpora import Stream
    from tokbench.measurement.api_counts import count_by_api

    counted: list[str | Tokenizer] = []
    for name in names:
        if not (allow_upload and is_counting_model(name)):
            counted.append(name)
            continue
        if isinstance(texts, Stream):
            raise TokbenchError(f"{name} cannot count a stream", "leave it out, or give a corpus")
        with show_counts() as on_step:
            counted.append(
                count_by_api(
                    name, texts, allow_upload=True, max_requests=max_requests, offline=offline, on_step=on_step
                )
            )
    return counted


@contextmanager
def show_counts() -> Iterator[CountStep]:
    """Show how many texts were counted; say what is kept if interrupted.

    Yields the function to call after each text.
    """
    counted = total = 0
    try:
        with show_progress() as progress:

            def on_step(model: str, done: int, texts: int) -> None:
                nonlocal counted, total
                if not total:
                    progress.start(REQUESTS, texts)
                progress.advance(REQUESTS, done - counted, model)
                counted, total = done, texts

            yield on_step
    except KeyboardInterrupt:
        if not total:
            raise
        echo(f"tokbench: interrupted: {counted:,} of {total:,} counts are kept", err=True)
        raise typer.Exit(INTERRUPTED) from None
