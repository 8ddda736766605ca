"""Checks of bytes: the alphabet of a byte-based vocabulary, and what comes back of each byte."""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from functools import cache

from tokbench.adapters._notation import UTF8_BYTES
from tokbench.analysis.soundness._subject import DECLARED, Subject
from tokbench.analysis.soundness._verdict import Finding, Severity, list_some, not_applicable, passed

_PER_BYTE = 12
_CHARACTERS = "its tokens are characters: what it does not know is counted by script"


@cache
def characters_of_bytes() -> dict[int, tuple[str, ...]]:
    """Return, for each byte that occurs in UTF-8, characters that contain it, evenly spaced."""
    holders: dict[int, list[str]] = defaultdict(list)
    for code in (*range(0x800), *range(0x800, 0xD800, 7), *range(0xE000, 0x10000, 7), *range(0x10000, 0x110000, 61)):
        for byte in set(chr(code).encode()):
            holders[byte].append(chr(code))
    return {byte: tuple(held[:: -(-len(held) // _PER_BYTE)]) for byte, held in sorted(holders.items())}


def check_bytes(subject: Subject) -> Finding:
    """Encode and decode characters that contain each byte."""
    if not subject.is_byte_based:
        return not_applicable(_CHARACTERS)
    characters = characters_of_bytes()
    framed = {f"a{c}a": c for held in characters.values() for c in held}
    losses = subject.find_losses(list(framed), unknown=True)
    declared = {framed[loss.text] for loss in losses if loss.stage in DECLARED}
    lost = {framed[loss.text]: loss for loss in losses if loss.stage not in DECLARED}
    broken = [byte for byte, held in characters.items() if any(c in lost for c in held)]
    gone = [byte for byte, held in characters.items() if byte not in broken and declared.issuperset(held)]
    if broken:
        # A byte is at fault if all its characters fail: a character fails by any of its bytes.
        worst = [byte for byte in broken if lost.keys() >= set(characters[byte])] or broken
        example = min(lost, key=lambda c: (len(c.encode()), c))
        return Finding(
            Severity.ERROR,
            f"{len(worst):,} of {len(characters)} bytes do not come back: {list_bytes(worst)}",
            example,
            lost[example].decoded[1:-1],
        )
    if gone:
        return Finding(
            Severity.NOTE,
            f"{len(gone)} bytes occur only in characters that the normaliser changes: {list_bytes(gone)}",
            characters[gone[0]][0],
        )
    return passed(f"all {len(characters)} bytes that occur in UTF-8 come back; the other 13 occur in no text")


def check_alphabet(subject: Subject) -> Finding:
    """Look for a token of each single byte."""
    if not subject.is_byte_based:
        return not_applicable(_CHARACTERS)
    known = {content[0] for _, content in subject.reference.token_table().items() if len(content) == 1}
    missing = sorted(UTF8_BYTES - known)
    if missing:
        return Finding(
            Severity.ERROR,
            f"{len(missing)} of {len(UTF8_BYTES)} bytes of UTF-8 have no token: {list_bytes(missing)}",
            find_character(missing[0]),
        )
    others = 256 - len(UTF8_BYTES | known)
    rest = f"; {others} bytes that occur in no text have none" if others else ""
    return passed(f"{len(known)} single bytes are tokens{rest}")


def find_character(byte: int) -> str:
    """Return an assigned character that contains a byte."""
    held = characters_of_bytes()[byte]
    return next((c for c in held if unicodedata.category(c) != "Cn"), held[0])


def list_bytes(numbers: list[int]) -> str:
    """List bytes in hexadecimal."""
    return list_some((f"{number:02X}" for number in numbers), 8)
