"""Read the columns of a polars frame as a corpus."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from tokbench.corpora._column_choice import choose_sources, unknown_name
from tokbench.corpora._languages import is_column_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus
from tokbench.corpora._storage import stem_of
from tokbench.corpora._text_columns import (
    Layout,
    Source,
    choose_text,
    join_messages,
    read_layout,
    read_source,
    refuse_grouping,
)
from tokbench.errors import TokbenchError

_TEXT = (pl.String, pl.Categorical, pl.Enum)


def read_frame(
    path: Path, reader: str, frame: pl.LazyFrame, options: Mapping[str, str], languages: Sequence[str] | None
) -> RawCorpus:
    """Read the columns of the requested languages, or the column of the texts.

    Raises TokbenchError for a column without text, and polars' errors for damaged data.
    """
    layout = read_layout(path, options)
    document = layout.settings.get("document")
    schema = frame.collect_schema()
    names = _names(schema)
    text = choose_text(layout, names, schema.names())
    if text is not None:
        return _read_text_column(path, frame, schema, text, layout, languages)
    source = choose_sources(path, reader, names, layout.given, document, languages, "column")
    refuse_grouping(path, layout)
    wanted = [_column(path, schema, key, text=True).alias(lang) for lang, key in source.languages.items()]
    if document is not None:
        wanted.append(_column(path, schema, document, text=False).alias("document column"))
    table = frame.select(wanted).collect()
    return RawCorpus(
        name=stem_of(path),
        columns=[
            LanguageText(lang, table[lang].alias("text"), f"{path}, column {key}")
            for lang, key in source.languages.items()
        ],
        documents=None if document is None else table.select(document="document column"),
        left_out=source.left_out if layout.given else sorted([*source.left_out, *_odd_columns(schema)]),
    )


def _read_text_column(
    path: Path,
    frame: pl.LazyFrame,
    schema: pl.Schema,
    text: str,
    layout: Layout,
    languages: Sequence[str] | None,
) -> RawCorpus:
    """Read one column as texts, perhaps with those of languages, ids and documents."""
    names: dict[str, str] = {
        name: layout.settings.get(name, text)
        for name in ("text", "lang", "id", "document")
        if name in {"text", *layout.settings}
    }
    table = frame.select(pick_columns(path, schema, names)).collect()
    langs, ids, documents = (table[name].to_list() if name in names else None for name in ("lang", "id", "document"))
    left_out = [LeftOut(f"column {name}", f"{text} is read") for name in _names(schema) if name not in names.values()]
    source = Source(path, "column", text, read_messages(path, text, table["text"]), langs, ids, documents)
    return read_source(source, layout.settings, languages, sorted(left_out))


def find_text_column(layout: Layout, schema: pl.Schema) -> str | None:
    """Return the name of the column of the texts; None if there is one per language."""
    return choose_text(layout, _names(schema), schema.names())


def pick_columns(path: Path, schema: pl.Schema, names: Mapping[str, str]) -> list[pl.Expr]:
    """Select the columns `text`, `lang`, `id` and `document` by the names that a file has for them.

    The texts may be lists of messages. Raises TokbenchError for a column that is missing, or holds no text.
    """
    return [
        _column(path, schema, key, text=name not in ("id", "document"), lists=name == "text").alias(name)
        for name, key in names.items()
    ]


def read_messages(path: Path, text: str, values: pl.Series) -> list[str | None]:
    """Return texts, or those of the messages of each conversation."""
    if not isinstance(values.dtype, pl.List):
        return values.to_list()

    def check(piece: Any) -> str | None:
        if piece is not None and not isinstance(piece, str):
            raise TokbenchError(
                f"{path}: the column {text!r} holds {values.dtype}, not text", "choose a column of strings or messages"
            )
        return piece

    return [None if messages is None else join_messages(messages, check) for messages in values.to_list()]


def _names(schema: pl.Schema) -> dict[str, str]:
    """Map possible language names to the columns or fields that hold them."""
    inner = schema.get("translation")
    if isinstance(inner, pl.Struct):
        fields = {field.name: f"translation.{field.name}" for field in inner.fields if isinstance(field.dtype, _TEXT)}
        if any(map(is_column_tag, fields)):
            return fields
    return {name: name for name, dtype in schema.items() if isinstance(dtype, _TEXT)}


def _odd_columns(schema: pl.Schema) -> list[LeftOut]:
    """List the columns that are named like a language but do not hold text."""
    inner = schema.get("translation")
    fields = (
        {f"translation.{field.name}": field.dtype for field in inner.fields} if isinstance(inner, pl.Struct) else {}
    )
    return [
        LeftOut(f"column {name}", f"it holds {dtype}, not text")
        for name, dtype in [*schema.items(), *fields.items()]
        if is_column_tag(name.removeprefix("translation.")) and not isinstance(dtype, _TEXT)
    ]


def _column(path: Path, schema: pl.Schema, key: str, *, text: bool, lists: bool = False) -> pl.Expr:
    """Select a column, or a field of a struct, as strings."""
    head, *fields = [key] if key in schema else key.split(".")
    if head.isdecimal() and head not in schema and 1 <= int(head) <= len(schema):
        head = schema.names()[int(head) - 1]
    if head not in schema:
        raise unknown_name(str(path), key, schema.names(), "column")
    expression = pl.col(head)
    dtype = schema[head]
    for name in fields:
        inner = pl.Schema(dtype) if isinstance(dtype, pl.Struct) else pl.Schema()
        if name not in inner:
            raise unknown_name(str(path), key, [f"{head}.{known}" for known in inner] or schema.names(), "column")
        expression, dtype = expression.struct.field(name), inner[name]
    if lists and isinstance(dtype, pl.List):
        return expression
    if text and not isinstance(dtype, _TEXT):
        raise TokbenchError(f"{path}: the column {key!r} holds {dtype}, not text", "choose a column of strings")
    return expression.cast(pl.String)
