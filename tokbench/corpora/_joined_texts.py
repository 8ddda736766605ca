"""Texts as one run of bytes: what is read, measured and hashed without a Python object per text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.corpora._reader_api import TextColumn, iterate_chunks
from tokbench.corpora._sliced_file import LineFile


@dataclass(frozen=True, eq=False)
class JoinedTexts:
    """Some texts, and their bytes.

    data: the texts in UTF-8, with one line feed after each. sizes: bytes of each text.
    """

    texts: list[str]
    data: bytes
    sizes: npt.NDArray[np.int64]

    @classmethod
    def join(cls, texts: Sequence[str]) -> JoinedTexts:
        """Join texts that are in memory."""
        listed = list(texts)
        data = "\n".join([*listed, ""]).encode()
        ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n"))
        if len(ends) == len(listed):
            return cls(listed, data, np.diff(ends, prepend=-1) - 1)
        return cls(listed, data, np.fromiter((len(text.encode()) for text in listed), np.int64, len(listed)))

    @classmethod
    def of_series(cls, texts: pl.Series) -> JoinedTexts:
        """Join the texts of a polars column without nulls."""
        if not texts.len():
            return cls([], b"", np.empty(0, np.int64))
        data: bytes = texts.str.join("\n").cast(pl.Binary).item()
        return cls(texts.to_list(), data + b"\n", texts.str.len_bytes().cast(pl.Int64).to_numpy())


def read_joined(column: TextColumn, offset: int, length: int) -> JoinedTexts:
    """Read some texts of a column."""
    if isinstance(column, LineFile):
        lines = column.read_lines(offset, length)
        if isinstance(lines, list):
            return JoinedTexts.join(lines)
        data, sizes = lines
        return JoinedTexts(data.decode().split("\n")[:-1], data, sizes)
    return JoinedTexts.of_series(column.slice(offset, length))


def measure_bytes(column: TextColumn) -> Iterator[npt.NDArray[np.integer]]:
    """Yield the bytes of each text of a column, many at once; lines that need not be read for it are not."""
    if not isinstance(column, LineFile):
        for chunk in iterate_chunks(column):
            yield chunk.str.len_bytes().to_numpy()
        return
    sizes = column.measure_lines()
    if sizes is not None:
        yield sizes
        return
    for _, found in column.read_bytes():
        yield found


def iterate_bytes(column: TextColumn) -> Iterator[bytes]:
    """Yield all texts of a column in UTF-8, joined by nothing, many at once."""
    if isinstance(column, LineFile):
        for content, _ in column.read_bytes():
            yield content
        return
    for chunk in iterate_chunks(column):
        yield chunk.str.join("").cast(pl.Binary).item()


def find_blank(column: TextColumn) -> Iterator[pl.Series]:
    """Yield flags of the texts of a column that have nothing but white space, many at once; null for missing texts."""
    if isinstance(column, LineFile):
        yield column.find_blank()
        return
    for chunk in iterate_chunks(column):
        yield chunk.str.strip_chars() == ""
