"""Special files: pipes that a shell opened are copied once, all others are refused."""

from __future__ import annotations

import atexit
import re
import shutil
import stat
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import BinaryIO

from tokbench.errors import TokbenchError

STDIN = "-"
"""The corpus argument that means standard input."""

LARGEST_PIPE = 1 << 31
"""Most bytes read from a pipe; larger input must be a file."""

_BLOCK = 1 << 20
_OF_SHELL = re.compile(r"/dev/(?:fd/(?P<fd>\d+)|stdin)|/proc/(?:self|\d+)/fd/\d+")
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
    (stat.S_ISSOCK, "a socket"),
)


def find_kind(path: Path) -> str | None:
    """Return the kind of a special file, such as "a pipe".

    None for a file, a folder and a path that does not exist.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    return next((kind for test, kind in _KINDS if test(mode)), None)


def refuse_special(path: Path) -> None:
    """Raise TokbenchError for a pipe, a device or a socket: reading one might never end."""
    kind = find_kind(path)
    if kind is not None:
        raise TokbenchError(f"{path} is {kind}, not a regular file", "copy its content into a file")


def keep_stdin() -> Path:
    """Return a copy of standard input in a temporary file, which exists until this process ends.

    It is read once. Raises TokbenchError if it is a terminal, empty, or holds more than `LARGEST_PIPE` bytes.
    """
    stream = sys.stdin
    if stream is None or stream.isatty():
        raise TokbenchError("standard input is a terminal", "pipe a text into the command: ... | tokbench ... -")
    known = _read_stdin.get(id(stream))
    if known is None or known[0] is not stream:
        copy = Path(tempfile.mkdtemp(dir=_make_folder())) / "stdin"
        _write_copy("standard input", stream.buffer, copy)
        known = _read_stdin[id(stream)] = (stream, copy)
    return known[1]


_read_stdin: dict[int, tuple[object, Path]] = {}
"""Copies of standard input, by the stream that was read."""


def keep_pipe(path: Path) -> Path:
    """Return a path that can be read repeatedly: `path`, or a copy of a pipe that a shell opened.

    `<(command)` in a shell is such a pipe (`/dev/fd/63`). It can be read only once, so its content is copied into a
    temporary file, which exists until this process ends. Raises TokbenchError for any other special file, and for a
    pipe that is empty or holds more than `LARGEST_PIPE` bytes.
    """
    if find_kind(path) != "a pipe" or not _OF_SHELL.fullmatch(str(path)):
        refuse_special(path)
        return path
    status = path.stat()
    return _copy(str(path), status.st_dev, status.st_ino)


@cache
def _copy(path: str, device: int, inode: int) -> Path:
    """Copy a pipe; device and inode tell it from a later pipe of the same name."""
    match = _OF_SHELL.fullmatch(path)
    copy = _make_folder() / f"{inode}" / (match["fd"] or "stdin" if match else "pipe")
    copy.parent.mkdir(exist_ok=True)
    try:
        with Path(path).open("rb") as source:
            _write_copy(path, source, copy)
    except OSError as error:
        raise TokbenchError(f"{path} cannot be copied: {error.strerror}", "write its content into a file") from error
    return copy


def _write_copy(name: str, source: BinaryIO, copy: Path) -> None:
    """Copy a stream; TokbenchError if it is empty or too large."""
    size = 0
    try:
        with copy.open("wb") as target:
            while block := source.read(_BLOCK):
                size += len(block)
                if size > LARGEST_PIPE:
                    copy.unlink()
                    raise TokbenchError(
                        f"{name} holds more than {LARGEST_PIPE >> 30} GiB, the most that is read from a pipe",
                        "write it into a file",
                    )
                target.write(block)
    except OSError as error:
        raise TokbenchError(f"{name} cannot be copied: {error.strerror}", "write its content into a file") from error
    if not size:
        raise TokbenchError(f"{name} is an empty pipe", "check the command that writes to it")


@cache
def _make_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="tokbench-pipe-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
