"""JSON Lines: one object per line, one string per language.

Options: `LANG=KEY` and `document=KEY`; a dot in a key that does not exist as such leads into an object
(`translation.en`). Without `LANG=KEY` the keys of the first object that are language tags and hold strings are read,
or those of its object `translation` if it has one. A null is a missing text.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Mapping, Sequence, Set
from pathlib import Path
from typing import Any

from tokbench.corpora._column_choice import choose_sources, split_options, unknown_name
from tokbench.corpora._content import HEAD_BYTES
from tokbench.corpora._languages import is_column_tag
from tokbench.corpora._reader_api import LanguageText, LeftOut, RawCorpus, document_frame, text_series
from tokbench.corpora._utf8 import first_line, read_lines
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """Claim a .jsonl or .ndjson file, or a .json file whose first line is an object."""
    if not path.is_file():
        return False
    suffix = path.suffix.lower()
    return suffix in {".jsonl", ".ndjson"} or (suffix == ".json" and _is_object(first_line(path)))


def _is_object(line: bytes) -> bool:
    stripped = line.removeprefix(codecs.BOM_UTF8).strip()
    return stripped.startswith(b"{") and (stripped.endswith(b"}") or len(line) == HEAD_BYTES)


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the keys of the requested languages.

    Raises TokbenchError with file, line and key for a value that is not text.
    A blank line is a segment that is empty in all languages.
    """
    lines = read_lines(path)
    first = next((number for number, line in enumerate(lines.lines) if line.strip()), None)
    if first is None:
        raise TokbenchError(f"{path} is empty", "give one JSON object per line")
    settings, given = split_options(options, ("document",))
    document = settings.get("document")
    begin = _parse(path, first + 1, lines.lines[first])
    source = choose_sources(path, "jsonl", _keys(begin), given, document, languages, "key")
    texts: dict[str, list[str | None]] = {lang: [] for lang in source.languages}
    documents: list[str | None] = []
    later: set[str] = set()
    for number, line in enumerate(lines.lines, start=1):
        record = _parse(path, number, line) if line.strip() else None
        for lang, key in source.languages.items():
            texts[lang].append("" if record is None else _text(path, number, key, _look_up(path, number, record, key)))
        if document is not None:
            name = None if record is None else _look_up(path, number, record, document)
            documents.append(None if name is None else str(name))
        if record is not None and record.keys() != begin.keys():
            later |= record.keys() - begin.keys()
    return RawCorpus(
        name=path.stem,
        columns=[
            LanguageText(lang, text_series(texts[lang]), f"{path}, key {key}", int(lines.bom), lines.crlf)
            for lang, key in source.languages.items()
        ],
        documents=None if document is None else document_frame(documents),
        left_out=[] if given else _left_out(begin, later, source.left_out),
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


def _parse(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line, object_pairs_hook=_collect_pairs)
    except json.JSONDecodeError as error:
        raise TokbenchError(f"{path}:{number}: not JSON: {error.msg} at column {error.colno}", "fix the line") from None
    except RecursionError:
        raise TokbenchError(f"{path}:{number}: the JSON is nested too deeply", "fix the line") from None
    except ValueError as error:  # a number with too many digits, or a repeated key
        raise TokbenchError(f"{path}:{number}: the JSON cannot be read: {error}", "fix the line") from None
    if not isinstance(record, dict):
        raise TokbenchError(
            f"{path}:{number}: the line is a JSON {type(record).__name__}, not an object", "fix the line"
        )
    return record


def _collect_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the key {next(name for name in record if names.count(name) > 1)!r} is repeated")
    return record


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


def _look_up(path: Path, number: int, record: Mapping[str, Any], key: str) -> Any:
    value: Any = record
    for part in [key] if key in record else key.split("."):
        if not isinstance(value, dict) or part not in value:
            raise unknown_name(f"{path}:{number}", key, list(record), "key")
        value = value[part]
    return value


def _text(path: Path, number: int, key: str, value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str):
        raise TokbenchError(
            f"{path}:{number}: the key {key!r} is not text but {json.dumps(value)[:40]}", "fix the line"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TokbenchError(
            f"{path}:{number}: the key {key!r} contains half of a surrogate pair, which is not text", "fix the line"
        ) from None
    return value
