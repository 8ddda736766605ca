"""Read a catalogue in TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from tokbench._shared.registry import closest
from tokbench.catalog._entry_types import Entry, File, Rebuilt, Source
from tokbench.catalog.rebuilt_files import WRITERS
from tokbench.errors import TokbenchError

_TEXT = ("family", "algorithm", "licence", "quirks", "pattern", "normalizer", "wrapper", "engine", "files_of")
_NUMBERS = ("vocab_base", "vocab_total", "vocab_rows", "context_window")
_LISTS = ("aliases", "used_by", "hub_ids")
_ENTRY_TYPES: Mapping[str, type] = {
    **dict.fromkeys(_TEXT, str),
    **dict.fromkeys(_NUMBERS, int),
    **dict.fromkeys(_LISTS, list),
    "special_tokens": dict,
    "source": list,
}
_SOURCE_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("package", "hub", "revision", "url", "note"), str),
    "gated": bool,
    "rebuilt": dict,
    "files": list,
}
_REBUILT_TYPES: Mapping[str, type] = {
    **dict.fromkeys(("package", "vocabulary", "writer", "pattern"), str),
    **dict.fromkeys(("ids", "user_defined"), list),
    **dict.fromkeys(("trainer", "normalizer"), dict),
}
_FILE_TYPES: Mapping[str, type] = {"name": str, "sha256": str, "bytes": int}


def _check(table: object, types: Mapping[str, type], required: tuple[str, ...], where: str) -> dict[str, Any]:
    if not isinstance(table, dict):
        raise TokbenchError(f"catalogue: {where} is not a table")
    for key, value in table.items():
        if key not in types:
            near = closest(key, list(types))
            raise TokbenchError(
                f"catalogue: {where} has the unknown key {key!r}", f"did you mean {near!r}?" if near else None
            )
        if type(value) is not types[key]:
            raise TokbenchError(f"catalogue: {key!r} of {where} is not of type {types[key].__name__}: {value!r}")
    for key in required:
        if key not in table:
            raise TokbenchError(f"catalogue: {where} lacks the key {key!r}")
    return table


def _read_source(table: object, where: str, patterns: Mapping[str, str]) -> Source:
    keys = dict(_check(table, _SOURCE_TYPES, ("files",), where))
    places = [key for key in ("package", "rebuilt", "hub", "url") if key in keys]
    if len(places) > 1 or not (places or "note" in keys):
        raise TokbenchError(f"catalogue: {where} needs exactly one of package, rebuilt, hub and url, or a note alone")
    if "rebuilt" in keys:
        keys["rebuilt"] = _read_rebuilt(keys["rebuilt"], where, patterns)
    if "hub" not in keys and ("revision" in keys or "gated" in keys):
        raise TokbenchError(f"catalogue: {where} has a revision or is gated, but is not on the hub")
    if not keys.get("url", "https://").startswith(("https://", "http://")):
        raise TokbenchError(f"catalogue: the url of {where} is not a web address: {keys['url']}")
    read = tuple(File(**_check(file, _FILE_TYPES, ("name",), f"a file of {where}")) for file in keys["files"])
    if not read:
        raise TokbenchError(f"catalogue: {where} names no file")
    for file in read:
        if file.sha256 is not None and not re.fullmatch(r"[0-9a-f]{64}", file.sha256):
            raise TokbenchError(f"catalogue: the sha256 of {file.name} in {where} is not 64 hex digits")
    return Source(**{**keys, "files": read})


def _read_rebuilt(table: object, where: str, patterns: Mapping[str, str]) -> Rebuilt:
    keys = dict(_check(table, _REBUILT_TYPES, ("package", "vocabulary", "writer", "ids"), f"rebuilt of {where}"))
    if keys["writer"] not in WRITERS:
        raise TokbenchError(f"catalogue: rebuilt of {where} names the unknown writer {keys['writer']!r}")
    ranges = [keys.pop("ids"), *keys.get("user_defined", [])]
    for one in ranges:
        if not (isinstance(one, list) and list(map(type, one)) == [int, int] and 0 <= one[0] < one[1]):
            raise TokbenchError(f"catalogue: {one!r} in rebuilt of {where} is not a first id and an end")
    if "pattern" in keys:
        keys["pattern"] = _find_pattern(keys["pattern"], where, patterns)
    keys["user_defined"] = tuple(map(tuple, ranges[1:]))
    for key in ("trainer", "normalizer"):
        keys[key] = tuple(keys.get(key, {}).items())
    return Rebuilt(first=ranges[0][0], end=ranges[0][1], **keys)


def _find_pattern(name: str, where: str, patterns: Mapping[str, str]) -> str:
    if name not in patterns:
        raise TokbenchError(f"catalogue: {where} names the unknown pattern {name!r}")
    return patterns[name]


def _read_entry(name: str, table: object, patterns: Mapping[str, str]) -> Entry:
    keys = dict(_check(table, _ENTRY_TYPES, ("family", "algorithm", "licence"), f"[{name}]"))
    sources = tuple(
        _read_source(source, f"source {number} of [{name}]", patterns)
        for number, source in enumerate(keys.pop("source", []), 1)
    )
    if sum(("files_of" in keys, "engine" in keys, bool(sources))) != 1:
        raise TokbenchError(f"catalogue: [{name}] needs exactly one of sources, files_of and engine")
    if "pattern" in keys:
        keys["pattern"] = _find_pattern(keys["pattern"], f"[{name}]", patterns)
    tokens = MappingProxyType(_check_values(keys.pop("special_tokens", {}), int, f"special_tokens of [{name}]"))
    for key in _LISTS:
        keys[key] = tuple(_check_values(dict(enumerate(keys.get(key, []))), str, f"{key} of [{name}]").values())
    return Entry(name=name, special_tokens=tokens, sources=sources, **keys)


def _check_values(table: dict[Any, Any], expected: type, where: str) -> dict[Any, Any]:
    for value in table.values():
        if type(value) is not expected:
            raise TokbenchError(f"catalogue: a value in {where} is not of type {expected.__name__}: {value!r}")
    return table


def fold(name: str) -> str:
    """Normalise a name for comparison: without case, `_`, `-` and spaces."""
    return re.sub(r"[-_ ]", "", name).casefold()


def list_names(entry: Entry) -> tuple[str, ...]:
    return (entry.name, *entry.aliases, *entry.used_by)


def read_catalog(text: str) -> Mapping[str, Entry]:
    """Parse a catalogue in TOML.

    Raises TokbenchError for an unknown key, a wrong type or a name used twice.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TokbenchError(f"catalogue: not TOML: {error}") from error
    patterns = _check_values(tables.pop("patterns", {}), str, "[patterns]")
    entries = {name: _read_entry(name, table, patterns) for name, table in tables.items()}
    taken: dict[str, str] = {}
    for entry in entries.values():
        for spelling in list_names(entry):
            if (key := fold(spelling)) in taken:
                raise TokbenchError(f"catalogue: the name {spelling!r} of [{entry.name}] is taken by [{taken[key]}]")
            taken[key] = entry.name
    for name, entry in entries.items():
        if entry.files_of is not None:
            owner = entries.get(entry.files_of)
            if owner is None or not owner.sources:
                raise TokbenchError(f"catalogue: [{name}] shares the files of {entry.files_of!r}, which has none")
            entries[name] = replace(entry, sources=owner.sources, pattern=entry.pattern or owner.pattern)
    return MappingProxyType(entries)
