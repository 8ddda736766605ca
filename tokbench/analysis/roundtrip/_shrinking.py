"""Shrink a failing text to a minimal part that still fails."""

from __future__ import annotations

from collections.abc import Callable


def shrink(text: str, fails: Callable[[str], bool]) -> str:
    """Shrink a failing text until removing any single character makes it pass.

    Delta debugging on code points: removes pieces, first half of the text at a time, finally single characters.

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
