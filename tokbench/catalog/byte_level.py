"""GPT-2's alphabet, in which byte-level BPE files write bytes as characters."""

from __future__ import annotations

from functools import cache


@cache
def printable_bytes() -> dict[str, int]:
    """Return the byte of each character in byte-level BPE files (GPT-2's alphabet).

    Printable Latin-1 characters represent themselves; the other bytes are U+0100 onwards, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [b for b in range(256) if b not in printable]
    return {chr(b): b for b in printable} | {chr(0x100 + i): b for i, b in enumerate(others)}
