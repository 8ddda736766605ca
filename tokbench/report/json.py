"""Results as JSON; `tokbench.load` reads a full comparison back."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from tokbench._shared.files import format_document
from tokbench.report._document_model import Results

if TYPE_CHECKING:
    from tokbench.comparison import Comparison

SUFFIXES = frozenset({".json"})

_INVISIBLE = re.compile(r"[\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")
"""What a terminal acts on or no reader sees, beyond what JSON itself escapes."""


def render(comparison: Comparison, by: str) -> str:
    """Format all results, whatever the view."""
    return format_document(comparison.to_document())


def format_results(results: Results) -> str:
    """Format everything known; infinite values must be strings."""
    text = json.dumps(results.document(), ensure_ascii=False, indent=1, allow_nan=False, default=str)
    return _INVISIBLE.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"
