"""Results as CSV: one row per value."""

from __future__ import annotations

from tokbench._shared.visible_text import reveal_controls
from tokbench.comparison import Comparison

SUFFIXES = frozenset({".csv"})


def render(comparison: Comparison, by: str) -> str:
    """Format all results, whatever the view; undefined values are empty."""
    return reveal_controls(comparison.frame.write_csv())
