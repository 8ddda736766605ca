"""`tokbench view`: a local page that shows how tokenizers split a text."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Offline, OptionalTokenizerNames, open_corpus


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
    from tokbench.adapters.selection import take_sample
    from tokbench.measurement.loading import DEFAULT_TOKENIZERS, load_tokenizers
    from tokbench.report.live import make_app, serve

    loaded, skipped = load_tokenizers(
        tokenizers or DEFAULT_TOKENIZERS,
        take_sample(open_corpus(None)),
        skip_missing=not tokenizers,
        offline=offline or not tokenizers,
    )
    app = make_app({tokenizer.name: tokenizer for tokenizer in loaded})
    for tokenizer in loaded:
        tokenizer.token_table()  # here, rather than at the first keystroke

    def announce(address: str) -> None:
        typer.echo(f"{len(loaded)} tokenizers on {address} (Ctrl-C to stop)")
        if skipped:
            typer.echo(f"not available: {', '.join(s.name for s in skipped)}", err=True)
        if browser:
            typer.launch(address)

    serve(app, port, announce)
