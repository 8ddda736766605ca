"""Parquet: a string column, or a field of `translation`, per language.

Options: `LANG=COLUMN` (name or number from 1) and `document=COLUMN`; a dot in a name that is not a column leads into a
struct (`translation.en`). Without `LANG=COLUMN` every string column whose name is a language tag is read, or the fields
of `translation` if there is one. A null is a missing text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tokbench.corpora._column_choice import choose_sources, split_options, unknown_name
from tokbench.corpora._languages import is_column_tag
from tokbench.corpora._parquet_trial import try_reading
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus
from tokbench.corpora._utf8 import first_line
from tokbench.errors import TokbenchError

_TEXT = (pl.String, pl.Categorical, pl.Enum)


def claims(path: Path) -> bool:
    """Claim a file that starts with the magic bytes of Parquet."""
    return path.is_file() and first_line(path, 4) == b"PAR1"


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns of the requested languages.

    Raises TokbenchError for a damaged file and a column without text.
    """
    try:
        fault = try_reading(path, options, languages)
    except OSError as error:
        raise _refuse(path, error.strerror) from error
    if fault is not None:
        raise _refuse(path, fault)
    return read_here(path, options, languages)


def read_here(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the columns in this process, which a damaged file may end."""
    settings, given = split_options(options, ("document",))
    document = settings.get("document")
    try:
        frame = pl.scan_parquet(path, glob=False)
        schema = frame.collect_schema()
        source = choose_sources(path, "parquet", _names(schema), given, document, languages, "column")
        wanted = [_column(path, schema, key, text=True).alias(lang) for lang, key in source.languages.items()]
        if document is not None:
            wanted.append(_column(path, schema, document, text=False).alias("document column"))
        table = frame.select(wanted).collect()
    except (pl.exceptions.PolarsError, OSError) as error:
        raise _refuse(path, str(error).partition("\n")[0]) from error
    return RawCorpus(
        name=path.stem,
        columns=[
            LanguageText(lang, table[lang].alias("text"), f"{path}, column {key}")
            for lang, key in source.languages.items()
        ],
        documents=None if document is None else table.select(document="document column"),
        left_out=source.left_out if given else sorted([*source.left_out, *_odd_columns(schema)]),
    )


def _refuse(path: Path, reason: str | None) -> TokbenchError:
    return TokbenchError(f"{path} cannot be read as Parquet: {reason}", "check that the file is complete")


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


def _column(path: Path, schema: pl.Schema, key: str, *, text: bool) -> pl.Expr:
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
    if text and not isinstance(dtype, _TEXT):
        raise TokbenchError(f"{path}: the column {key!r} holds {dtype}, not text", "choose a column of strings")
    return expression.cast(pl.String)
