"""Atomic writes: a file is written completely or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokbench.errors import TokbenchError


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


def read_json_object(path: Path) -> dict[str, Any]:
    """Read a JSON object; TokbenchError with line and column if it does not parse."""
    try:
        document = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise TokbenchError(f"{path}: not valid JSON ({error})", "download it again") from error
    if not isinstance(document, dict):
        raise TokbenchError(f"{path}: expected a JSON object", "download it again")
    return document
