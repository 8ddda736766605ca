"""The worst segments, collected stripe by stripe."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from tokbench.comparison.worst_segments import EXAMPLES, WorstSegments

NAMES = ("a", "b")


def make(
    rows: list[tuple[int, int, int]], start: int = 0
) -> tuple[dict[str, pl.DataFrame], dict[tuple[str, str], pl.DataFrame]]:
    """A stripe of two languages: tokens of the reference, of the other, and bytes of each segment."""
    numbers = pl.Series("segment", range(start, start + len(rows)), dtype=pl.UInt32)
    columns = [
        pl.Series(name, [row[i] for row in rows], dtype=pl.Int32) for i, name in enumerate(("en", "de", "bytes"))
    ]
    texts = {lang: pl.DataFrame([numbers, columns[2]]) for lang in ("en", "de")}
    counts = {
        (name, column.name): pl.DataFrame([numbers, column.alias("tokens")]) for name in NAMES for column in columns[:2]
    }
    return texts, counts


def test_ties_by_hand() -> None:
    worst = WorstSegments("en", ("en", "de"))
    worst.add(*make([(1, 2, 10), (1, 3, 10), (1, 3, 9), (2, 6, 20)]))
    worst.add(*make([(0, 5, 9), (1, 3, 10), (1, 1, 9)], start=4))
    # Premium 3 four times, by tokens per byte: 6/9, then 6/10 three times, by position; an undefined one comes last.
    assert worst.find(NAMES).rows() == [("de", 2, 3.0), ("de", 1, 3.0), ("de", 3, 3.0), ("de", 5, 3.0)]
    alone = WorstSegments("en", ("en", "de"))
    alone.add(*make([(0, 5, 9), (1, 1, 9)]))
    assert alone.find(NAMES).rows() == [("de", 1, 1.0), ("de", 0, None)]
    assert WorstSegments("en", ("en",)).find(NAMES).is_empty()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 6), st.integers(1, 4)), min_size=1, max_size=30),
    st.integers(1, 9),
)
@settings(max_examples=40, deadline=None)
def test_stripes_do_not_matter(rows: list[tuple[int, int, int]], size: int) -> None:
    whole, parts = WorstSegments("en", ("en", "de")), WorstSegments("en", ("en", "de"))
    whole.add(*make(rows))
    for start in range(0, len(rows), size):
        parts.add(*make(rows[start : start + size], start))
    assert whole.find(NAMES).equals(parts.find(NAMES))
    premiums = [other / reference if reference else -1 for reference, other, _ in rows]
    best = sorted(premiums, reverse=True)[:EXAMPLES]
    assert [-1 if value is None else value for value in whole.find(NAMES)["premium"].to_list()] == best


def test_a_tokenizer_that_failed_does_not_count() -> None:
    worst = WorstSegments("en", ("en", "de"))
    texts, counts = make([(1, 9, 9), (1, 2, 9)])
    worst.add(texts, counts)
    texts, counts = make([(1, 8, 9)], start=2)
    worst.add(texts, {cell: frame for cell, frame in counts.items() if cell[0] == "a"})
    assert worst.find(["a"]).rows() == [("de", 0, 9.0), ("de", 2, 8.0), ("de", 1, 2.0)]
