"""Files and folders of a corpus, wherever they are: on disk, compressed, or in a zip archive.

A file inside an archive has a path that continues the archive's: `opus.zip/en.txt`. Nothing is unpacked to disk.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import io
import lzma
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple, cast

from tokbench._shared.pipes import refuse_special
from tokbench.corpora._zstd import open_zstd
from tokbench.errors import TokbenchError

MOST_UNPACKED = 1 << 30
"""Most bytes that one compressed file may unpack to."""

MOST_RATIO = 200
"""Most bytes that one compressed byte may become, once `RATIO_FROM` bytes have come out."""

RATIO_FROM = 1 << 26

MOST_ENTRIES = 100_000
"""Most entries of an archive."""

_MAGIC = {"gzip": b"\x1f\x8b\x08", "bzip2": b"BZh", "xz": b"\xfd7zXZ\x00", "zstd": b"\x28\xb5\x2f\xfd"}
_SUFFIXES = frozenset({".gz", ".bz2", ".xz", ".zst"})
_ZIP = b"PK\x03\x04"
# First entries of documents and programs that are zip files, but no archives of texts.
_NOT_TEXTS = ("[Content_Types].xml", "mimetype", "META-INF/", "AndroidManifest.xml", "_rels/")
# What the libraries raise for damaged files; zipfile raises the last two for names and entries that it does not read.
_DAMAGED = (
    *(OSError, EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile),
    *(RuntimeError, UnicodeDecodeError),  # NotImplementedError is a RuntimeError
)


def strip_compression(file_name: str) -> str:
    """Return a file's name without the suffix of its compression: `a.en.gz` becomes `a.en`."""
    stem, dot, suffix = file_name.rpartition(".")
    return stem if stem and f"{dot}{suffix}".lower() in _SUFFIXES else file_name


def suffix_of(path: Path) -> str:
    """Return the suffix of a file in lower case, that of its compression aside."""
    return PurePosixPath(strip_compression(path.name)).suffix.lower()


def stem_of(path: Path) -> str:
    """Return the name of a file without its suffixes of compression and format."""
    return PurePosixPath(strip_compression(path.name)).stem


def is_file(path: Path) -> bool:
    """Return whether a path is a regular file or one in an archive, but no archive."""
    if path.is_file():
        return not _is_archive(path)
    inside = _locate(path)
    return inside is not None and inside.name in _list_entries(inside.archive).files


def is_dir(path: Path) -> bool:
    """Return whether a path is a folder, an archive, or a folder in one."""
    if path.is_dir() or _is_archive(path):
        return True
    inside = _locate(path)
    return inside is not None and inside.name in _list_entries(inside.archive).folders


def exists(path: Path) -> bool:
    """Return whether there is a file or folder of this path."""
    return path.exists() or is_file(path) or is_dir(path)


def is_plain(path: Path) -> bool:
    """Return whether a file lies uncompressed on the disk, so that any part of it can be read."""
    if not path.is_file():
        return False
    with open_raw(path) as file:
        return _recognize(file.read(16)) is None


def list_folder(folder: Path) -> list[Path]:
    """List a folder in the order of the names; TokbenchError if it cannot be read."""
    inside = _locate(folder)
    if inside is not None:
        return [folder / name for name in sorted(_list_entries(inside.archive).folders.get(inside.name, ()))]
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        raise TokbenchError(f"{folder} cannot be read: {error.strerror}", "check its permissions") from error


def only_file(archive: Path) -> Path | None:
    """Return the one file of an archive; None if it has several, or `archive` is none."""
    if not _is_archive(archive):
        return None
    files = _list_entries(archive).files
    return archive / next(iter(files)) if len(files) == 1 else None


@contextmanager
def open_binary(path: Path, *, bounded: bool = True) -> Iterator[BinaryIO]:
    """Open a file for its bytes, unpacked if it is compressed with gzip, bzip2, xz or zstd.

    bounded: whether it may unpack to `MOST_UNPACKED` at most, which is kept in memory.
    Raises TokbenchError if it cannot be read, and while reading if it is damaged or unpacks to too much.
    """
    with open_raw(path) as raw:
        compression = _recognize(raw.peek(16)[:16])
        if compression is None:
            yield raw
            return
        limited = _Limited(path, _unpack(path, raw, compression), _packed_size(path), compression, bounded=bounded)
        with io.BufferedReader(limited, 1 << 16) as stream:
            yield stream


@contextmanager
def open_raw(path: Path) -> Iterator[io.BufferedReader]:
    """Open a file for its bytes as they are stored."""
    inside = None if path.exists() else _locate(path)
    if inside is not None:
        with _open_entry(path, inside) as stream:
            yield stream
        return
    refuse_special(path)
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError:
        raise TokbenchError(f"there is no file {path}", "check the path") from None
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error


# ---- compressed files


