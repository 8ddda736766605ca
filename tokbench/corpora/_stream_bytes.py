"""Regions of files of lines, and their blocks: any part of a plain file, or all of a compressed one."""

from __future__ import annotations

import codecs
import re
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO

from tokbench._shared.pipes import refuse_special
from tokbench.corpora._content import HEAD_BYTES, refuse_compressed, refuse_wide_characters
from tokbench.corpora._storage import is_plain, open_binary
from tokbench.corpora._utf8 import ends_in_cr
from tokbench.errors import TokbenchError

MOST_SEGMENT = 1 << 28
"""Most bytes of one segment, and of its line and the blank lines around it."""

BLOCK_BYTES = 4_000_000
_STEP = 1 << 14
_BLANK = re.compile(rb"[\s\x1c-\x1f]*")


@dataclass(frozen=True)
class Lines:
    """How the lines of an open file lie.

    size: bytes of a plain file; None if it is compressed and can be read from its beginning only.
    bom: bytes of the byte order mark. end: LF or CR. first: where the first line with text starts.
    """

    path: Path
    file: BinaryIO
    size: int | None
    bom: int
    end: bytes
    first: int


@contextmanager
def open_lines(path: Path) -> Iterator[Lines]:
    """Open a file of lines; TokbenchError if it is none.

    Whether lines end in CR alone is judged by the first 64 KiB.
    """
    refuse_special(path)
    state = path.stat() if path.exists() else None
    facts = _examine(path, *((0, 0) if state is None else (state.st_size, state.st_mtime_ns)))
    with open_binary(path, bounded=False) as file:
        yield Lines(path, file, *facts)


@lru_cache(maxsize=64)
def _examine(path: Path, size: int, _changed: int) -> tuple[int | None, int, bytes, int]:
    """Return size, bom, end and first of `Lines`."""
    with open_binary(path, bounded=False) as file:
        head = file.read(HEAD_BYTES)
        refuse_compressed(path, head)
        refuse_wide_characters(path, head)
        bom = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
        end = b"\r" if ends_in_cr(head[bom:].decode("latin-1")) else b"\n"
        if not is_plain(path):
            return None, bom, end, bom
        lines = Lines(path, file, size, bom, end, bom)
        return size, bom, end, next((at for at, line in iterate_lines(lines, bom) if not is_blank(line)), size)


def is_blank(line: bytes) -> bool:
    """Return whether a line in UTF-8 holds only what `str.strip` drops."""
    found = _BLANK.match(line)
    if found is None or found.end() == len(line):
        return True
    return line[found.end()] >= 0x80 and not line.decode("utf-8", "replace").strip()


def find_start(lines: Lines, place: int, split: str | None) -> int:
    """Return the first start of a segment at or after a byte of a plain file, else the file's size.

    split: as in `SPLITS`, but not none; None if each line is looked at by itself.
    """
    size = lines.size or 0
    if place <= lines.bom:
        return lines.bom
    if place >= size:
        return size
    start = next((at + len(line) for at, line in iterate_lines(lines, _line_at(lines, place - 1))), size)
    if split is None or start >= size:
        return start
    after_blank = split == "lines" or _is_blank_before(lines, start)
    for at, line in iterate_lines(lines, start):
        if at - place > MOST_SEGMENT:
            raise _refuse_length(lines.path, "text", place)
        if is_blank(line):
            after_blank = True
        elif after_blank and at != lines.first:
            return at
        else:
            after_blank = split == "lines"
    return size


def read_blocks(lines: Lines, start: int, stop: int | None) -> Generator[tuple[int, bytes, bool], int | None, None]:
    """Yield (place, whole lines, whether they are the last) of a region; send back how many bytes to read again.

    start: of a line; it must be the first one if the file is compressed. stop: where the region ends, None for the end
    of the file. Raises TokbenchError if what is sent back grows over `MOST_SEGMENT`.
    """
    _go_to(lines, start)
    at, carry = start, b""
    while True:
        wanted = max(BLOCK_BYTES, len(carry))
        left = wanted if stop is None else min(wanted, stop - at - len(carry))
        block = lines.file.read(left)
        data = carry + block
        last = not block or (stop is not None and at + len(data) >= stop)
        cut = len(data) if last else _end_of_lines(lines, data)
        again = (yield at, data[:cut], last) or 0
        if last:
            return
        carry = data[cut - again :]
        at += cut - again
        if len(carry) > MOST_SEGMENT:
            raise _refuse_length(lines.path, "text", at)


def explain_place(path: Path | str, data: bytes, at: int) -> TokbenchError:
    """Build the error that names the byte of a file at which `data`, which begins at byte `at`, is not UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError as error:
        place = at + error.start
        return TokbenchError(
            f"{path}: not UTF-8: byte 0x{data[error.start]:02X} at byte {place:,} of the file",
            "convert the file to UTF-8",
        )
    return TokbenchError(f"{path}: the text at byte {at:,} cannot be read", "check the file")


def _refuse_length(path: Path, what: str, at: int) -> TokbenchError:
    limit = f"{MOST_SEGMENT >> 20} MiB"
    return TokbenchError(f"{path}: the {what} at byte {at:,} is longer than {limit}", "give a file with shorter ones")


def iterate_lines(lines: Lines, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield (place, line with its end) from a place on; TokbenchError for a line longer than `MOST_SEGMENT`."""
    _go_to(lines, at)
    rest = b""
    while True:
        block = lines.file.read(max(_STEP, len(rest)))
        data = rest + block
        start = 0
        for stop in _line_ends(lines, data, final=not block):
            yield at + start, data[start:stop]
            start = stop
        at, rest = at + start, data[start:]
        if not block:
            if rest:
                yield at, rest
            return
        if len(rest) > MOST_SEGMENT:
            raise _refuse_length(lines.path, "line", at)


def _go_to(lines: Lines, place: int) -> None:
    """Go to a byte of a file; a compressed one is at its beginning."""
    if lines.size is None:
        lines.file.read(place)
    else:
        lines.file.seek(place)


def _line_ends(lines: Lines, data: bytes, *, final: bool) -> Iterator[int]:
    """Yield the places after the line ends in `data`; a CR at its end may go on with LF unless it is final."""
    pattern = rb"\n" if lines.end == b"\n" else rb"\r\n?"
    for match in re.finditer(pattern, data):
        if final or match.end() < len(data) or lines.end == b"\n":
            yield match.end()


def _end_of_lines(lines: Lines, data: bytes) -> int:
    if lines.end == b"\n":
        return data.rfind(b"\n") + 1
    at = data.rfind(b"\r", 0, len(data) - 1)
    return at + 2 if data[at + 1 : at + 2] == b"\n" else at + 1


def _line_at(lines: Lines, place: int) -> int:
    """Return the start of the line that a byte belongs to."""
    step = _STEP
    while True:
        low = max(lines.bom, place - step)
        lines.file.seek(low)
        data = lines.file.read(place - low + 1)
        # A line end that ends after `place` is that of its own line; a CR there may go on with LF.
        ends = [stop for stop in _line_ends(lines, data, final=False) if stop < len(data)]
        if ends or low == lines.bom:
            return low + (ends[-1] if ends else 0)
        if step > MOST_SEGMENT:
            raise _refuse_length(lines.path, "line", place)
        step *= 2


def _is_blank_before(lines: Lines, start: int) -> bool:
    """Return whether the line that ends where another starts is blank."""
    at = _line_at(lines, start - 1)
    lines.file.seek(at)
    return is_blank(lines.file.read(start - at))
