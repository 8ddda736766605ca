"""Numbers of things, in words."""

from __future__ import annotations


def write_count(number: int, noun: str) -> str:
    """Return a number with its noun, plural unless it is 1: "1 language", "1,012 segments"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