def _recognize(head: bytes) -> str | None:
    """Return the compression of a file by its first 16 bytes."""
    for name, magic in _MAGIC.items():
        if head.startswith(magic) and (name != "bzip2" or head[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90")):
            return name
    return None


def _packed_size(path: Path) -> int:
    inside = None if path.exists() else _locate(path)
    if inside is None:
        return path.stat().st_size
    return _list_entries(inside.archive).files[inside.name].compress_size


def _unpack(path: Path, raw: io.BufferedReader, compression: str) -> IO[bytes]:
    if compression == "gzip":
        return cast(IO[bytes], gzip.GzipFile(fileobj=raw))
    if compression == "bzip2":
        return bz2.BZ2File(raw)
    if compression == "xz":
        return lzma.LZMAFile(raw)
    return open_zstd(path, raw)


def _errors() -> tuple[type[Exception], ...]:
    """Return the errors that damaged data raises, those of the library that unpacks zstd included if it is in use."""
    used = [module for name in ("compression.zstd", "zstandard") if (module := sys.modules.get(name)) is not None]
    return (*_DAMAGED, *(module.ZstdError for module in used))


class _Limited(io.RawIOBase):
    """A stream of unpacked bytes that ends in an error instead of filling the memory."""

    def __init__(self, path: Path, stream: IO[bytes], packed: int, kind: str, *, bounded: bool = True) -> None:
        self._path, self._stream, self._packed, self._kind, self._bounded = path, stream, packed, kind, bounded
        self._size = 0

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer; TokbenchError past the limits and for damaged data."""
        try:
            block = self._stream.read(len(buffer))
        except _errors() as error:
            reason = str(error) or type(error).__name__
            raise TokbenchError(f"{self._path} is damaged ({self._kind}): {reason}", "get the file again") from None
        self._size += len(block)
        if self._bounded and self._size > MOST_UNPACKED:
            limit = f"{MOST_UNPACKED >> 20} MiB, the most that is unpacked in memory"
            raise TokbenchError(f"{self._path} unpacks to more than {limit}", "unpack it into a file")
        if self._size > RATIO_FROM and self._size > MOST_RATIO * max(self._packed, 1):
            raise TokbenchError(
                f"{self._path} unpacks to more than {MOST_RATIO} times its size, as no text does",
                "if it is one, unpack it into a file",
            )
        buffer[: len(block)] = block
        return len(block)


# ---- archives


class _Inside(NamedTuple):
    """A place in an archive; the name of its root is empty."""

    archive: Path
    name: str


class _Entries(NamedTuple):
    """The files of an archive by name, and the names in each of its folders."""

    files: dict[str, zipfile.ZipInfo]
    folders: dict[str, set[str]]


def _is_archive(path: Path) -> bool:
    if path.suffix.lower() != ".zip" or not path.is_file():
        return False
    with open_raw(path) as file:
        return file.read(4) == _ZIP and not file.read(60)[26:].startswith(tuple(map(str.encode, _NOT_TEXTS)))


def _locate(path: Path) -> _Inside | None:
    """Return the archive that a path leads into, and where; None if it leads into none."""
    if ".zip" not in str(path).lower():
        return None
    for parent in (path, *path.parents):
        if parent.suffix.lower() == ".zip" and _is_archive(parent):
            inner = path.relative_to(parent).as_posix()
            return _Inside(parent, "" if inner == "." else inner)
    return None


def _list_entries(archive: Path) -> _Entries:
    state = archive.stat()
    return _read_entries(archive, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=8)
def _read_entries(archive: Path, _changed: int, _size: int) -> _Entries:
    """Read the directory of an archive; entries whose names lead out of it are ignored."""
    files: dict[str, zipfile.ZipInfo] = {}
    folders: dict[str, set[str]] = {"": set()}
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
    except _DAMAGED as error:
        raise TokbenchError(f"{archive} is damaged (zip): {error}", "get the file again") from None
    if len(entries) > MOST_ENTRIES:
        raise TokbenchError(f"{archive} has {len(entries):,} entries, more than {MOST_ENTRIES:,}", "unpack it first")
    for entry in entries:
        name = PurePosixPath(entry.filename)
        if entry.is_dir() or name.is_absolute() or ".." in name.parts or not name.parts:
            continue
        files[str(name)] = entry
        for folder in name.parents:
            child = name.relative_to(folder).parts[0]
            folders.setdefault("" if str(folder) == "." else str(folder), set()).add(child)
    return _Entries(files, folders)


@contextmanager
def _open_entry(path: Path, inside: _Inside) -> Iterator[io.BufferedReader]:
    entry = _list_entries(inside.archive).files.get(inside.name)
    if entry is None:
        raise TokbenchError(f"there is no file {path}", "check the path")
    with contextlib.ExitStack() as stack:
        try:
            opened = stack.enter_context(zipfile.ZipFile(inside.archive))
            stream = stack.enter_context(opened.open(entry))
        except _DAMAGED as error:
            raise TokbenchError(f"{path} cannot be read: {error}", "unpack the archive") from None
        yield stack.enter_context(io.BufferedReader(_Limited(path, stream, entry.compress_size, "zip"), 1 << 16))
