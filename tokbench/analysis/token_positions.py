"""Where the tokens of a text lie in it, in bytes and in characters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tokbench.adapters import Tokenizer

_Places = npt.NDArray[np.int64]


class Position(NamedTuple):
    """The part of a text that a token covers; ends are exclusive.

    byte_start, byte_end: in UTF-8; empty for a token that covers nothing, such as a space that the engine prepends.
    char_start, char_end: the characters (code points) that it has bytes of, so that a character over several tokens
    belongs to each of them.
    """

    byte_start: int
    byte_end: int
    char_start: int
    char_end: int


def find_positions(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> list[Position] | None:
    """Return where each token of a text lies.

    ids: of the text, by `encode_batch` or `encode_with_special`.

    Positions follow from the bytes of the tokens; where these are not those of the text, from what the engine reports,
    in whole characters. None if neither says, as for special tokens in a text that is normalised.
    """
    bounds = np.cumsum([0, *(len(character.encode()) for character in text)])
    located = locate_bytes(tokenizer, text, ids)
    if located is None:
        located = ask_engine(tokenizer, text, ids, bounds)
    if located is None:
        return None
    starts, ends = (np.clip(places, 0, bounds[-1]) for places in located)
    first = np.searchsorted(bounds, starts, side="right") - 1
    last = np.where(ends > starts, np.searchsorted(bounds, ends, side="left"), first)
    columns = (starts.tolist(), ends.tolist(), first.tolist(), last.tolist())
    return [Position(*row) for row in zip(*columns, strict=True)]


def locate_bytes(tokenizer: Tokenizer, text: str, ids: Sequence[int]) -> tuple[_Places, _Places] | None:
    """Return starts and ends in bytes if the bytes of the tokens, special ones by their text, are those of the text."""
    table, named, prefix = tokenizer.token_table(), tokenizer.special_tokens(), tokenizer.prefix
    contents = [table[number] if table.known[number] else (named.get(number) or "").encode() for number in ids]
    if prefix is None or b"".join(content or b"" for content in contents) != prefix + text.encode():
        return None
    bounds = np.cumsum([-len(prefix), *(len(content or b"") for content in contents)])
    return bounds[:-1], bounds[1:]


def ask_engine(tokenizer: Tokenizer, text: str, ids: Sequence[int], bounds: _Places) -> tuple[_Places, _Places] | None:
    """Return starts and ends in bytes as the engine reports them, if it gives the same ids."""
    found = tokenizer.spans([text])
    if found is None or found.batch.ids.tolist() != list(ids):
        return None
    return bounds[found.starts], bounds[found.ends]
