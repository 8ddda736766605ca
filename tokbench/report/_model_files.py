"""A GGUF file: its shape, and its tensors by type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokbench.report._document_model import Facts, Results
from tokbench.report._models import format_fact
from tokbench.report._table import tabulate


def show_file(facts: Mapping[str, Any]) -> Results:
    """Return the facts of a GGUF file, one row per type of its tensors."""
    shown = tuple((name, format_fact(value)) for name, value in facts.items() if name != "types")
    return Results(lambda: [Facts(shown), tabulate(facts["types"])], lambda: facts)
