"""Facts about a tokenizer: what it is called, where its files come from, what is special in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tokbench._shared.hashes import sha256_of
from tokbench.adapters import Tokenizer


@dataclass(frozen=True)
class SourceFile:
    """A file that was read: its name without folders, size in bytes and SHA-256 (hexadecimal)."""

    name: str
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Facts:
    """Facts about a tokenizer; None if the catalogue does not know them.

    sha256: of its file, or of the sorted list of several.
    origin: where the files were found, without a path. hubs, urls: where the catalogue knows them to be published.
    quirks: what is odd about it. used_by: models with this vocabulary.
    special: the text of special tokens by id; None if it is not known.
    """

    name: str
    family: str | None
    algorithm: str | None
    licence: str | None
    context_window: int | None
    quirks: str | None
    used_by: tuple[str, ...]
    format: str
    sha256: str
    origin: str
    files: tuple[SourceFile, ...]
    hubs: tuple[str, ...]
    urls: tuple[str, ...]
    special: Mapping[int, str | None]


def collect_facts(tokenizer: Tokenizer) -> Facts:
    """Collect what the files and the catalogue say of a tokenizer."""
    asset, entry = tokenizer.asset, tokenizer.asset.entry
    sources = entry.sources if entry else ()
    return Facts(
        name=tokenizer.name,
        family=entry.family if entry else None,
        algorithm=entry.algorithm if entry else None,
        licence=entry.licence if entry else None,
        context_window=entry.context_window if entry else None,
        quirks=entry.quirks if entry else None,
        used_by=entry.used_by if entry else (),
        format=asset.format,
        sha256=asset.sha256,
        origin=asset.origin,
        files=tuple(map(describe_file, asset.files)),
        hubs=tuple(dict.fromkeys(source.hub for source in sources if source.hub)),
        urls=tuple(dict.fromkeys(source.url for source in sources if source.url)),
        special=dict(sorted(tokenizer.special_tokens().items())),
    )


def describe_file(path: Path) -> SourceFile:
    """Return name, size and hash of a file."""
    return SourceFile(path.name, path.stat().st_size, sha256_of(path))
