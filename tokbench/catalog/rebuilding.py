"""Rebuild a tokenizer's file from the vocabulary inside an installed package.

Some packages carry vocabularies without their files. Written out in the format of the file, several of them are the
original, byte for byte, which its SHA-256 proves; the others are used as they are in that version of the package.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from tokbench._shared.cache import cache_path, keep_folder
from tokbench._shared.hashes import verify
from tokbench.catalog.entries import Entry, Rebuilt, Source
from tokbench.catalog.locations import Location, find_version
from tokbench.errors import TokbenchError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Sequence

AS_IN = "as in "
"""What the origin of a tokenizer starts with if its ids are those of a package, which no known hash proves."""

_REBUILDING = threading.Lock()


def describe_origin(entry: Entry) -> str | None:
    """Return the origin of an entry's files if a package here carries its vocabulary."""
    return next((_name_origin(source) for source in _list_sources(entry)), None)


def rebuild(entry: Entry, *, exact: bool = False) -> Location | None:
    """Rebuild the files of an entry in the cache, or find them there.

    Return None if no installed package carries its vocabulary, or carries another one than the known.
    The files are verified on each call: by their known hashes, else by those recorded when they were written.
    exact: only the original files, proven by their hashes.
    """
    for source in _list_sources(entry):
        if exact and not _is_exact(source):
            continue
        try:
            return Location(_rebuild_files(source), _name_origin(source), source)
        except UnavailableError:
            continue
    return None


def _list_sources(entry: Entry) -> list[Source]:
    return [source for source in entry.sources if source.rebuilt and find_version(source.rebuilt.package)]


def _name_origin(source: Source) -> str:
    """Return where a rebuilt file comes from: the known file, or only what a package says."""
    assert source.rebuilt is not None
    package = source.rebuilt.package
    return f"{'rebuilt from ' if _is_exact(source) else AS_IN}{package} {find_version(package)}"


def _is_exact(source: Source) -> bool:
    return all(file.sha256 for file in source.files)


def _rebuild_files(source: Source) -> tuple[Path, ...]:
    assert source.rebuilt is not None
    (file,) = source.files
    folder = cache_path("rebuilt", source.rebuilt, find_version(source.rebuilt.package), file.base)

    def write(part: Path) -> None:
        path = part / file.base
        path.write_bytes(_write(source))
        if file.sha256 is not None:
            try:
                verify(path, file.sha256, "", name=file.base)
            except TokbenchError as error:
                raise UnavailableError(error.message) from error

    with _REBUILDING:  # several tokenizers share a file
        return (keep_folder(folder, write) / file.base,)


def _write(source: Source) -> bytes:
    """Return the content of the file; UnavailableError for a vocabulary that cannot be written as it."""
    from tokbench.catalog.rebuilt_files import WRITERS

    rebuilt = source.rebuilt
    assert rebuilt is not None
    tokens = _read_vocabulary(rebuilt)
    try:
        return WRITERS[rebuilt.writer](tokens, rebuilt)
    except ValueError as error:
        raise UnavailableError(f"{rebuilt.package} carries another {rebuilt.vocabulary} ({error})") from error


def _read_vocabulary(rebuilt: Rebuilt) -> Sequence[bytes]:
    """Return the bytes of each id from 0 on.

    Raises UnavailableError if the package cannot be imported or has no such vocabulary.
    """
    try:
        from splintr import Tokenizer

        decode = Tokenizer.from_pretrained(rebuilt.vocabulary).decode_token_bytes
        return [decode(number) for number in range(rebuilt.end)]
    except (ImportError, ValueError) as error:
        raise UnavailableError(f"{rebuilt.package} does not carry {rebuilt.vocabulary} ({error})") from error
