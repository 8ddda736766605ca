"""Pieces of a SentencePiece model with their scores and kinds, read and left out without the library."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tokbench.catalog.sentencepiece_file import read_varint, walk_fields
from tokbench.catalog.sentencepiece_settings import read_fields
from tokbench.errors import TokbenchError

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Kinds of pieces, as the format numbers them."""

BPE = 2
"""The kind of model that merges pieces by score, as the format numbers it."""

_TRAINER, _MODEL_KIND = 2, 3
_TEXT, _SCORE, _KIND = 1, 2, 3


@dataclass(frozen=True)
class Piece:
    """A piece, and where the field that holds it lies in the file."""

    text: str
    score: float
    kind: int
    start: int
    end: int


def read_pieces(path: Path | str, model: bytes) -> list[Piece]:
    """Read the pieces of a model in the order of their ids.

    path: of the model, or its name; for errors. Raises TokbenchError for a damaged model.
    """
    pieces: list[Piece] = []
    before = 0
    for number, start, end in walk_fields(Path(path), model):
        if number == 1:
            pieces.append(_read_piece(path, model, before, start, end))
        before = end
    return pieces


def _read_piece(path: Path | str, model: bytes, before: int, start: int, end: int) -> Piece:
    """Read one piece: its text (1), its score (2, a float of 32 bits) and its kind (3)."""
    text, score, kind, at = "", 0.0, NORMAL, start
    try:
        while at < end:
            key, at = read_varint(model, at)
            if key == _TEXT << 3 | 2:
                length, at = read_varint(model, at)
                text, at = model[at : at + length].decode(), at + length
            elif key == _SCORE << 3 | 5:
                (score,), at = struct.unpack_from("<f", model, at), at + 4
            elif key == _KIND << 3:
                kind, at = read_varint(model, at)
            else:
                raise ValueError
    except (ValueError, struct.error) as error:
        raise TokbenchError(f"{path}: the piece at byte {start} cannot be read", "download it again") from error
    return Piece(text, score, kind, before, end)


def is_bpe(model: bytes) -> bool:
    """Return whether a model merges pieces by score; unigram is the default of the format."""
    kinds = [
        setting
        for number, value in read_fields(model)
        if number == _TRAINER and isinstance(value, bytes)
        for inner, setting in read_fields(value)
        if inner == _MODEL_KIND
    ]
    return kinds[-1:] == [BPE]


def leave_out(model: bytes, pieces: Collection[Piece]) -> bytes:
    """Return a model without some of its pieces; those after them get lower ids."""
    parts, at = [], 0
    for piece in sorted(pieces, key=lambda one: one.start):
        parts.append(model[at : piece.start])
        at = piece.end
    return b"".join([*parts, model[at:]])
