"""What the page shows of tokens: their text and bytes, and the characters that several tokens share."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tokbench._shared.visible_text import reveal_controls
from tokbench.adapters import Tokenizer
from tokbench.measurement.graphemes import find_grapheme_starts

WHOLE, IN_GRAPHEME, IN_CHARACTER = 0, 1, 2
"""Where a token ends: after a whole grapheme cluster, between two code points of one, inside a code point."""

AHEAD = 64
"""Tokens looked at beyond those shown, so that the last character is whole."""

_INVISIBLE = frozenset({"Cf", "Cc", "Zl", "Zp"})
_REPLACEMENT, _LINE_FEED = 0xFFFD, 0x0A


class Piece(NamedTuple):
    """A token.

    text: what it shows; bytes of a partial character are written as escapes.
    content: its bytes in hexadecimal, None for a special token.
    end: where it ends in the text, in UTF-16 code units as JavaScript counts; None inside a code point, or if the bytes
        of the tokens are not those of the text.
    cut: `WHOLE`, `IN_GRAPHEME` or `IN_CHARACTER`.
    """

    id: int
    text: str
    content: str | None
    end: int | None
    cut: int


class Group(NamedTuple):
    """Several tokens that share a grapheme cluster, and the text of all of them."""

    start: int
    size: int
    text: str


class Pieces(NamedTuple):
    """The first tokens of a text."""

    pieces: tuple[Piece, ...]
    groups: tuple[Group, ...]


class Token(NamedTuple):
    """An id, its text if it is special, otherwise its bytes."""

    id: int
    special: str | None
    content: bytes


def cut_pieces(tokenizer: Tokenizer, ids: Sequence[int], most: int, prefix: bytes | None) -> Pieces:
    """Return the first `most` tokens, and some more if these end inside a character.

    prefix: what the tokenizer puts before the text; None if the bytes of the tokens are not those of the text.
    """
    pieces: list[Piece] = []
    groups: list[Group] = []
    for special, run in groupby(read_tokens(tokenizer, ids[: most + AHEAD]), lambda token: token.special is not None):
        tokens = list(run)
        if special:
            pieces += [Piece(token.id, str(token.special), None, None, WHOLE) for token in tokens]
            continue
        groups += place_run(tokens, len(pieces), pieces, prefix)
    shown = most
    while 0 < shown < len(pieces) and pieces[shown - 1].cut != WHOLE:
        shown += 1
    return Pieces(tuple(pieces[:shown]), tuple(group for group in groups if group.start < shown))


def read_tokens(tokenizer: Tokenizer, ids: Sequence[int]) -> Iterator[Token]:
    """Yield each token, with its text if it is special or unknown."""
    special = tokenizer.special_tokens() if ids else {}
    for token in ids:
        content = tokenizer.token_bytes(token)
        if token in special or content is None or token == tokenizer.unk_id:
            yield Token(token, reveal_controls(special.get(token) or f"<{token}>"), b"")
        else:
            yield Token(token, None, content)


def place_run(tokens: Sequence[Token], first: int, pieces: list[Piece], prefix: bytes | None) -> list[Group]:
    """Append the pieces of tokens that have bytes; return the groups among them, numbered from `first`."""
    joined = b"".join(token.content for token in tokens)
    ends = [*accumulate(len(token.content) for token in tokens)]
    starts, units, clusters = find_boundaries(joined)
    groups: list[Group] = []
    opened = begin = 0
    for number, (token, end) in enumerate(zip(tokens, ends, strict=True)):
        at = int(np.searchsorted(starts, end))
        inside = starts[at] != end
        cut = IN_CHARACTER if inside else WHOLE if clusters[at] else IN_GRAPHEME
        located = None if inside or prefix is None else max(0, int(units[at]) - len(prefix))
        pieces.append(Piece(token.id, show_bytes(token.content), token.content.hex(), located, cut))
        if cut == WHOLE:
            if number > opened:
                groups.append(Group(first + opened, number - opened + 1, show_bytes(joined[begin:end])))
            opened, begin = number + 1, end
    return groups


def find_boundaries(
    content: bytes,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return where code points start in bytes, and in UTF-16 code units, and whether a grapheme cluster starts there.

    The end of the text counts as a start. A byte that is not UTF-8 is a character by itself.
    """
    text = content.decode(errors="surrogateescape")
    points = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), np.uint32)
    lone = (points >= 0xD800) & (points < 0xE000)
    sizes = 1 + (points >= 0x80) + (points >= 0x800).astype(np.int64) + (points >= 0x10000)
    sizes[lone] = 1
    starts = np.concatenate(([0], np.cumsum(sizes)))
    units = np.concatenate(([0], np.cumsum(1 + (points >= 0x10000).astype(np.int64))))
    marked = np.append(np.where(lone, np.uint32(_REPLACEMENT), points), np.uint32(_LINE_FEED)).astype(np.uint32)
    return starts, units, find_grapheme_starts(marked, np.zeros(1, np.int64))


def show_bytes(content: bytes) -> str:
    """Return bytes as text: line feeds and tabs remain, controls and bytes that are not UTF-8 are written out.

    A combining mark at the beginning is put on a dotted circle, and joiners alone are written out.

    >>> show_bytes(b"\\xe2\\x82"), show_bytes("\\u200d".encode()), show_bytes("\\u0301".encode())
    ('\\\\xe2\\\\x82', '\\\\u200d', '◌́')
    """
    text = reveal_controls(content.decode(errors="backslashreplace"))
    if text and not text.isspace() and all(unicodedata.category(c) in _INVISIBLE for c in text):
        return text.encode("unicode_escape").decode()
    return f"◌{text}" if text and unicodedata.category(text[0]).startswith("M") else text
