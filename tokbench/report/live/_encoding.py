"""Compute what the page shows about a text: counts, pieces, differences, costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench._shared.threads import map_ordered
from tokbench.adapters import Tokenizer
from tokbench.errors import EngineError, TokbenchError
from tokbench.pythia.cost.whatif import swap_tokenizer
from tokbench.pythia.model.arithmetic import kv_cache_bytes, prefill_flops
from tokbench.pythia.model.resolution import ModelSpec, resolve_named
from tokbench.report._escaping import reveal_bytes

MOST_PIECES = 20_000


@dataclass(frozen=True)
class Question:
    """A request of the page.

    text: the text to encode.
    second: a text to compare with; may be empty.
    tokenizers: names.
    model: a name of the suite or of another family.
    pieces: number of pieces to show.
    """

    text: str
    second: str
    tokenizers: tuple[str, ...]
    model: str
    pieces: int

    @classmethod
    def read(cls, document: Any) -> Question:
        """Parse a question from JSON; TokbenchError if it is invalid."""
        if not isinstance(document, dict):
            raise TokbenchError("the request must be a JSON object")
        fields: Mapping[str, Any] = document
        texts = {name: fields.get(name, "") for name in ("text", "second")}
        names = fields.get("tokenizers", [])
        pieces = fields.get("pieces", 1000)
        if not all(isinstance(text, str) for text in texts.values()):
            raise TokbenchError("text and second must be strings")
        for name, text in texts.items():
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise TokbenchError(f"{name} contains a lone surrogate, which is not a character", "remove it")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise TokbenchError("tokenizers must be a list of names")
        if len(set(names)) < len(names):
            raise TokbenchError("tokenizers must name each tokenizer once")
        if not isinstance(pieces, int) or isinstance(pieces, bool) or not 0 <= pieces <= MOST_PIECES:
            raise TokbenchError(f"pieces must be an integer from 0 to {MOST_PIECES}")
        model = fields.get("model", "1.4B")
        if not isinstance(model, str):
            raise TokbenchError("model must be the name of a model")
        return cls(texts["text"], texts["second"], tuple(names), model, pieces)


@dataclass(frozen=True)
class Encoded:
    """A text encoded by one tokenizer.

    tokens, second_tokens: number of tokens (None without a second text).
    premium: tokens of the first text over those of the second.
    gflop, kv_mib: compute to read the text on the model, and the size of its KV cache.
    fits: whether the text fits the model's context.
    pieces: the first tokens, as id, text and bytes in hexadecimal (None: special).
    differs: per piece, whether the first tokenizer has no token at the same position; None if the bytes of the tokens
        are not those of the text.
    """

    tokenizer: str
    tokens: int
    second_tokens: int | None
    premium: float | None
    gflop: float
    kv_mib: float
    fits: bool
    pieces: tuple[tuple[int, str, str | None], ...]
    differs: tuple[bool, ...] | None


@dataclass(frozen=True)
class Refused:
    """A tokenizer whose engine rejects a text, and why."""

    tokenizer: str
    error: str


def answer(question: Question, tokenizers: Mapping[str, Tokenizer]) -> list[Encoded | Refused]:
    """Encode the text with each requested tokenizer.

    Raises TokbenchError for a tokenizer that is not served, or an unknown model.
    """
    model = resolve_named(question.model)
    for name in question.tokenizers:
        if name not in tokenizers:
            raise TokbenchError(f"no tokenizer {name!r} is served here", f"choose from: {', '.join(tokenizers)}")
    chosen = [tokenizers[name] for name in question.tokenizers]
    first: npt.NDArray[np.int64] | None = None
    found: list[Encoded | Refused] = []
    for tokenizer, encoded in zip(chosen, map_ordered(lambda t: encode(t, question), chosen), strict=True):
        if isinstance(encoded, Refused):
            found.append(encoded)
            continue
        ids, second = encoded
        places = find_places(tokenizer, ids, question.text)
        if not any(isinstance(one, Encoded) for one in found):
            first = places
        differs = compare_places(places, first, question.pieces)
        found.append(describe(tokenizer, ids, second, question, model, differs))
    return found


def encode(tokenizer: Tokenizer, question: Question) -> tuple[npt.NDArray[np.int32], int | None] | Refused:
    """Return the ids of the text, and the token count of the second text.

    None without a second text.
    """
    try:
        ids = tokenizer.encode_batch([question.text]).ids
        return ids, int(tokenizer.count_batch([question.second])[0]) if question.second else None
    except EngineError as error:
        return Refused(tokenizer.name, f"{error.fault}; {error.hint}" if error.hint else error.fault)


def find_places(tokenizer: Tokenizer, ids: npt.NDArray[np.int32], text: str) -> npt.NDArray[np.int64] | None:
    """Return the byte span of each token, packed into one integer.

    None if the bytes of the tokens are not those of the text.
    """
    located = tokenizer.token_table().locate(ids, tokenizer.prefix, text.encode())
    if located is None:
        return None
    starts, ends = (np.maximum(bound, 0) for bound in located)
    joined: npt.NDArray[np.int64] = (starts << 32) | ends
    return joined


def compare_places(
    places: npt.NDArray[np.int64] | None, first: npt.NDArray[np.int64] | None, pieces: int
) -> tuple[bool, ...] | None:
    """Return, per piece, whether its span is not one of the first tokenizer's."""
    if places is None or first is None:
        return None
    return tuple((~np.isin(places[:pieces], first)).tolist())


def describe(
    tokenizer: Tokenizer,
    ids: npt.NDArray[np.int32],
    second: int | None,
    question: Question,
    model: ModelSpec,
    differs: tuple[bool, ...] | None,
) -> Encoded:
    """Collect counts, costs and pieces of one tokenizer."""
    shape = swap_tokenizer(model, tokenizer.name, tokenizer.vocab_total).changed
    return Encoded(
        tokenizer=tokenizer.name,
        tokens=len(ids),
        second_tokens=second,
        premium=len(ids) / second if second else None,
        gflop=prefill_flops(shape, len(ids)) / 1e9,
        kv_mib=kv_cache_bytes(shape, len(ids)) / 2**20,
        fits=len(ids) <= shape.context,
        pieces=show_pieces(tokenizer, ids[: question.pieces].tolist()),
        differs=differs,
    )


def show_pieces(tokenizer: Tokenizer, ids: Sequence[int]) -> tuple[tuple[int, str, str | None], ...]:
    """Return tokens as id, printable text, and bytes in hexadecimal."""
    pieces: list[tuple[int, str, str | None]] = []
    for token in ids:
        content = tokenizer.token_bytes(token)
        if content is None or token == tokenizer.unk_id:
            pieces.append((token, f"<{token}>", None))
        else:
            pieces.append((token, reveal_bytes(content), content.hex()))
    return tuple(pieces)
