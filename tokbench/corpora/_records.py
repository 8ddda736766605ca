"""Records of JSON: objects with a string per language, objects with a text, or bare strings."""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence, Set
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from tokbench._shared.files import refuse_repeated_keys
from tokbench.corpora._column_choice import choose_sources, unknown_name
from tokbench.corpora._content import HEAD_BYTES
from tokbench.corpora._languages import is_column_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, document_frame, text_series
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

Record: TypeAlias = Mapping[str, Any] | str | None


def is_object_line(line: bytes) -> bool:
    """Return whether a line is an object, or starts like one and is very long."""
    stripped = line.removeprefix(codecs.BOM_UTF8).strip()
    return stripped.startswith(b"{") and (stripped.endswith(b"}") or len(line) == HEAD_BYTES)


class Records(NamedTuple):
    """Records with where each is, for messages; None is a blank line.

    bom, crlf: see `LanguageText`.
    """

    path: Path
    reader: str
    records: Sequence[tuple[str, Record]]
    bom: int | None = None
    crlf: int | None = None


def parse_json(where: str, text: str) -> Any:
    """Parse a JSON value; TokbenchError if it is invalid, repeats a key or is nested too deeply."""
    try:
        return json.loads(text, object_pairs_hook=refuse_repeated_keys)
    except json.JSONDecodeError as error:
        raise TokbenchError(f"{where}: not JSON: {error.msg} at column {error.colno}", "fix the line") from None
    except RecursionError:
        raise TokbenchError(f"{where}: the JSON is nested too deeply", "fix the line") from None
    except ValueError as error:  # a number with too many digits, or a repeated key
        raise TokbenchError(f"{where}: the JSON cannot be read: {error}", "fix the line") from None


