"""Files of lines too large for memory: line positions, and slices of lines."""

from __future__ import annotations

import codecs
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

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class LineFile:
    """The lines of a file, split at LF only; one CR before it is dropped.

    starts: the byte at which each line starts, and where the last one ends, including its LF.
    lines: numbers of the lines in use.
    changed: the file's modification time (ns) when it was indexed.
    """

    path: Path
    starts: Positions
    lines: Positions
    changed: int

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

    def _read(self, wanted: Positions) -> list[str]:
        if not len(wanted):
            return []
        with open_binary(self.path) as file:
            if self.path.stat().st_mtime_ns != self.changed:
                raise TokbenchError(f"{self.path} was changed while it was read", "run the command again")
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
            crlf += whole.count(b"\r\n")
            cr += whole.count(b"\r")
            starts.append(ends + (at + 1))
            at, lines = at + cut, lines + len(ends)
        _check(path, rest, lines)
        crlf += rest.endswith(b"\r")
        cr += rest.count(b"\r")
    if cr - crlf > lines:
        return None
    begin = np.array([len(codecs.BOM_UTF8) if bom else 0], np.int64)
    # A last line without a line feed ends with the file.
    tail = [np.array([at + len(rest)], np.int64)] if rest else []
    bounds = np.concatenate([begin, *starts, *tail])
    return FoundLines(LineFile(path, bounds, np.arange(len(bounds) - 1), changed), bom, crlf)


def _check(path: Path, block: bytes, lines: int) -> Positions:
    """Return the positions of the line feeds in a block of whole lines.

    Raises TokbenchError if it is not UTF-8.
    """
    try:
        block.decode()
    except UnicodeDecodeError as error:
        raise explain_not_utf8(path, block, error.start, lines) from None
    return np.flatnonzero(np.frombuffer(block, np.uint8) == ord("\n"))
