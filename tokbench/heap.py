"""The memory that the C library holds: it keeps what was freed for the thread that had asked for it."""

from __future__ import annotations

import ctypes
import sys


def release_freed() -> None:
    """Give what was freed back to the system, where the C library is glibc; it takes a tenth of a second a gigabyte."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
