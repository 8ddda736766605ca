"""Results as CSV: one row per value."""

from __future__ import annotations

from tokbench._shared.visible_text import reveal_controls
from tokbench.report._document_model import Results
from tokbench.report._values import make_frame

SUFFIXES = frozenset({".csv"})


def format_results(results: Results) -> str:
    """Format all values; undefined ones are empty."""
    return reveal_controls(make_frame(results, "csv").write_csv())
