"""Download an archive and unpack the files wanted of it into a cache folder.

Nothing outside that folder is written: links, names that lead elsewhere, encrypted files and archives that hold more
than expected are refused, and only files that match a pattern are unpacked.
"""

from __future__ import annotations

import gzip
import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from tokbench._shared.cache import is_temporary, keep_folder
from tokbench._shared.hashes import verify
from tokbench._shared.paths import shorten
from tokbench.catalog.locations import is_offline, open_record
from tokbench.catalog.network import download, find_fault
from tokbench.errors import TokbenchError, UnavailableError

MOST_FILES = 10_000
"""Most entries of an archive."""

_BLOCK = 1 << 20
_PADDING = 1 << 20
_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error),
    *(EOFError, ValueError, NotImplementedError),
)


@dataclass(frozen=True)
class Archive:
    """An archive at an http(s) address, .tar.gz or .zip, whose files are in one folder.

    largest, unpacked: most bytes of the archive, and of what is in it.
    files: patterns of the paths to unpack, without that folder. sha256: None if unknown.
    """

    name: str
    address: str
    largest: int
    unpacked: int
    files: tuple[str, ...]
    sha256: str | None = None


class Entry(NamedTuple):
    """An entry of an archive: its path, and what opens it, or why it cannot be unpacked."""

    path: str
    fault: str | None
    open: Callable[[], IO[bytes] | None]


def fetch_archive(archive: Archive, target: Path, check: Callable[[Path], None]) -> Path:
    """Download an archive, verify it, and unpack it into the cache folder `target`, unless that is there.

    check: reads the unpacked files, and raises TokbenchError if they are not what they should be. An archive with no
    known hash is held to that of its first download that passed. Raises UnavailableError if it cannot be downloaded,
    TokbenchError if it is refused or cannot be cached. Nothing is left behind then.
    """

    def write(folder: Path) -> None:
        file = folder / ".archive"
        _download(archive, file)
        unpack(archive, file, folder)
        check(folder)
        if archive.sha256 is None:
            open_record().hold(archive.address, file)
        file.unlink()

    found = keep_folder(target, write)
    if is_temporary(found):
        raise TokbenchError(
            f"{archive.name} was downloaded, but cannot be cached", "set TOKBENCH_CACHE to a writable folder"
        )
    return found


def _download(archive: Archive, file: Path) -> None:
    if is_offline():
        raise UnavailableError(
            f"{archive.name} cannot be downloaded: offline", "unset HF_HUB_OFFLINE and TRANSFORMERS_OFFLINE"
        )
    if fault := find_fault(archive.address):
        raise UnavailableError(f"{archive.name} cannot be downloaded: {fault}")
    with file.open("wb") as stream:
        download(archive.address, stream, archive.largest)
    if archive.sha256 is not None:
        verify(file, archive.sha256, "the remote file has changed: do not use it", name=archive.address)
    else:
        open_record().knows(archive.address, file)


def unpack(archive: Archive, file: Path, folder: Path) -> None:
    """Unpack the files wanted of an archive; TokbenchError if it is damaged, unsafe or has none of them."""
    left = archive.unpacked
    unpacked = 0
    try:
        with _open(file, archive.unpacked) as entries:
            for number, entry in enumerate(entries, start=1):
                if number > MOST_FILES:
                    raise _refuse(archive, f"it has more than {MOST_FILES:,} entries")
                inner = _strip(archive, entry.path)
                if inner is None or not any(_matches(inner, pattern) for pattern in archive.files):
                    continue
                if entry.fault is not None:
                    raise _refuse(archive, f"{shorten(entry.path)!r} is {entry.fault}")
                left -= _copy(archive, entry, folder.joinpath(*inner.parts), left)
                unpacked += 1
    except _DAMAGE as error:
        raise _refuse(archive, str(error) or type(error).__name__) from error
    if not unpacked:
        raise _refuse(archive, "it has none of the files that it should have")


def _refuse(archive: Archive, reason: str) -> TokbenchError:
    return TokbenchError(
        f"the archive of {archive.name} cannot be unpacked: {reason}", "it may have changed: report it"
    )


def _strip(archive: Archive, name: str) -> PurePosixPath | None:
    """Return a path without its first folder, or None for that folder; TokbenchError if it leads elsewhere."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or "\0" in name:
        raise _refuse(archive, f"the name {shorten(name)!r} leads out of its folder")
    return PurePosixPath(*path.parts[1:]) if len(path.parts) > 1 else None


def _matches(path: PurePosixPath, pattern: str) -> bool:
    """Return whether a path matches a pattern, folder by folder."""
    patterns = pattern.split("/")
    return len(patterns) == len(path.parts) and all(map(fnmatchcase, path.parts, patterns))


def _copy(archive: Archive, entry: Entry, target: Path, most: int) -> int:
    """Unpack one entry into a new file; return its size."""
    size = 0
    target.parent.mkdir(parents=True, exist_ok=True)
    stream = entry.open()
    if stream is None or target.exists():
        raise _refuse(archive, f"{shorten(entry.path)!r} is in it twice" if stream else "an entry has no content")
    with stream, target.open("xb") as written:
        while block := stream.read(_BLOCK):
            size += len(block)
            if size > most:
                raise _refuse(archive, f"its files have more than {archive.unpacked:,} bytes")
            written.write(block)
    return size


@contextmanager
def _open(file: Path, most: int) -> Iterator[Iterator[Entry]]:
    """Open an archive and iterate over its entries."""
    with file.open("rb") as stream:
        head = stream.read(4)
    if head.startswith(b"PK"):
        with zipfile.ZipFile(file) as packed:
            yield _list_zip(packed)
    elif head.startswith(b"\x1f\x8b"):
        with gzip.open(file) as plain, tarfile.open(fileobj=Bounded(plain, 2 * most + _PADDING), mode="r|") as tar:
            yield _list_tar(tar)
    else:
        raise ValueError("it is neither .tar.gz nor .zip")


def _list_tar(tar: tarfile.TarFile) -> Iterator[Entry]:
    for member in tar:
        fault = None if member.isreg() and not member.issparse() else "not a regular file"
        yield Entry(member.name, fault, lambda member=member: tar.extractfile(member))  # type: ignore[misc]


def _list_zip(packed: zipfile.ZipFile) -> Iterator[Entry]:
    for info in packed.infolist():
        fault = None
        if info.flag_bits & 1:
            fault = "encrypted"
        elif info.is_dir() or stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            fault = "not a regular file"
        yield Entry(info.filename, fault, lambda info=info: packed.open(info))  # type: ignore[misc]


class Bounded(io.BufferedIOBase):
    """A stream that raises ValueError once it has given more bytes than expected, whatever is asked for at once."""

    def __init__(self, stream: gzip.GzipFile, most: int) -> None:
        self.stream = stream
        self.left = most

    def read(self, size: int | None = -1, /) -> bytes:
        """Read up to `size` bytes, or all."""
        most = self.left + 1
        data = self.stream.read(most if size is None or size < 0 else min(size, most))
        self.left -= len(data)
        if self.left < 0:
            raise ValueError("it holds more than expected")
        return data
