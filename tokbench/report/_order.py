"""The order of tokenizers in a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from tokbench._shared.registry import closest
from tokbench.comparison import Comparison
from tokbench.errors import TokbenchError
from tokbench.metrics import BUILT_IN, Metric
from tokbench.report._leads import is_floor
from tokbench.report._numbers import find_numbers

LENGTH = "tokens_per_segment"
NAME, GIVEN = "name", "given"
SHORT = {
    "tokens": LENGTH,
    "median": "premium_median",
    "worst": "premium_worst",
    "premium": "premium_worst",
    "vocabulary": "vocab_total",
    "speed": "throughput",
}
"""Columns of the first screen by their headers."""


def check_sort(sort: str, metrics: Sequence[Metric]) -> str:
    """Return the column that orders tokenizers: `name`, `given`, or a metric with a value over all languages.

    metrics: those of the comparison. TokbenchError for any other.
    """
    name = SHORT.get(sort, sort)
    known = [metric.name for metric in metrics if metric.relative_to != "reference"]
    if name in {NAME, GIVEN, *known}:
        return name
    near = closest(name, [*SHORT, NAME, GIVEN, *known])
    if name in BUILT_IN:
        raise TokbenchError(f"the tokenizers cannot be sorted by {sort}: it is not measured here", "add it with -m")
    hint = f"did you mean {near!r}?" if near else f"choose from: {', '.join([NAME, GIVEN, *SHORT])}, or a metric"
    raise TokbenchError(f"no column is called {sort!r}", hint)


def order_tokenizers(comparison: Comparison, sort: str | None = None) -> list[str]:
    """Order tokenizers by a column, best first: ranked ones, then unranked ones, then byte vocabularies.

    sort: `name` (alphabetically), `given` (as they were named), or a metric; None: by tokens, else by the first metric.
    Metrics without a better direction put the highest value first. Ties keep the order in which tokenizers were named.
    """
    if sort == GIVEN:
        return list(comparison.names)
    if sort == NAME:
        return sorted(comparison.names, key=lambda name: (name.casefold(), name))
    metric = comparison.metrics.get(sort or find_default(comparison))
    if metric is None:
        return list(comparison.names)
    values = {number.tokenizer: number.value for number in find_numbers(comparison, metric.name)}

    def place(name: str) -> tuple[bool, bool, bool, float]:
        value = values.get(name)
        unranked = metric.compression and comparison.is_lossy(name)
        distance = 0.0 if value is None else value if metric.better == "lower" else -value
        return is_floor(comparison, name), unranked, value is None, distance

    return sorted(comparison.names, key=place)


def find_default(comparison: Comparison) -> str:
    """Return the metric that orders tokenizers unless another was chosen: tokens, else the first with values."""
    pooled = [name for name in comparison.metrics if find_numbers(comparison, name)]
    return LENGTH if LENGTH in pooled or not pooled else pooled[0]