def read_records(table: Records, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read records as a corpus.

    Raises TokbenchError with place and key for a value that is not text.
    """
    layout = read_layout(table.path, options)
    first = next((record for _, record in table.records if record is not None), None)
    if first is None:
        raise TokbenchError(f"{table.path} is empty", "give one JSON object per line")
    if isinstance(first, str):
        return _read_strings(table, layout, languages)
    objects = [(where, _as_object(where, record)) for where, record in table.records]
    names = _keys(first)
    text = choose_text(layout, names, first)
    if text is not None:
        return _read_text_key(table, objects, text, layout, languages)
    source = choose_sources(
        table.path, table.reader, names, layout.given, layout.settings.get("document"), languages, "key"
    )
    refuse_grouping(table.path, layout)
    return _read_languages(table, objects, source.languages, source.left_out, layout)


def _as_object(where: str, record: Record) -> Mapping[str, Any] | None:
    if isinstance(record, str):
        raise TokbenchError(f"{where}: a JSON string among objects", "fix the line")
    return record


def _read_strings(table: Records, layout: Layout, languages: Sequence[str] | None) -> RawCorpus:
    """Read records that are bare strings: a group of texts."""
    unused = [name for name in (*layout.given, *layout.settings) if name not in ("label", "split")]
    if unused:
        raise TokbenchError(f"{table.path} holds strings without keys, but {unused[0]}= is given", "omit it")
    texts: list[str | None] = []
    for where, record in table.records:
        if isinstance(record, Mapping):
            raise TokbenchError(f"{where}: an object among JSON strings", "fix the line")
        texts.append("" if record is None else text_of(where, "string", record))
    return read_source(Source(table.path, "its", "strings", texts, bom=table.bom), layout.settings, languages)


def _read_text_key(
    table: Records,
    objects: Sequence[tuple[str, Mapping[str, Any] | None]],
    key: str,
    layout: Layout,
    languages: Sequence[str] | None,
) -> RawCorpus:
    """Read one key as texts; blank lines are no segments."""
    present = [(where, record) for where, record in objects if record is not None]
    texts = [text_or_messages(where, key, look_up(where, record, key)) for where, record in present]
    langs, ids, documents = (
        None
        if (name := layout.settings.get(option)) is None
        else [look_up(where, record, name) for where, record in present]
        for option in ("lang", "id", "document")
    )
    used = {key, *layout.settings.values()}
    names = _keys(present[0][1])
    left_out = [LeftOut(f"key {name}", f"{key} is read") for name in names if name not in used]
    source = Source(table.path, "key", key, texts, langs, ids, documents, table.bom)
    return read_source(source, layout.settings, languages, sorted(left_out))


def find_text_key(layout: Layout, record: Mapping[str, Any]) -> str | None:
    """Return the key of the texts of records like this one; None if there is one per language."""
    return choose_text(layout, _keys(record), record)


def text_or_messages(where: str, key: str, value: Any) -> str | None:
    """Return a text, or those of the messages of a conversation."""
    check = partial(text_of, where, key)
    return join_messages(value, check) if isinstance(value, list) else check(value)


def _read_languages(
    table: Records,
    objects: Sequence[tuple[str, Mapping[str, Any] | None]],
    languages: Mapping[str, str],
    others: Sequence[LeftOut],
    layout: Layout,
) -> RawCorpus:
    """Read a key per language; a blank line is a segment that is empty in all of them."""
    document = layout.settings.get("document")
    texts: dict[str, list[str | None]] = {lang: [] for lang in languages}
    documents: list[str | None] = []
    later: set[str] = set()
    begin = next(record for _, record in objects if record is not None)
    for where, record in objects:
        for lang, key in languages.items():
            texts[lang].append("" if record is None else text_of(where, key, look_up(where, record, key)))
        if document is not None:
            name = None if record is None else look_up(where, record, document)
            documents.append(None if name is None else str(name))
        if record is not None and record.keys() != begin.keys():
            later |= record.keys() - begin.keys()
    return RawCorpus(
        name=stem_of(table.path),
        columns=[
            LanguageText(lang, text_series(texts[lang]), f"{table.path}, key {key}", table.bom, table.crlf)
            for lang, key in languages.items()
        ],
        documents=None if document is None else document_frame(documents),
        left_out=[] if layout.given else _left_out(begin, later, others),
    )


def _left_out(begin: Mapping[str, Any], later: Set[str], others: Sequence[LeftOut]) -> list[LeftOut]:
    """List unread keys, including languages without text and keys that come later."""
    inner = begin.get("translation")
    names = (
        {**begin, **{f"translation.{name}": value for name, value in inner.items()}}
        if isinstance(inner, dict)
        else begin
    )
    odd = [
        LeftOut(f"key {key}", f"it holds {_kind(value)}, not text")
        for key, value in names.items()
        if is_column_tag(key.removeprefix("translation.")) and not isinstance(value, str | None)
    ]
    late = [LeftOut(f"key {key}", "the first object has no such key") for key in later if is_column_tag(key)]
    return sorted([*others, *odd, *late])


def _kind(value: Any) -> str:
    kinds = {bool: "true or false", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return kinds[type(value)]


def _keys(record: Mapping[str, Any]) -> dict[str, str]:
    """Map possible languages to keys: strings of `translation`, else of the object.

    If the object has no string, the strings of the objects in it, with dotted keys.
    """
    inner = record.get("translation")
    if isinstance(inner, dict) and any(map(is_column_tag, inner)):
        return {name: f"translation.{name}" for name, value in inner.items() if isinstance(value, str | None)}
    names = {name: name for name, value in record.items() if isinstance(value, str | None)}
    if names:
        return names
    objects = [(outer, value) for outer, value in record.items() if isinstance(value, dict)]
    inside = [f"{outer}.{name}" for outer, value in objects for name in value if isinstance(value[name], str | None)]
    return {key: key for key in inside}


def look_up(where: str, record: Mapping[str, Any], key: str) -> Any:
    """Return the value of a key, or of a path of keys with dots; TokbenchError if there is none."""
    value: Any = record
    for part in [key] if key in record else key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise unknown_name(where, key, list(record), "key")
        value = value[part]
    return value


def text_of(where: str, key: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TokbenchError(f"{where}: the key {key!r} is not text but {json.dumps(value)[:40]}", "fix the line")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TokbenchError(
            f"{where}: the key {key!r} contains half of a surrogate pair, which is not text", "fix the line"
        ) from None
    return value
