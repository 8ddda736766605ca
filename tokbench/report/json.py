"""The whole comparison as JSON: `tokbench.load` reads it back."""

from __future__ import annotations

import json

from tokbench.comparison import Comparison

SUFFIXES = frozenset({".json"})


def render(comparison: Comparison, by: str) -> str:
    """All results, whatever the view."""
    return json.dumps(comparison.to_document(), ensure_ascii=False, indent=1) + "\n"
