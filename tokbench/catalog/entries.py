"""Facts about each tokenizer: sizes, licence, loading rules, sources.

The facts are data, in `catalog.toml` beside this module; to add a tokenizer, add a table there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files as package_files

from tokbench._shared.registry import closest
from tokbench.catalog._catalog_file import fold, list_names, read_catalog
from tokbench.catalog._entry_types import Entry, File, Rebuilt, Source
from tokbench.errors import TokbenchError

__all__ = [
    "CATALOG",
    "Entry",
    "File",
    "Rebuilt",
    "Source",
    "find_by_sha256",
    "find_name",
    "fold",
    "read_catalog",
    "resolve",
]


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


def _hub_ids(entry: Entry) -> Iterator[str]:
    """Yield the hub ids of an entry's models, under the organisations of its files."""
    for owner in {source.hub.partition("/")[0] for source in entry.sources if source.hub and "/" in source.hub}:
        yield from (f"{owner}/{name}" for name in list_names(entry))


@cache
def _spellings() -> Mapping[str, str]:
    entries = CATALOG.values()
    hubs = {fold(s.hub): entry.name for entry in entries if not entry.files_of for s in entry.sources if s.hub}
    models = {fold(spelling): entry.name for entry in entries for spelling in _hub_ids(entry)}
    models |= {fold(spelling): entry.name for entry in entries for spelling in entry.hub_ids}
    return {**models, **hubs, **{fold(spelling): entry.name for entry in entries for spelling in list_names(entry)}}


_VARIANT = re.compile(r"-(?:instruct|chat|base|it|pt|hf)$", re.IGNORECASE)


def find_name(spelling: str) -> str | None:
    """Return the entry's name for a name, alias, model or hub id; None if unknown.

    A variant of a known model, such as `-Instruct`, has its tokenizer.
    """
    spellings = _spellings()
    return spellings.get(fold(spelling)) or spellings.get(fold(_VARIANT.sub("", spelling)))


def resolve(name: str) -> Entry:
    """Return the entry for a name, an alias, a model's name or its hub id.

    Case, `_`, `-` and spaces are ignored.
    Raises TokbenchError for an unknown name, suggesting the closest known one.
    """
    known = find_name(name)
    if known is not None:
        return CATALOG[known]
    near = closest(name, [spelling for entry in CATALOG.values() for spelling in list_names(entry)])
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
            if source.files[0].sha256 == sha256 and source.rebuilt is None:
                shared = len({file.sha256 for file in source.files[1:]} & set(others))
                if shared > most:
                    best, most = entry, shared
    return best
