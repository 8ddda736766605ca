"""What reports say of groups of texts, which are not parallel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokbench.comparison import Comparison

LANGUAGE_METRICS = ("tokens_per_segment", "premium")
"""Metrics in a table by language if the user chose none."""

GROUP_METRICS = ("tokens_per_segment", "bytes_per_token")
"""The same for groups: they have no premiums, and their segments are of any length."""


def choose_by_language(comparison: Comparison) -> tuple[str, ...]:
    """Return the metrics of a table by language or group if the user chose none."""
    return LANGUAGE_METRICS if comparison.corpus.aligned else GROUP_METRICS


def name_rows(comparison: Comparison) -> str:
    """Return what the rows of a table by language are called."""
    return "language" if comparison.corpus.aligned else "group"


def write_mixture(comparison: Comparison) -> list[str]:
    """Say what values over all languages are of, if they are of a mixture."""
    shares = comparison.corpus.describe_mixture()
    return [f"over all: the mixture of {shares} of the bytes"] if shares else []


def write_alignment(comparison: Comparison) -> list[str]:
    """Say once which values groups of texts cannot have."""
    from tokbench.metrics import needs_alignment

    if comparison.corpus.aligned:
        return []
    present, known = set(comparison.frame["metric"]), comparison.metrics
    undefined = [name for name, m in known.items() if name in present and needs_alignment(m, list(known.values()))]
    if not undefined:
        return []
    named = sorted(undefined, key=lambda name: name not in ("premium", "gini"))
    some = ", ".join(named[:2]) + (f" and {len(named) - 2} more" if len(named) > 2 else "")
    return [f"without a value, since it needs parallel text: {some}"]
