"""Parse lines of JSON into the texts and names that are asked for, by types that msgspec checks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeAlias

import msgspec
import polars as pl


class Part(msgspec.Struct):
    """A part of the content of a message."""

    text: str | None = None


Content: TypeAlias = str | list[Part | str | None] | None


class Message(msgspec.Struct):
    """A message of a conversation; see `join_messages`."""

    content: Content = None
    value: Content = None
    text: Content = None


Text: TypeAlias = str | list[Message | str | None] | None
_TYPES: Mapping[str, Any] = {"text": Text, "lang": str, "document": str | int | float | bool | None}

Tree: TypeAlias = "dict[str, Tree | str]"
"""Keys, which lead into objects or to columns."""


def parse_records(data: bytes, columns: Mapping[str, str]) -> pl.DataFrame | None:
    """Parse whole lines, each an object; None if any is anything else, or lacks a key.

    columns: keys, which dots lead into objects, by `text`, `lang` and `document`. Of a key that is repeated in an
    object, the last value counts.
    """
    tree = _plant(columns)
    if tree is None:
        return None
    try:
        data.decode()  # msgspec looks only at what it returns
        decode = _make_decoder(tuple(columns.items())).decode
        records = [decode(line) for line in data.split(b"\n") if line.strip()]
        rows = {column: [_look_up(record, path) for record in records] for column, path in _trace(tree)}
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    rows["text"] = [text if text is None or type(text) is str else _join(text) for text in rows["text"]]
    if "document" in rows:
        rows["document"] = [None if name is None else str(name) for name in rows["document"]]
    return pl.DataFrame({column: pl.Series(column, rows[column], dtype=pl.String) for column in columns})


def _plant(columns: Mapping[str, str]) -> Tree | None:
    """Return the tree of the keys; None if one leads through another."""
    tree: Tree = {}
    for column, key in columns.items():
        *outer, last = key.split(".")
        at = tree
        for part in outer:
            inner = at.setdefault(part, {})
            if isinstance(inner, str):
                return None
            at = inner
        if last in at:
            return None
        at[last] = column
    return tree


@lru_cache(maxsize=16)
def _make_decoder(columns: tuple[tuple[str, str], ...]) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(_make_type(_plant(dict(columns)) or {}))


def _make_type(tree: Tree) -> Any:
    fields: list[tuple[str, Any, Any]] = []
    for number, (key, inner) in enumerate(tree.items()):
        kind = _TYPES[inner] if isinstance(inner, str) else _make_type(inner)
        fields.append((f"field{number}", kind, msgspec.field(name=key)))
    return msgspec.defstruct("Record", fields)


def _trace(tree: Tree) -> list[tuple[str, tuple[str, ...]]]:
    """Return the fields that lead to each column."""
    paths: list[tuple[str, tuple[str, ...]]] = []
    for number, inner in enumerate(tree.values()):
        name = f"field{number}"
        if isinstance(inner, str):
            paths.append((inner, (name,)))
        else:
            paths += [(column, (name, *rest)) for column, rest in _trace(inner)]
    return paths


def _look_up(record: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        record = getattr(record, name)
    return record


def _join(messages: list[Message | str | None]) -> str | None:
    """Return the contents of messages as `join_messages` does."""
    texts: list[str] = []
    for message in messages:
        found: Content = message if not isinstance(message, Message) else _find_content(message)
        if isinstance(found, str):
            texts.append(found)
        elif found is not None:
            parts = [part.text if isinstance(part, Part) else part for part in found]
            texts += [part for part in parts if part is not None]
    return "\n".join(texts) if texts else None


def _find_content(message: Message) -> Content:
    if message.content is not None:
        return message.content
    return message.text if message.value is None else message.value
