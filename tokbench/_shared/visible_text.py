"""Make every character visible: controls, odd spaces and bytes that are not UTF-8 are written out."""

from __future__ import annotations

import re

# Controls, marks of direction, other ends of lines, halves of characters: what a terminal obeys or cannot show.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_STYLE = re.compile("(\x1b\\[(?:0|1|2|3|36|1;32)m)")  # those of our tables


def reveal(text: str) -> str:
    """Write out invisible characters: controls, marks of direction, odd spaces.

    >>> reveal("a\\x1b[31m\\u202e")
    'a\\\\x1b[31m\\\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def reveal_bytes(content: bytes) -> str:
    """Write bytes as text, with those that are not UTF-8 as hexadecimal escapes.

    >>> reveal_bytes(b"\\xe4\\xbd a")
    '\\\\xe4\\\\xbd a'
    """
    return reveal(content.decode(errors="backslashreplace"))


def reveal_controls(text: str, *, styled: bool = False) -> str:
    """Write out what a terminal would obey, in lines of text, CSV or JSON.

    Line feeds and tabs remain, as do odd spaces and joiners, which some scripts need. JSON remains valid and equal.
    styled: keep the styles of our own tables.

    >>> reveal_controls("a\\x1b[31m\\u202eb\\n")
    'a\\\\x1b[31m\\\\u202eb\\n'
    """
    if styled:
        parts = _STYLE.split(text)
        return "".join(part if i % 2 else reveal_controls(part) for i, part in enumerate(parts))
    return _CONTROL.sub(_write_control, text)


def _write_control(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x20 else f"\\u{code:04x}"  # JSON has no \\x, and no raw control below 0x20
