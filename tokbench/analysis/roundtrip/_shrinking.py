"""The smallest part of a text that still fails."""

from __future__ import annotations

from collections.abc import Callable


def shrink(text: str, fails: Callable[[str], bool]) -> str:
    """A part of a failing text that fails too, and no longer does once any one of its characters is taken out.

    Delta debugging on code points: pieces are taken out, half of the text first, single characters last.

    >>> shrink("a long text with b and c", lambda text: "b" in text and "c" in text)
    'bc'
    """
    size = max(1, len(text) // 2)
    while True:
        before = len(text)
        start = 0
        while start < len(text):
            candidate = text[:start] + text[start + size :]
            if fails(candidate):
                text = candidate
            else:
                start += size
        if size > 1:
            size = max(1, size // 2)
        elif len(text) == before:
            return text
