"""The row groups of a Parquet file, from its footer, which polars reads but does not show.

The footer is a Thrift struct in the compact protocol (parquet.thrift, FileMetaData): field 3 is the number of rows,
field 4 the list of row groups, each with its bytes (2) and rows (3).
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from tokbench._shared.pipes import refuse_special
from tokbench.corpora._storage import open_raw
from tokbench.errors import TokbenchError

MOST_FOOTER = 1 << 28
"""Most bytes of a footer."""

_MAGIC = b"PAR1"
_DEEPEST = 32
_FIXED = {3: 1, 7: 8}  # bytes of a byte and a double


class RowGroup(NamedTuple):
    """Rows of a row group, and their bytes when unpacked."""

    rows: int
    size: int


def read_row_groups(path: Path) -> tuple[RowGroup, ...]:
    """Return the row groups of a Parquet file; TokbenchError if its footer is damaged."""
    refuse_special(path)
    try:
        state = path.stat()
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check the path") from error
    return _read_footer(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=64)
def _read_footer(path: Path, _size: int, _changed: int) -> tuple[RowGroup, ...]:
    with open_raw(path) as file:
        size = file.seek(0, 2)
        file.seek(max(size - 8, 0))
        tail = file.read(8)
        length = int.from_bytes(tail[:4], "little")
        if len(tail) < 8 or tail[4:] != _MAGIC:
            raise _refuse(path, "it does not end like Parquet")
        if length > min(MOST_FOOTER, size - 12):
            raise _refuse(path, "its footer does not fit in it")
        file.seek(size - 8 - length)
        data = file.read(length)
    try:
        found = _Footer(data).read_struct({3, 4}, 0)
        groups = tuple(RowGroup(group[3], group[2]) for group in found[4])
        whole = sum(group.rows for group in groups) == found[3] and all(min(group) >= 0 for group in groups)
    except (IndexError, KeyError, TypeError, ValueError):
        raise _refuse(path, "its footer is damaged") from None
    if not whole:
        raise _refuse(path, "its footer contradicts itself")
    return groups


def _refuse(path: Path, reason: str) -> TokbenchError:
    return TokbenchError(f"{path} cannot be read as Parquet: {reason}", "check that the file is complete")


class _Footer:
    """A reader of Thrift's compact protocol that keeps the fields asked for."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def read_struct(self, wanted: set[int], depth: int) -> dict[int, Any]:
        """Read a struct; return its wanted fields by number. Structs in their lists are row groups."""
        if depth > _DEEPEST:
            raise ValueError
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            step, kind = head >> 4, head & 15
            number = number + step if step else self._signed()
            value = self._read(kind, depth + 1)
            if number in wanted:
                fields[number] = value
        return fields

    def _read(self, kind: int, depth: int) -> Any:
        if kind in (1, 2):  # a boolean, within the head of its field
            return kind == 1
        if kind in (4, 5, 6):
            return self._signed()
        if kind in _FIXED:
            return self._skip(_FIXED[kind])
        if kind == 8:
            return self._skip(self._unsigned())
        if kind in (9, 10):
            return self._read_list(depth)
        if kind == 12:
            return self.read_struct({2, 3}, depth)
        raise ValueError

    def _read_list(self, depth: int) -> list[Any]:
        head = self._byte()
        kind = head & 15
        length = self._unsigned() if head >> 4 == 15 else head >> 4
        if length > len(self._data):  # an element has a byte at least
            raise ValueError
        if depth > _DEEPEST:
            raise ValueError
        return [self._byte() if kind in (1, 2) else self._read(kind, depth + 1) for _ in range(length)]

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _skip(self, length: int) -> None:
        self._at += length
        if self._at > len(self._data):
            raise ValueError

    def _unsigned(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 127) << shift
            if byte < 128:
                return value
        raise ValueError

    def _signed(self) -> int:
        value = self._unsigned()
        return value >> 1 ^ -(value & 1)
