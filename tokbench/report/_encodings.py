"""The tokens of a text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokbench.adapters import Tokenizer, write_token
from tokbench.analysis.token_positions import Position, find_positions
from tokbench.report._document_model import Points, Results


def show(tokenizers: Sequence[Tokenizer], text: str, *, special: bool) -> Results:
    """Return the tokens of a text by each tokenizer."""
    described = [describe(tokenizer, text, special=special) for tokenizer in tokenizers]
    return Results(lambda: [lay_out(encoding) for encoding in described], lambda: described)


def lay_out(encoding: dict[str, Any]) -> Points:
    """Lay out counts, token boundaries and ids."""
    return Points(
        (
            f"{encoding['tokenizer']}: {len(encoding['ids'])} tokens, {encoding['bytes']} bytes, "
            f"{encoding['chars']} characters",
            "  |" + "|".join(token["text"] for token in encoding["tokens"]) + "|",
            "  " + " ".join(map(str, encoding["ids"])),
        )
    )


def describe(tokenizer: Tokenizer, text: str, *, special: bool) -> dict[str, Any]:
    """Describe the tokens of a text as a JSON document."""
    encode = tokenizer.encode_with_special if special else tokenizer.encode_batch
    ids = encode([text]).ids.tolist()
    found = find_positions(tokenizer, text, ids)
    places: Sequence[Position | None] = [None] * len(ids) if found is None else found
    return {
        "tokenizer": tokenizer.name,
        "engine": tokenizer.engine,
        "bytes": len(text.encode()),
        "chars": len(text),
        "ids": ids,
        "tokens": [show_token(tokenizer, *pair) for pair in zip(ids, places, strict=True)],
        "decoded": tokenizer.decode(ids),
    }


def show_token(tokenizer: Tokenizer, token: int, place: Position | None) -> dict[str, Any]:
    """Describe one token: id, bytes in hexadecimal, printable text, and its place in the text.

    The bytes of a special token are null, and so are places that are not known.
    """
    content = tokenizer.token_bytes(token)
    places = dict.fromkeys(Position._fields) if place is None else place._asdict()
    hexadecimal = None if content is None else content.hex()
    return {"id": token, "bytes": hexadecimal, "text": write_token(token, content), **places}
