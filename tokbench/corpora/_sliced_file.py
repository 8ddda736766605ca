"""Files of lines too large for memory: line positions, and slices of lines."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.corpora._content import HEAD_BYTES, refuse_compressed, refuse_wide_characters
from tokbench.corpora._storage import open_binary
from tokbench.corpora._utf8 import explain_not_utf8, read_head
from tokbench.errors import TokbenchError

LARGE_BYTES = 64_000_000
"""Files of at least this size are read in slices."""

_READ_BYTES = 16_000_000
_SPARSE = 8
"""If fewer than one line in this many is requested, each is read separately."""

_MAY_BE_SPACE = np.array([*range(0x21), 0xC2, 0xE1, 0xE2, 0xE3], np.uint8)
"""First bytes of white space in UTF-8."""

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LineFile:
    """The lines of a file, split at LF only; one CR before it is dropped.

    starts: the byte at which each line starts, and where the last one ends, including its LF.
    lines: numbers of the lines in use.
    changed: the file's modification time (ns) when it was indexed.
    blank: numbers of the lines that are white space alone.
    returns: whether there is any carriage return.
    unended: whether the last line has no line feed.
    """

    path: Path
    starts: Positions
    lines: Positions
    changed: int
    blank: Positions
    returns: bool
    unended: bool

    def len(self) -> int:
        """Return the number of lines in use."""
        return len(self.lines)

    def slice(self, offset: int, length: int | None = None) -> pl.Series:
        """Return some of the lines.

        Raises TokbenchError if the file has changed since it was indexed.
        """
        wanted = self.lines[offset:] if length is None else self.lines[offset : offset + length]
        return pl.Series("text", self._read(wanted), dtype=pl.String)

    def head(self, n: int = 10) -> LineFile:
        """Return the first n lines."""
        return replace(self, lines=self.lines[:n])

    def filter(self, predicate: pl.Series) -> LineFile:
        """Return the lines for which the mask is true."""
        return replace(self, lines=self.lines[predicate.to_numpy()])

    def gather_every(self, n: int, offset: int = 0) -> pl.Series:
        """Return every n-th line."""
        return pl.Series("text", self._read(self.lines[offset::n]), dtype=pl.String)

    def find_blank(self) -> pl.Series:
        """Flag the lines in use that are white space alone."""
        return pl.Series(np.isin(self.lines, self.blank))

    def read_bytes(self) -> Iterator[tuple[bytes, Positions]]:
        """Yield all lines in use, some megabytes at once: their bytes, joined by nothing, and their sizes."""
        step = max(1, _READ_BYTES * len(self.starts) // max(1, int(self.starts[-1])))
        for offset in range(0, len(self.lines), step):
            lines = self.read_lines(offset, step)
            if isinstance(lines, list):
                encoded = [line.encode() for line in lines]
                yield b"".join(encoded), np.fromiter(map(len, encoded), np.int64, len(encoded))
            else:
                yield lines[0].replace(b"\n", b""), lines[1]

    def measure_lines(self) -> Positions | None:
        """Return the bytes of each line in use; None if that takes reading them, since some end in CR LF."""
        if self.returns:
            return None
        sizes = np.diff(self.starts) - 1
        if self.unended:
            sizes[-1] += 1
        return sizes[self.lines]

    def read_lines(self, offset: int, length: int) -> tuple[bytes, Positions] | list[str]:
        """Read some of the lines: their bytes, with one line feed after each, and sizes.

        They are texts if other lines lie between them, or if there are carriage returns.
        """
        wanted = self.lines[offset : offset + length]
        if not len(wanted) or int(wanted[-1]) - int(wanted[0]) + 1 != len(wanted):
            return self._read(wanted)
        bounds = self.starts[int(wanted[0]) : int(wanted[-1]) + 2]
        with self._open() as file:
            file.seek(int(bounds[0]))
            data = file.read(int(bounds[-1] - bounds[0]))
        if self.returns and b"\r" in data:
            return self._read(wanted)
        sizes = np.diff(bounds) - 1
        if not data.endswith(b"\n"):  # the last line of the file
            sizes[-1] += 1
            data += b"\n"
        return data, sizes

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        with open_binary(self.path) as file:
            if self.path.stat().st_mtime_ns != self.changed:
                raise TokbenchError(f"{self.path} was changed while it was read", "run the command again")
            yield file

    def _read(self, wanted: Positions) -> list[str]:
        if not len(wanted):
            return []
        with self._open() as file:
            first, last = int(wanted[0]), int(wanted[-1])
            if last - first + 1 <= _SPARSE * len(wanted):
                texts = self._read_range(file, first, last)
                whole = len(texts) == len(wanted)
                return texts if whole else [texts[number] for number in (wanted - first).tolist()]
            return [text for number in wanted.tolist() for text in self._read_range(file, number, number)]

    def _read_range(self, file: BinaryIO, first: int, last: int) -> list[str]:
        start = int(self.starts[first])
        file.seek(start)
        text = file.read(int(self.starts[last + 1]) - start).decode()
        texts = text.removesuffix("\n").split("\n")
        return [line.removesuffix("\r") for line in texts] if "\r" in text else texts


@dataclass(frozen=True)
class FoundLines:
    """The lines of a file.

    `bom`: it started with a byte order mark, `crlf`: number of lines that end in CR LF.
    """

    lines: LineFile
    bom: bool
    crlf: int


def find_lines(path: Path) -> FoundLines | None:
    """Index the lines of a file; return None if they end in CR alone.

    Raises TokbenchError with line and byte if it is not UTF-8.
    """
    changed = path.stat().st_mtime_ns
    head = read_head(path, HEAD_BYTES)
    refuse_compressed(path, head)
    refuse_wide_characters(path, head)
    starts: list[Positions] = []
    blank: list[Positions] = []
    at = lines = crlf = cr = 0
    bom = False
    with open_binary(path) as file:
        rest = b""
        while block := file.read(_READ_BYTES):
            block = rest + block
            if not at and not bom and block.startswith(codecs.BOM_UTF8):
                bom, at, block = True, len(codecs.BOM_UTF8), block[len(codecs.BOM_UTF8) :]
            cut = block.rfind(b"\n") + 1
            whole, rest = block[:cut], block[cut:]
            ends = _check(path, whole, lines)
            blank.append(_find_blank(whole, ends) + lines)
            crlf += whole.count(b"\r\n")
            cr += whole.count(b"\r")
            starts.append(ends + (at + 1))
            at, lines = at + cut, lines + len(ends)
        _check(path, rest, lines)
        blank.append(_find_blank(rest, np.array([len(rest)] if rest else [], np.int64)) + lines)
        crlf += rest.endswith(b"\r")
        cr += rest.count(b"\r")
    if cr - crlf > lines:
        return None
    begin = np.array([len(codecs.BOM_UTF8) if bom else 0], np.int64)
    # A last line without a line feed ends with the file.
    tail = [np.array([at + len(rest)], np.int64)] if rest else []
    bounds = np.concatenate([begin, *starts, *tail])
    lines_found = LineFile(
        path,
        starts=bounds,
        lines=np.arange(len(bounds) - 1),
        changed=changed,
        blank=np.concatenate(blank),
        returns=cr > 0,
        unended=bool(rest),
    )
    return FoundLines(lines_found, bom, crlf)


def _check(path: Path, block: bytes, lines: int) -> Positions:
    """Return the positions of the line feeds in a block of whole lines.

    Raises TokbenchError if it is not UTF-8.
    """
    try:
        pl.Series([block], dtype=pl.Binary).cast(pl.String)  # several times faster than to decode it
    except pl.exceptions.ComputeError:
        try:
            block.decode()
        except UnicodeDecodeError as error:
            raise explain_not_utf8(path, block, error.start, lines) from None
    return np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))


def _find_blank(block: bytes, ends: Positions) -> Positions:
    """Return the numbers of the lines that are white space alone; ends: where each line ends."""
    if not len(ends):
        return ends
    first = np.frombuffer(block + b"\n", np.uint8)
    starts = np.concatenate([[0], ends[:-1] + 1])
    # Only lines that begin with what may begin white space are looked at.
    candidates = np.flatnonzero(np.isin(first[starts], _MAY_BE_SPACE))
    found = [block[starts[i] : ends[i]].decode() for i in candidates.tolist()]
    return candidates[(pl.Series(found, dtype=pl.String).str.strip_chars() == "").to_numpy()]
