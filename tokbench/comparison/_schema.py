"""Read JSON values as the dataclasses that they were written from, and frames by their schemas.

The dataclasses are the schema. What does not fit is a ValueError that names the place: `corpus.segments is a text, not
a whole number`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import polars as pl

_KINDS: dict[Any, str] = {
    str: "a text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    NoneType: "null",
}
_LARGEST = 1 << 63
_SHOWN = 40


def read_as(kind: Any, value: Any, where: str) -> Any:
    """Return a JSON value as an instance of `kind`: a dataclass, a plain type, a tuple, a mapping, or a union.

    where: the place of the value, for the message. Raises ValueError for anything else, for a number that is not
    finite or that needs more than 64 bits, and for a text that is not Unicode.
    """
    origin = get_origin(kind)
    if is_dataclass(kind) and isinstance(kind, type):
        return _read_object(kind, value, where)
    if origin in (Union, UnionType):
        return _read_union(get_args(kind), value, where)
    if origin is Literal:
        if value not in get_args(kind):
            raise ValueError(f"{where} is {_name(value)}, not {' or '.join(map(str, get_args(kind)))}")
        return value
    if origin is tuple:
        item = get_args(kind)[0]
        return tuple(read_as(item, one, f"{where}[{at}]") for at, one in enumerate(read_list(value, where)))
    if origin is not None and issubclass(origin, Mapping):
        item = get_args(kind)[1]
        return {key: read_as(item, one, f"{where}.{key}") for key, one in read_mapping(value, where).items()}
    return _read_plain(kind, value, where)


def read_list(value: Any, where: str) -> list[Any]:
    """Return a list; ValueError for anything else."""
    if not isinstance(value, list):
        raise ValueError(f"{where} is {_name(value)}, not a list")
    return value


def read_mapping(value: Any, where: str) -> dict[str, Any]:
    """Return an object of JSON; ValueError for anything else."""
    if not isinstance(value, dict):
        raise ValueError(f"{where} is {_name(value)}, not an object")
    return value


def take(document: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key; ValueError if it is missing."""
    if key not in document:
        raise ValueError(f"{key} is missing")
    return document[key]


def read_frame(schema: Mapping[str, pl.DataType], value: Any, where: str) -> pl.DataFrame:
    """Return a list of objects as a frame; every row has the columns of the schema and no others."""
    kinds = {name: _find_kind(kind) for name, kind in schema.items()}
    rows = read_list(value, where)
    for at, row in enumerate(rows):
        cells = read_mapping(row, f"{where}[{at}]")
        if cells.keys() != kinds.keys():
            odd = min(cells.keys() ^ kinds.keys())
            raise ValueError(f"{where}[{at}] has no {odd!r}" if odd in kinds else f"{where}[{at}] has {_clip(odd)!a}")
        for name, cell in cells.items():
            if cell is not None:
                _read_plain(kinds[name], cell, f"{where}[{at}].{name}")
    return pl.DataFrame(rows, schema=schema)


def _find_kind(kind: pl.DataType) -> type:
    if kind.is_float():
        return float
    return int if kind.is_integer() else bool if kind == pl.Boolean else str


def _read_plain(kind: Any, value: Any, where: str) -> Any:
    accepted = (int, float) if kind is float else (kind,)
    if type(value) not in accepted:
        raise ValueError(f"{where} is {_name(value)}, not {_KINDS.get(kind, 'what is written there')}")
    if kind is int and not -_LARGEST <= value < _LARGEST:
        raise ValueError(f"{where} needs more than 64 bits")
    if kind is float and not math.isfinite(_to_float(value)):
        raise ValueError(f"{where} is not finite")
    if kind is str and not _is_unicode(value):
        raise ValueError(f"{where} is not Unicode")
    return value


def _to_float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _read_union(kinds: Sequence[Any], value: Any, where: str) -> Any:
    if value is None and NoneType in kinds:
        return None
    return read_as(next(kind for kind in kinds if kind is not NoneType), value, where)


def _read_object(kind: type, value: Any, where: str) -> Any:
    given, hints = read_mapping(value, where), _find_hints(kind)
    known = {field.name: field for field in fields(kind)}
    for name in given.keys() - known.keys():
        raise ValueError(f"{where} has {_clip(name)!a}")
    for name, field in known.items():
        if name not in given and field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{where}.{name} is missing")
    return kind(**{name: read_as(hints[name], one, f"{where}.{name}") for name, one in given.items()})


@cache
def _find_hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _name(value: Any) -> str:
    """Name what a JSON value is."""
    return _KINDS.get(type(value), "a list" if isinstance(value, list) else "an object")


def _clip(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."
