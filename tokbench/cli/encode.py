"""`tokbench encode`: show the tokens of a text and their boundaries."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from tokbench.cli._options import Json, Offline, expand_tokenizers
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError


def run(
    arguments: Annotated[
        list[str],
        typer.Argument(
            metavar="TOKENIZER... [TEXT|-]",
            help="One or more tokenizers, then the text. With - or a single tokenizer, text comes from standard input.",
            show_default=False,
        ),
    ],
    special: Annotated[
        bool, typer.Option("--special", help="Recognise special tokens such as <|endoftext|> in the text.")
    ] = False,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Show the tokens of a text: ids, bytes and boundaries.

    If a token holds only part of a character, its bytes are shown, as in \\xe4. The text of special tokens is treated
    as plain text unless --special is given. JSON has the place of each token in the text, in bytes and characters.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.report._encodings import show

    names, text = (arguments[:-1], arguments[-1]) if len(arguments) > 1 else (arguments, "-")
    text = read_input() if text == "-" else check_text(text)
    tokenizers = [load_tokenizer(name, offline=offline) for name in expand_tokenizers(names, offline=offline)]
    print_results(show(tokenizers, text, special=special), "json" if as_json else "table")


def check_text(text: str) -> str:
    """Check an argument; TokbenchError if its bytes were not valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TokbenchError(f"the text is not UTF-8 at character {error.start}", "convert it first") from error
    return text


def read_input() -> str:
    """Read standard input as UTF-8; TokbenchError if it is not valid."""
    if sys.stdin is None:
        raise TokbenchError("standard input is closed", "give the text as the last argument")
    if sys.stdin.isatty():
        raise TokbenchError("there is no text to encode", "for example: tokbench encode gpt-neox-20b 'Hello world'")
    data = sys.stdin.buffer.read()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TokbenchError(f"standard input is not UTF-8 at byte {error.start}", "convert it first") from error
