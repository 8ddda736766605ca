"""Facts about each tokenizer: sizes, licence, loading rules, sources.

The facts are data, in `catalog.toml` beside this module; to add a tokenizer, add a table there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cache
from importlib.resources import files as package_files
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError


@dataclass(frozen=True)
class File:
    """One file of a source: its name (with folders), and hash and size if known."""

    name: str
    sha256: str | None = None
    bytes: int | None = None

    @property
    def base(self) -> str:
        """Name without folders."""
        return PurePosixPath(self.name).name


@dataclass(frozen=True)
class Source:
    """A complete set of files, the main one first, and where it is available.

    At most one of `package` (a distribution that contains them), `hub` (a Hugging Face id) and `url` (their folder)
    is given; with none, the files must come from a folder of the user, and `note` says which.
    """

    files: tuple[File, ...]
    package: str | None = None
    hub: str | None = None
    revision: str | None = None
    gated: bool = False
    url: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Entry:
    """One tokenizer of the catalogue.

    Sizes are numbers of ids, `context_window` is in tokens; None is unknown.
    `pattern`, `normalizer` and `special_tokens` are for files that do not contain this information.
    """

    name: str
    family: str
    algorithm: str
    licence: str | None
    vocab_base: int | None = None
    vocab_total: int | None = None
    vocab_rows: int | None = None
    context_window: int | None = None
    aliases: tuple[str, ...] = ()
    used_by: tuple[str, ...] = ()
    quirks: str | None = None
    pattern: str | None = None
    normalizer: str | None = None
    wrapper: str | None = None
    special_tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    engine: str | None = None
    files_of: str | None = None
    sources: tuple[Source, ...] = ()

    def without_facts(self) -> Entry:
        """Return the rules for reading a file, without facts about known files only."""
        return replace(
            self,
            licence=None,
            vocab_base=None,
            vocab_total=None,
            vocab_rows=None,
            context_window=None,
            special_tokens=MappingProxyType({}),
        )

    def __reduce__(self) -> tuple[Any, ...]:
        # A read-only view of a dict cannot be pickled, and entries are sent to other processes.
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return _restore, ({**values, "special_tokens": dict(self.special_tokens)},)


def _restore(values: dict[str, Any]) -> Entry:
    return Entry(**{**values, "special_tokens": MappingProxyType(values["special_tokens"])})


_TEXT = ("family", "algorithm", "licence", "quirks", "pattern", "normalizer", "wrapper", "engine", "files_of")
_NUMBERS = ("vocab_base", "vocab_total", "vocab_rows", "context_window")
_LISTS = ("aliases", "used_by")
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
    "files": list,
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


def _read_source(table: object, where: str) -> Source:
    keys = _check(table, _SOURCE_TYPES, ("files",), where)
    places = [key for key in ("package", "hub", "url") if key in keys]
    if len(places) > 1 or not (places or "note" in keys):
        raise TokbenchError(f"catalogue: {where} needs exactly one of package, hub and url, or a note alone")
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


def _read_entry(name: str, table: object, patterns: Mapping[str, str]) -> Entry:
    keys = dict(_check(table, _ENTRY_TYPES, ("family", "algorithm", "licence"), f"[{name}]"))
    sources = tuple(
        _read_source(source, f"source {number} of [{name}]") for number, source in enumerate(keys.pop("source", []), 1)
    )
    if sum(("files_of" in keys, "engine" in keys, bool(sources))) != 1:
        raise TokbenchError(f"catalogue: [{name}] needs exactly one of sources, files_of and engine")
    if "pattern" in keys:
        if keys["pattern"] not in patterns:
            raise TokbenchError(f"catalogue: [{name}] names the unknown pattern {keys['pattern']!r}")
        keys["pattern"] = patterns[keys["pattern"]]
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
        for spelling in _names(entry):
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


@cache
def _shipped() -> Mapping[str, Entry]:
    return read_catalog(package_files("tokbench.catalog").joinpath("catalog.toml").read_text(encoding="utf-8"))


class _Catalog(Mapping[str, Entry]):
    """The shipped catalogue, read on first access."""

    def __getitem__(self, name: str) -> Entry:
        return _shipped()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_shipped())

    def __len__(self) -> int:
        return len(_shipped())


CATALOG: Mapping[str, Entry] = _Catalog()
"""Every tokenizer that tokbench knows, by name."""


def _names(entry: Entry) -> tuple[str, ...]:
    return (entry.name, *entry.aliases, *entry.used_by)


def _hub_ids(entry: Entry) -> Iterator[str]:
    """Yield the hub ids of an entry's models, under the organisations of its files."""
    for owner in {source.hub.partition("/")[0] for source in entry.sources if source.hub and "/" in source.hub}:
        yield from (f"{owner}/{name}" for name in _names(entry))


@cache
def _spellings() -> Mapping[str, str]:
    entries = CATALOG.values()
    hubs = {fold(s.hub): entry.name for entry in entries if not entry.files_of for s in entry.sources if s.hub}
    models = {fold(spelling): entry.name for entry in entries for spelling in _hub_ids(entry)}
    return {**models, **hubs, **{fold(spelling): entry.name for entry in entries for spelling in _names(entry)}}


def find_name(spelling: str) -> str | None:
    """Return the entry's name for a name, alias, model or hub id; None if unknown."""
    return _spellings().get(fold(spelling))


def resolve(name: str) -> Entry:
    """Return the entry for a name, an alias, a model's name or its hub id.

    Case, `_`, `-` and spaces are ignored.
    Raises TokbenchError for an unknown name, suggesting the closest known one.
    """
    known = find_name(name)
    if known is not None:
        return CATALOG[known]
    near = closest(name, [spelling for entry in CATALOG.values() for spelling in _names(entry)])
    hint = f"did you mean {near!r}?" if near else "see `tokbench list tokenizers`, or give the path of a file or folder"
    raise TokbenchError(f"no tokenizer is called {name!r}", hint)


def find_by_sha256(sha256: str, *others: str) -> Entry | None:
    """Return the entry whose main file has this hash, or None.

    `others`, hashes of files beside it, decide a tie.
    """
    best: Entry | None = None
    most = -1
    for entry in CATALOG.values():
        if entry.files_of is not None:
            continue
        for source in entry.sources:
            if source.files[0].sha256 == sha256:
                shared = len({file.sha256 for file in source.files[1:]} & set(others))
                if shared > most:
                    best, most = entry, shared
    return best
