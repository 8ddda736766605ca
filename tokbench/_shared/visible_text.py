"""Text in which every character can be seen: controls, odd spaces and bytes that are no UTF-8 are written out."""

from __future__ import annotations


def reveal(text: str) -> str:
    """Write out what is not seen as itself: controls, marks of direction, odd spaces.

    >>> reveal("a\\x1b[31m\\u202e")
    'a\\\\x1b[31m\\\\u202e'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def reveal_bytes(content: bytes) -> str:
    """Write bytes as text, those that are not UTF-8 by their numbers.

    >>> reveal_bytes(b"\\xe4\\xbd a")
    '\\\\xe4\\\\xbd a'
    """
    return reveal(content.decode(errors="backslashreplace"))
