"""The full comparison as JSON, which `tokbench.load` reads back."""

from __future__ import annotations

from tokbench._shared.files import format_document
from tokbench.comparison import Comparison

SUFFIXES = frozenset({".json"})


def render(comparison: Comparison, by: str) -> str:
    """Format all results, whatever the view."""
    return format_document(comparison.to_document())
