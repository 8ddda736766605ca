"""JSON Lines: an object a line, a string a language.

Options: `LANG=KEY` and `document=KEY`; a dot in a key that is not there as such leads into an object
(`translation.en`). Without `LANG=KEY` the keys of the first object that are language tags and hold strings are read, or
those of its object `translation` where it has one. A null is a text that is missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tokbench.corpora._columns import choose_sources, split_options, unknown_name
from tokbench.corpora._languages import is_column_tag
from tokbench.corpora._raw import LanguageText, RawCorpus, document_frame, text_series
from tokbench.corpora._text import read_lines
from tokbench.errors import TokbenchError


def claims(path: Path) -> bool:
    """A file called .jsonl or .ndjson."""
    return path.is_file() and path.suffix in {".jsonl", ".ndjson"}


def read(path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
    """Read the keys of the languages asked for; TokbenchError with file, line and key for what is no text."""
    found = read_lines(path)
    if not found.lines:
        raise TokbenchError(f"{path} is empty", "give a JSON object a line")
    settings, given = split_options(options, ("document",))
    document = settings.get("document")
    names = _keys(_parse(path, 1, found.lines[0]))
    source = choose_sources(str(path), names, given, document, languages, "key")
    texts: dict[str, list[str | None]] = {lang: [] for lang in source.languages}
    documents: list[str | None] = []
    for number, line in enumerate(found.lines, start=1):
        record = _parse(path, number, line)
        for lang, key in source.languages.items():
            texts[lang].append(_text(path, number, key, _look_up(path, number, record, key)))
        if document is not None:
            name = _look_up(path, number, record, document)
            documents.append(None if name is None else str(name))
    return RawCorpus(
        name=path.stem,
        columns=[
            LanguageText(lang, text_series(texts[lang]), f"{path}, key {key}", int(found.bom), found.crlf)
            for lang, key in source.languages.items()
        ],
        documents=None if document is None else document_frame(documents),
        left_out=source.left_out,
    )


def _parse(path: Path, number: int, line: str) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        raise TokbenchError(f"{path}:{number}: no JSON: {error.msg} at column {error.colno}", "mend the line") from None
    except RecursionError:
        raise TokbenchError(f"{path}:{number}: the JSON is nested too deeply", "mend the line") from None
    except ValueError as error:  # a number of too many digits
        raise TokbenchError(f"{path}:{number}: the JSON cannot be read: {error}", "mend the line") from None
    if not isinstance(record, dict):
        raise TokbenchError(
            f"{path}:{number}: the line is a JSON {type(record).__name__}, not an object", "mend the line"
        )
    return record


def _keys(record: Mapping[str, Any]) -> dict[str, str]:
    """The names that may be languages with their keys: strings of `translation` if that has any, else of the object."""
    inner = record.get("translation")
    if isinstance(inner, dict) and any(map(is_column_tag, inner)):
        return {name: f"translation.{name}" for name, value in inner.items() if isinstance(value, str | None)}
    return {name: name for name, value in record.items() if isinstance(value, str | None)}


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
            f"{path}:{number}: the key {key!r} holds no text but {json.dumps(value)[:40]}", "mend the line"
        )
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TokbenchError(
            f"{path}:{number}: the key {key!r} holds half of a surrogate pair, which is no text", "mend the line"
        ) from None
    return value
