"""A number with its noun."""

from __future__ import annotations

from tokbench._shared.quantities import write_count


def test_one_is_singular() -> None:
    assert [write_count(number, "segment") for number in (0, 1, 2)] == ["0 segments", "1 segment", "2 segments"]
    assert write_count(1012, "language") == "1,012 languages"
