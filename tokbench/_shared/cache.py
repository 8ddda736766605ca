"""Cache arrays, documents and folders.

Each is verified by SHA-256 on every read.
Damaged entries are rebuilt, with a warning. If the cache is not writable, work continues without it, with one warning.
"""

from __future__ import annotations

import atexit
import hashlib
import io
import json
import logging
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from tokbench import __version__
from tokbench._shared.cache_folder import find_cache_folder
from tokbench._shared.files import create_file_beside, create_folder_beside, replace_file
from tokbench._shared.hashes import sha256_of
from tokbench._shared.notes import note_damage, note_unwritable
from tokbench._shared.pipes import find_kind

if TYPE_CHECKING:
    import numpy.typing as npt

LAYOUT = 3
"""Version of the file format; part of every key, so files of another version are never read."""

Arrays: TypeAlias = "Mapping[str, npt.NDArray[Any]]"

_SEAL = b"tokbench sha256 %s\n"
_SEAL_BYTES = len(_SEAL % (b"0" * 64))
_HASHES = "tokbench-hashes"
_LOG = logging.getLogger(__name__)


def cache_path(kind: str, *parts: object) -> Path:
    """Return the cache path of `kind`, keyed by `parts` and the tokbench version.

    The suffix is left to the writer.
    """
    key = hashlib.sha256(repr((*parts, LAYOUT, __version__)).encode()).hexdigest()[:32]
    return find_cache_folder() / kind / key


def read_arrays(place: Path, names: frozenset[str]) -> Arrays | None:
    """Read the arrays called `names`.

    Return None, with a warning if damaged, if they must be rebuilt.
    """
    import numpy as np

    path = place.with_suffix(".arrays")
    content = _read_sealed(path)
    if content is None:
        return None
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            return {name: arrays[name] for name in names}
    except (ValueError, KeyError, zipfile.BadZipFile) as error:
        note_damage(path, error)
        return None


def write_arrays(place: Path, arrays: Arrays) -> None:
    """Cache arrays; do nothing but warn if the cache is not writable."""
    import numpy as np

    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    _write_sealed(place.with_suffix(".arrays"), content.getvalue())


def read_json(place: Path) -> Any | None:
    """Read a document written by `write_json`.

    Return None, with a warning if damaged, if it must be rebuilt.
    """
    content = _read_sealed(place.with_suffix(".document"))
    return None if content is None else json.loads(content)


def write_json(place: Path, document: Any) -> None:
    """Cache a document as JSON; do nothing but warn if the cache is not writable."""
    _write_sealed(place.with_suffix(".document"), json.dumps(document).encode())


def _seal(path: Path, content: bytes) -> bytes:
    """Return the first line of a cached file: the SHA-256 of its name and content."""
    digest = hashlib.sha256(path.name.encode() + b"\n")
    digest.update(content)
    return _SEAL % digest.hexdigest().encode()


def _read_sealed(path: Path) -> bytes | None:
    """Read the content after the seal.

    Return None if there is no file, or, with a warning, if it is damaged.
    """
    try:
        if kind := find_kind(path):
            note_damage(path, f"it is {kind}")
            return None
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    except OSError as error:
        note_damage(path, error.strerror or error)
        return None
    seal, content = content[:_SEAL_BYTES], content[_SEAL_BYTES:]
    if seal != _seal(path, content):
        note_damage(path, "its SHA-256 differs from the one recorded when it was written")
        return None
    _LOG.debug("read %s", path)
    return content


def _write_sealed(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, _seal(path, content) + content)
        _LOG.debug("wrote %s", path)
    except OSError as error:
        note_unwritable(find_cache_folder(), error)


def keep_folder(target: Path, write: Callable[[Path], None]) -> Path:
    """Return a cache folder that `write` fills once.

    Its files are verified on every call.
    The folder is filled under another name and then renamed, so neither a crash nor a second process leaves a partial
    one. If the cache is not writable, return a temporary folder that lasts as long as the process. Raises OSError if
    that cannot be written either.
    """
    if _is_intact(target):
        return target
    shutil.rmtree(target, ignore_errors=True)
    try:
        return _fill(target, write)
    except OSError as error:
        note_unwritable(find_cache_folder(), error)
    elsewhere = _find_temporary(target)
    return elsewhere if _is_intact(elsewhere) else _fill(elsewhere, write)


def find_kept_folder(target: Path) -> Path | None:
    """Return a folder that `keep_folder` filled, if it is there and its files are as they were written.

    A damaged one is reported and not returned.
    """
    return target if _is_intact(target) else None


def create_file(target: Path) -> tuple[Path, Path]:
    """Create an empty file beside `target`.

    Return both paths, in a temporary folder if the cache is not writable.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        return create_file_beside(target), target
    except OSError as error:
        note_unwritable(find_cache_folder(), error)
    elsewhere = _find_temporary(target)
    elsewhere.parent.mkdir(parents=True, exist_ok=True)
    return create_file_beside(elsewhere), elsewhere


def is_temporary(path: Path) -> bool:
    """Return whether a path is in the temporary folder for an unwritable cache."""
    return path.is_relative_to(_make_temporary())


@cache
def _make_temporary() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tokbench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _find_temporary(target: Path) -> Path:
    return _make_temporary().joinpath(*target.parts[-3:])


def _fill(target: Path, write: Callable[[Path], None]) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    part = create_folder_beside(target)
    try:
        write(part)
        hashes = {
            path.relative_to(part).as_posix(): sha256_of(path) for path in sorted(part.rglob("*")) if path.is_file()
        }
        content = json.dumps(hashes).encode()
        (part / _HASHES).write_bytes(_seal(part / _HASHES, content) + content)
        part.rename(target)
    except OSError:
        if not _is_intact(target):  # otherwise another process finished first
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target


def _is_intact(folder: Path) -> bool:
    """Return whether a folder exists and every file in it has its recorded hash."""
    try:
        if folder.exists() and not (folder / _HASHES).exists():
            note_damage(folder, "the hashes of its files are missing")
    except PermissionError:
        return False
    content = _read_sealed(folder / _HASHES)
    if content is None:
        return False
    try:
        hashes: dict[str, str] = json.loads(content)
        changed = [name for name in hashes if find_kind(folder / name) or sha256_of(folder / name) != hashes[name]]
    except OSError as error:
        note_damage(folder, error)
        return False
    if changed:
        note_damage(folder, f"the SHA-256 of {changed[0]} differs from the one recorded when it was written")
    return not changed
