"""Settings inside a SentencePiece model, read without the library: its normalizer's rule, its trainer's options."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

_TRAINER, _NORMALIZER = 2, 3
_RULE, _CHARSMAP = 1, 2
_SPLIT_DIGITS = 25


@dataclass(frozen=True)
class Settings:
    """What a model says of itself.

    rule: the name of the normalisation rule, such as `nmt_nfkc`; empty if there is none.
    charsmap: bytes of the compiled rule. split_digits: whether it was trained with each digit as a piece.
    """

    rule: str = ""
    charsmap: int = 0
    split_digits: bool = False


def read_settings(model: bytes) -> Settings:
    """Read the settings of a model that the library has loaded; of repeated fields the last counts."""
    rule, charsmap, split_digits = "", 0, False
    for number, value in read_fields(model):
        if not isinstance(value, bytes):
            continue
        if number == _TRAINER:
            for inner, setting in read_fields(value):
                split_digits = bool(setting) if inner == _SPLIT_DIGITS else split_digits
        elif number == _NORMALIZER:
            for inner, setting in read_fields(value):
                if inner == _RULE and isinstance(setting, bytes):
                    rule = setting.decode(errors="replace")
                elif inner == _CHARSMAP and isinstance(setting, bytes):
                    charsmap = len(setting)
    return Settings(rule, charsmap, split_digits)


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def read_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield number and value of each field; numbers of fixed size are skipped. Damage ends it early."""
    at = 0
    try:
        while at < len(data):
            key, at = _read_varint(data, at)
            wire = key & 7
            if wire == 0:
                value, at = _read_varint(data, at)
                yield key >> 3, value
            elif wire == 2:
                length, at = _read_varint(data, at)
                yield key >> 3, data[at : at + length]
                at += length
            elif wire in (1, 5):
                at += 8 if wire == 1 else 4
            else:
                return
    except IndexError:
        return
