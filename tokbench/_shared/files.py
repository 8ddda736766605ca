"""Files: written completely or not at all, and JSON objects read."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from tokbench._shared.paths import shorten
from tokbench._shared.pipes import refuse_special
from tokbench.errors import TokbenchError

_FIX = "fix the file, or download it again"


def check_writable(path: Path) -> None:
    """Check, before measuring anything, that a file can be written.

    Raises TokbenchError if it cannot.
    """
    folder = path.parent
    try:
        if path.is_dir():
            raise TokbenchError(f"cannot write {path}: it is a folder", "name a file")
        if not folder.is_dir():
            raise TokbenchError(f"cannot write {path}: there is no folder {folder}", "create it, or name another")
        allowed = os.access(path if path.exists() else folder, os.W_OK)
    except PermissionError:  # the folder cannot even be listed
        allowed = False
    except OSError as error:
        raise TokbenchError(f"cannot write {shorten(str(path))}: {error.strerror}", "name another file") from error
    if not allowed:
        raise TokbenchError(f"cannot write {path}: no permission", "name another file")


def format_document(document: Mapping[str, Any]) -> str:
    """Format a document as JSON, one line per key and one per list item.

    Fast to write and easy to diff.
    """
    encode = json.JSONEncoder(ensure_ascii=False).encode
    lines = []
    for key, value in document.items():
        several = isinstance(value, list) and value
        text = "[\n" + ",\n".join(map(encode, value)) + "\n]" if several else encode(value)
        lines.append(f"{encode(key)}: {text}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file completely or not at all; TokbenchError if it cannot be written."""
    try:
        replace_file(path, content)
    except OSError as error:
        raise TokbenchError(f"cannot write {path}: {error.strerror or error}", "name another file") from error


def check_writable_folder(path: Path, names: Collection[str]) -> None:
    """Check, before measuring anything, that a folder of these files can be written.

    It must be new, empty, or hold nothing but files called `names`, which are replaced. Raises TokbenchError if not.
    """
    parent = path.absolute().parent
    try:
        if path.exists() and not path.is_dir():
            raise TokbenchError(f"cannot write {path}: it is a file", "name a folder")
        others = sorted(entry.name for entry in path.iterdir() if entry.name not in names) if path.exists() else []
        nearest = next(folder for folder in (parent, *parent.parents) if folder.exists())
        allowed = os.access(nearest, os.W_OK | os.X_OK) and nearest.is_dir()
    except OSError as error:
        raise TokbenchError(f"cannot write {path}: {error.strerror or error}", "name another folder") from error
    if others:
        raise TokbenchError(f"cannot write {path}: it holds other files ({others[0]})", "name a new folder")
    if not allowed:
        raise TokbenchError(f"cannot write {path}: no permission to write in {nearest}", "name another folder")


def write_whole_folder(path: Path, contents: Mapping[str, bytes], names: Collection[str]) -> None:
    """Write a folder of files completely or not at all, in place of an earlier one.

    contents: by file name. names: all that an earlier folder may hold. Raises TokbenchError if it cannot be written or
    holds anything else.
    """
    check_writable_folder(path, names)
    path = path.absolute()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = create_folder_beside(path)
        try:
            for name, content in contents.items():
                (temporary / name).write_bytes(content)
            _swap_folder(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise TokbenchError(f"cannot write {path}: {error.strerror or error}", "name another folder") from error


def _swap_folder(temporary: Path, path: Path) -> None:
    """Rename a folder to `path`, and remove the folder that had the name."""
    if not path.exists():
        temporary.rename(path)
        return
    earlier = _find_name_beside(path)
    path.rename(earlier)
    try:
        temporary.rename(path)
    except OSError:
        earlier.rename(path)
        raise
    shutil.rmtree(earlier, ignore_errors=True)


def replace_file(path: Path, content: bytes) -> None:
    """Write a file beside `path`, then rename it: readers never see a partial file."""
    temporary = create_file_beside(path)
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def create_file_beside(path: Path) -> Path:
    """Create an empty file with a new name in the folder of `path`.

    The system applies the umask.
    """
    temporary = _find_name_beside(path)
    os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
    return temporary


def create_folder_beside(path: Path) -> Path:
    """Create a folder with a new name in the folder of `path`.

    The system applies the umask.
    """
    temporary = _find_name_beside(path)
    temporary.mkdir()
    return temporary


def _find_name_beside(path: Path) -> Path:
    return path.parent / f".tokbench-{os.urandom(8).hex()}.part"


def read_json_object(path: Path, *, unique_keys: bool = False) -> dict[str, Any]:
    """Read a JSON object.

    unique_keys: refuse repeated keys, of which the last would win.

    Raises TokbenchError with the file and what is wrong.
    """
    refuse_special(path)
    hook = refuse_repeated_keys if unique_keys else None
    try:
        document = json.loads(path.read_bytes().decode("utf-8-sig"), object_pairs_hook=hook)
    except OSError as error:
        raise TokbenchError(f"cannot read {path}: {error.strerror}", "choose another file") from error
    except UnicodeDecodeError as error:
        raise TokbenchError(f"{path} is damaged: byte {error.start} is not UTF-8", _FIX) from error
    except (ValueError, RecursionError) as error:
        raise TokbenchError(f"{path} is damaged: {error}", _FIX) from error
    if not isinstance(document, dict):
        raise TokbenchError(f"{path} is damaged: it contains no JSON object", _FIX)
    return document


def refuse_repeated_keys(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of a JSON object; ValueError if a key is repeated."""
    members = dict(pairs)
    if len(members) < len(pairs):
        seen: set[str] = set()
        repeated = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {repeated!r} is repeated")
    return members
