"""The files of a stream: what a path, a glob or an address stands for."""

from __future__ import annotations

from collections.abc import Iterator
from glob import has_magic, iglob
from pathlib import Path, PurePath, PurePosixPath
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from tokbench._shared.offline import is_offline
from tokbench._shared.pipes import refuse_special
from tokbench.corpora._corpus_spec import is_address, is_glob
from tokbench.corpora._storage import stem_of, suffix_of
from tokbench.corpora._stream_polars import list_remote
from tokbench.errors import TokbenchError, UnavailableError

FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}
"""Readers of streams by suffix; other files are taken for text."""

MOST_FILES = 1_000_000
"""Most files of a glob."""


class SourceFile(NamedTuple):
    """A file of a stream: its path or address, its name relative to the source, its bytes (0 if unknown)."""

    path: str
    name: str
    size: int


class Source(NamedTuple):
    """The files of a stream in the order of their names.

    name: of the source in tables. single: it names one file, and is no glob.
    """

    name: str
    files: tuple[SourceFile, ...]
    single: bool


def find_files(path: str, *, offline: bool = False) -> Source:
    """Find the files that a path, a glob or an address stands for; empty ones are left out.

    Raises TokbenchError if there are none, and for what is not a regular file; UnavailableError for an address if
    `offline` or the environment forbids the network.
    """
    if path.lower().startswith("file://"):
        path = unquote(urlsplit(path).path)
    if is_address(path):
        if offline or is_offline():
            raise UnavailableError(f"{path} cannot be read: offline", "omit --offline and unset HF_HUB_OFFLINE")
        return _find_address(path)
    if not is_glob(path):
        file = _describe(path, PurePath(path).name)
        if not file.size:
            raise TokbenchError(f"{path} is empty", "give a file that contains texts")
        return Source(stem_of(Path(path)), (file,), single=True)
    root = _fixed_part(path)
    found = sorted((file.relative_to(root).as_posix(), str(file)) for file in _match(path))
    if not found:
        raise TokbenchError(f"no file matches {path!r}", "check the pattern, and quote it")
    files = tuple(file for name, place in found if (file := _describe(place, name)).size)
    if not files:
        raise TokbenchError(f"the files that match {path!r} are empty", "give files that contain texts")
    return Source(root.resolve().name or "files", files, single=False)


def _describe(path: str, name: str) -> SourceFile:
    refuse_special(Path(path))
    try:
        size = Path(path).stat().st_size
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    if Path(path).is_dir():
        raise TokbenchError(f"{path} is a folder", f"give its files by a pattern, in quotes: '{path}/*.jsonl'")
    return SourceFile(path, name, size)


def _fixed_part(pattern: str) -> Path:
    """Return the folder that all matches of a pattern are in."""
    parts = PurePath(pattern).parts
    fixed = next((number for number, part in enumerate(parts) if has_magic(part)), len(parts))
    return Path(*parts[:fixed])


def _match(pattern: str) -> Iterator[Path]:
    count = 0
    for found in iglob(pattern, recursive=True):  # noqa: PTH207 - pathlib matches hidden files
        if Path(found).is_dir():
            continue
        count += 1
        if count > MOST_FILES:
            raise TokbenchError(f"more than {MOST_FILES:,} files match {pattern!r}", "give a narrower pattern")
        yield Path(found)


def _find_address(address: str) -> Source:
    if not has_magic(urlsplit(address).path):
        name = PurePosixPath(urlsplit(address).path).name or address
        return Source(stem_of(Path(name)), (SourceFile(address, name, 0),), single=True)
    if name_format(address) != "parquet":
        raise TokbenchError(
            f"the files that match {address!r} cannot be listed, as they are not Parquet", "give one file"
        )
    root, _, _ = address[: next(at for at, char in enumerate(address) if char in "*?[")].rpartition("/")
    files = tuple(SourceFile(file, file.removeprefix(f"{root}/"), 0) for file in list_remote(address))
    if not files:
        raise TokbenchError(f"no file matches {address!r}", "check the pattern, and quote it")
    return Source(root.rpartition("/")[2] or "files", files, single=False)


def name_format(name: str) -> str:
    """Return the reader of a file by its name."""
    path = urlsplit(name).path if is_address(name) else name
    return FORMATS.get(suffix_of(Path(path)), "text")
