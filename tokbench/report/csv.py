"""The results as CSV: one row a figure."""

from __future__ import annotations

from tokbench.comparison import Comparison

SUFFIXES = frozenset({".csv"})


def render(comparison: Comparison, by: str) -> str:
    """All results, whatever the view; undefined values are empty."""
    return comparison.frame.write_csv()
