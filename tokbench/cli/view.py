"""`tokbench view`: a local page that shows how tokenizers split a text."""

from __future__ import annotations

import warnings
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench._shared.quantities import write_count
from tokbench.cli._echo import echo
from tokbench.cli._invocation import Invocation, running
from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Offline, OptionalTokenizerNames, open_corpus
from tokbench.cli._progress import show_progress

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer


def run(
    tokenizers: OptionalTokenizerNames = None,
    port: Annotated[
        int, whole_option("--port", high=65_535, max=65_535, help="Port to listen on; 0 for any free port.")
    ] = 8765,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    offline: Offline = False,
) -> None:
    """Show in a browser how tokenizers split a text.

    The page shows tokens, ids, bytes, differences, premium and cost on Pythia. By default, it shows the tokenizers that
    are available locally.

    The page is served on 127.0.0.1 to this machine only, until Ctrl-C. No text leaves the machine; the page's address
    keeps the text and choices after the #, which browsers do not send.
    """
    from tokbench.report.live import Worker, make_app, serve

    asked = running()
    worker = Worker(partial(load, tokenizers, offline=offline, quiet=asked.quiet, verbose=asked.verbose))
    try:
        app = make_app(worker)
        served = worker.start()

        def announce(address: str) -> None:
            echo(f"{write_count(len(served.tokenizers), 'tokenizer')} on {address} (Ctrl-C to stop)")
            if served.missing:
                echo(f"not available: {', '.join(served.missing)}", err=True)
            if browser:
                typer.launch(address)

        serve(app, port, announce)
    finally:
        worker.close()


def load(
    tokenizers: list[str] | None, *, offline: bool, quiet: bool = False, verbose: int = 0
) -> tuple[list[Tokenizer], list[str]]:
    """Load the tokenizers of the page, in its process; return them and the names of those not available."""
    from tokbench._shared.progress import LOADING
    from tokbench.adapters.selection import take_sample
    from tokbench.cli._warnings import show_warning
    from tokbench.measurement.loading import DEFAULT_TOKENIZERS, start_loading

    warnings.showwarning = show_warning
    with (
        Invocation(quiet=quiet, verbose=verbose).active(),
        show_progress() as progress,
        start_loading(
            tokenizers or DEFAULT_TOKENIZERS,
            take_sample(open_corpus(None)),
            skip_missing=not tokenizers,
            offline=offline or not tokenizers,
        ) as loading,
    ):
        progress.start(LOADING, len(loading))
        loading.tell_ready(lambda name: progress.advance(LOADING, what=name))
        return loading.finish(), [one.name for one in loading.skipped]
