"""Unpack zstd, by the standard library from Python 3.14 on, else by the package zstandard."""

from __future__ import annotations

import io
from pathlib import Path
from typing import IO, Any, cast

from tokbench.errors import MissingExtraError

_WINDOW = 1 << 27
"""Largest window, which is held in memory: that of the command without --long=31."""

_STEP = 2048
"""Compressed bytes unpacked at once: they may become 64 MB."""


def open_zstd(path: Path, raw: io.BufferedReader) -> IO[bytes]:
    """Return the unpacked content of a stream; MissingExtraError if no library can unpack it."""
    try:
        from compression.zstd import ZstdFile  # type: ignore[import-not-found]  # Python 3.14
    except ImportError:
        pass
    else:
        return cast(IO[bytes], ZstdFile(raw))
    try:
        import zstandard
    except ImportError:
        raise MissingExtraError("zstandard", "zstd", f"{path}, which is compressed,") from None
    frames = _Frames(raw, zstandard.ZstdDecompressor(max_window_size=_WINDOW))
    return cast(IO[bytes], io.BufferedReader(frames, 1 << 16))


class _Frames(io.RawIOBase):
    """The content of all frames; the stream of zstandard itself ends silently where a frame is cut."""

    def __init__(self, raw: io.BufferedReader, decompressor: Any) -> None:
        self._raw, self._decompressor = raw, decompressor
        self._frame: Any = None
        self._rest = self._content = b""
        self._at = 0

    def readable(self) -> bool:
        """Return true."""
        return True

    def readinto(self, buffer: bytearray | memoryview, /) -> int:  # type: ignore[override]
        """Read into a buffer; EOFError where a frame is cut."""
        while self._at >= len(self._content):
            block = self._rest or self._raw.read(_STEP)
            if not block:
                if self._frame is not None:
                    raise EOFError("the file ends within a frame")
                return 0
            self._frame = self._frame or self._decompressor.decompressobj()
            self._content, self._at, self._rest = self._frame.decompress(block), 0, b""
            if self._frame.eof:
                self._rest, self._frame = self._frame.unused_data, None
        piece = self._content[self._at : self._at + len(buffer)]
        self._at += len(piece)
        buffer[: len(piece)] = piece
        return len(piece)
