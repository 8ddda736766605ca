"""Results as CSV: one row per value."""

from __future__ import annotations

from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import TokbenchError
from tokbench.report._document_model import Results

SUFFIXES = frozenset({".csv"})


def format_results(results: Results) -> str:
    """Format all values; undefined ones are empty."""
    if results.frame is None:
        raise TokbenchError("these results have no CSV", "use json")
    return reveal_controls(results.frame().write_csv())
