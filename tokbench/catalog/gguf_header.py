"""The header of a GGUF file: metadata, and names, shapes and types of tensors.

No weights are read.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tokbench.errors import TokbenchError

_VERSIONS = (2, 3)
_STRING, _ARRAY = 8, 9
_NUMBERS = {
    0: "<u1",
    1: "<i1",
    2: "<u2",
    3: "<i2",
    4: "<u4",
    5: "<i4",
    6: "<f4",
    7: "?",
    10: "<u8",
    11: "<i8",
    12: "<f8",
}
"""Value types of the format with a fixed size, as numpy names them."""
_ALIGNMENT = 32
_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class TensorInfo:
    """A tensor as the file describes it.

    shape: the fastest dimension last. type: ggml's number. offset: bytes from the header's `data`.
    """

    shape: tuple[int, ...]
    type: int
    offset: int


@dataclass(frozen=True)
class Header:
    """Metadata by key and tensors by name.

    Values are numbers, strings, lists of strings, arrays of numbers.
    data: the byte at which the weights start.
    """

    fields: Mapping[str, Any]
    tensors: Mapping[str, TensorInfo]
    data: int


def read_header(path: Path) -> Header:
    """Read the header of a GGUF file.

    Raises TokbenchError if it is damaged, or of an unsupported version.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Cursor(data).read_all()
    except (ValueError, TypeError, ArithmeticError, struct.error) as error:
        raise TokbenchError(f"{path}: not a readable GGUF file ({error})", "download it again") from error


class _Cursor:
    """A position in the bytes of the file.

    Raises ValueError if they end too early or are invalid.
    """

    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.at = 0

    def read_all(self) -> Header:
        magic, version, tensors, keys = self.unpack("<4sIQQ")
        if magic != b"GGUF":
            raise ValueError("it does not start with GGUF")
        if version not in _VERSIONS:
            raise ValueError(f"version {version}; only versions 2 and 3, little-endian, are supported")
        fields = {self.read_string(): self.read_value(self.read_number("<I")) for _ in self.repeat(keys, 12)}
        described = dict(self.read_tensor() for _ in self.repeat(tensors, 24))
        alignment = int(fields.get("general.alignment", _ALIGNMENT))
        return Header(fields, described, -(-self.at // alignment) * alignment)

    def unpack(self, layout: str) -> tuple[Any, ...]:
        values = struct.unpack_from(layout, self.data, self.at)
        self.at += struct.calcsize(layout)
        return values

    def read_number(self, layout: str) -> int:
        number: int = self.unpack(layout)[0]
        return number

    def repeat(self, count: int, least: int) -> range:
        """Return a range of `count` values of at least `least` bytes each.

        Raises ValueError if the file is too short.
        """
        if count * least > len(self.data) - self.at:
            raise ValueError(f"{count} values are announced at byte {self.at} of {len(self.data)}")
        return range(count)

    def read_string(self) -> str:
        return self.read_strings(1)[0]

    def read_strings(self, count: int) -> list[str]:
        data, at, size = self.data, self.at, len(self.data)
        unpack = _LENGTH.unpack_from
        strings = []
        for _ in self.repeat(count, _LENGTH.size):
            start = at + _LENGTH.size
            at = start + unpack(data, at)[0]
            if at > size:
                raise ValueError(f"a string ends at byte {at} of {size}")
            strings.append(data[start:at].decode())
        self.at = at
        return strings

    def read_value(self, kind: int) -> Any:
        if kind == _STRING:
            return self.read_string()
        if kind == _ARRAY:
            element, count = self.unpack("<IQ")
            return self.read_strings(count) if element == _STRING else self.read_numbers(element, count)
        return self.read_numbers(kind, 1)[0].item()

    def read_numbers(self, kind: int, count: int) -> Any:
        if kind not in _NUMBERS:
            raise ValueError(f"a value of the unknown type {kind} at byte {self.at}")
        layout = np.dtype(_NUMBERS[kind])
        self.repeat(count, layout.itemsize)
        numbers = np.frombuffer(self.data, layout, count, self.at).copy()
        self.at += numbers.nbytes
        return numbers

    def read_tensor(self) -> tuple[str, TensorInfo]:
        name = self.read_string()
        shape = self.unpack(f"<{self.read_number('<I')}Q")
        kind, offset = self.unpack("<IQ")
        return name, TensorInfo(shape[::-1], kind, offset)
