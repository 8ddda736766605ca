"""`tokbench encode`: show the tokens of a text and their boundaries."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokbench.cli._options import Json, Offline
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.adapters import Tokenizer


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
    as plain text unless --special is given.
    """
    from tokbench.adapters import load_tokenizer

    names, text = (arguments[:-1], arguments[-1]) if len(arguments) > 1 else (arguments, "-")
    text = read_input() if text == "-" else check_text(text)
    tokenizers = [load_tokenizer(name, offline=offline) for name in names]
    described = [describe(tokenizer, text, special=special) for tokenizer in tokenizers]
    if as_json:
        typer.echo(json.dumps(described, ensure_ascii=False, indent=1))
        return
    for encoding in described:
        typer.echo(
            f"{encoding['tokenizer']}: {len(encoding['ids'])} tokens, {encoding['bytes']} bytes, "
            f"{encoding['chars']} characters"
        )
        typer.echo("  |" + "|".join(token["text"] for token in encoding["tokens"]) + "|")
        typer.echo("  " + " ".join(map(str, encoding["ids"])))


def check_text(text: str) -> str:
    """Check an argument; TokbenchError if its bytes were not valid UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise TokbenchError(f"the text is not UTF-8 at character {error.start}", "convert it first") from error
    return text


def read_input() -> str:
    """Read standard input as UTF-8; TokbenchError if it is not valid."""
    if sys.stdin.isatty():
        raise TokbenchError("there is no text to encode", "for example: tokbench encode gpt-neox-20b 'Hello world'")
    data = sys.stdin.buffer.read()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise TokbenchError(f"standard input is not UTF-8 at byte {error.start}", "convert it first") from error


def describe(tokenizer: Tokenizer, text: str, *, special: bool) -> dict[str, Any]:
    """Describe the tokens of a text as a JSON document."""
    encode = tokenizer.encode_with_special if special else tokenizer.encode_batch
    ids = encode([text]).ids.tolist()
    return {
        "tokenizer": tokenizer.name,
        "engine": tokenizer.engine,
        "bytes": len(text.encode()),
        "chars": len(text),
        "ids": ids,
        "tokens": [show_token(tokenizer, token) for token in ids],
        "decoded": tokenizer.decode(ids),
    }


def show_token(tokenizer: Tokenizer, token: int) -> dict[str, Any]:
    """Describe one token: id, bytes in hexadecimal, and printable text.

    The bytes of a special token are null.
    """
    from tokbench.adapters import write_token

    content = tokenizer.token_bytes(token)
    return {"id": token, "bytes": None if content is None else content.hex(), "text": write_token(token, content)}
