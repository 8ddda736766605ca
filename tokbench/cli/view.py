"""`tokbench view`: a local page that shows how tokenizers cut a text."""

from __future__ import annotations

from typing import Annotated

import typer


def run(
    tokenizers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Catalogue names, aliases, paths, or hf:org/name[@revision]. By default those of the table of 2023, "
            "GPT-NeoX and what installed packages carry that are here.",
            show_default=False,
        ),
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 for any that is free.")] = 8765,
    browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in the browser.")] = True,
    offline: Annotated[bool, typer.Option("--offline", help="Open no network connection.")] = False,
) -> None:
    """Show in a browser how tokenizers cut a text: tokens, ids, bytes, differences, premium, cost on Pythia.

    The page is served on 127.0.0.1 to this machine alone, until Ctrl-C. No text leaves it; the address of the page
    keeps text and choices, behind the hash that browsers do not send.
    """
    from tokbench.adapters.selection import take_sample
    from tokbench.corpora import load_corpus
    from tokbench.measurement.loading import DEFAULT_TOKENIZERS, load_tokenizers
    from tokbench.report.live import make_app, serve

    loaded, skipped = load_tokenizers(
        tokenizers or DEFAULT_TOKENIZERS,
        take_sample(load_corpus()),
        skip_missing=not tokenizers,
        offline=offline or not tokenizers,
    )
    app = make_app({tokenizer.name: tokenizer for tokenizer in loaded})
    for tokenizer in loaded:
        tokenizer.token_table()  # once, here, and not at the first keystroke

    def announce(address: str) -> None:
        typer.echo(f"{len(loaded)} tokenizers on {address} (Ctrl-C ends)")
        if skipped:
            typer.echo(f"not here: {', '.join(s.name for s in skipped)}", err=True)
        if browser:
            typer.launch(address)

    serve(app, port, announce)
