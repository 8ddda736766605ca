"""SentencePiece models as protocol buffers, read without the library.

The fields are pieces (1), trainer (2), normalizer (3), ...; in a piece, its text (1), score (2) and type (3).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tokbench.errors import TokbenchError


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable length; return it and the position after it. ValueError if it does not end."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise ValueError


def is_sentencepiece(head: bytes) -> bool:
    """Return whether bytes start with a piece: a string, then a score or type."""
    try:
        length, at = read_varint(head, 1)
        text_length, text_at = read_varint(head, at + 1)
    except ValueError:
        return False
    after = text_at + text_length
    ends = after == at + length or head[after : after + 1] in (b"\x15", b"\x18")
    return head[:1] == b"\n" and head[at : at + 1] == b"\n" and after <= at + length and ends


def check_fields(path: Path, data: bytes) -> None:
    """Raise TokbenchError, with the byte, for a model that is damaged or cut off."""
    seen = {number for number, _, _ in walk_fields(path, data)}
    if not seen & {2, 3}:
        raise TokbenchError(
            f"{path} is a truncated SentencePiece model: it has pieces, but neither trainer nor normalizer settings",
            "download it again",
        )


def list_pieces(path: Path) -> dict[str, int]:
    """Return the pieces of a model and their ids; none if it is damaged, which loading reports."""
    data = path.read_bytes()
    pieces: dict[str, int] = {}
    try:
        for number, start, _ in walk_fields(path, data):
            if number != 1:
                continue
            if data[start] != 0x0A:  # the text of a piece is its first field
                raise ValueError
            length, at = read_varint(data, start + 1)
            pieces[data[at : at + length].decode()] = len(pieces)
    except (TokbenchError, ValueError, IndexError):
        return {}
    return pieces


def walk_fields(path: Path, data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield number, first byte and end of each field; TokbenchError if one cannot be read."""
    at, size = 0, len(data)
    while at < size:
        start = at
        try:
            # Nearly all keys and lengths are single bytes, and a call for each takes most of the time.
            key, at = (data[at], at + 1) if data[at] < 0x80 else read_varint(data, at)
            if key & 7 != 2:  # every top-level field of a model is length-delimited
                raise ValueError
            length, at = (data[at], at + 1) if at < size and data[at] < 0x80 else read_varint(data, at)
        except ValueError:
            raise TokbenchError(
                f"{path} is a damaged SentencePiece model: no field can be read at byte {start} of {len(data)}",
                "download it again",
            ) from None
        if at + length > size:
            raise TokbenchError(
                f"{path} is a truncated SentencePiece model: the field at byte {start} ends at byte {at + length}, "
                f"the file at {len(data)}",
                "download it again",
            )
        yield key >> 3, at, at + length
        at += length
