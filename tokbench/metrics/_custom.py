"""Metrics defined by users and other packages, and their checks before measuring."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from importlib.metadata import entry_points

import polars as pl

from tokbench.errors import TokbenchError
from tokbench.measurement.boundaries import COLUMNS as BOUNDARIES
from tokbench.metrics._metric import Metric
from tokbench.metrics._rows import OF_SEGMENTS

GROUP = "tokbench.metrics"
"""The group of entry points whose values are `Metric` objects."""

SPECIAL_ADDED = "special_added"
"""Fact of a tokenizer: special tokens that its files add to each text. Only found for metrics that use it."""

COLUMNS: Mapping[str, tuple[str, ...]] = {
    "segments": (
        *("tokens", "partial_tokens", "unk_tokens", "unk_chars", "continued_words", "loss"),
        *("bytes", "chars", "words"),
        *OF_SEGMENTS,
        *BOUNDARIES,
    ),
    "sums": BOUNDARIES,
    "ids": ("count", "types", "tokens", "text_bytes", "vocab_base"),
    "lengths": ("size", "characters", "count"),
    "languages": ("value",),
    "tokenizers": ("vocab_base", "vocab_total", "vocab_rows", "context_window", "unk_id", SPECIAL_ADDED),
}
"""Columns that the expressions of a metric may use, by level."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def check_metric(metric: Metric) -> Metric:
    """Return a metric ready for evaluation: null if its numerator or denominator is.

    Raises TokbenchError for a level that cannot be computed from counts, missing expressions and unknown columns.
    """
    if not _NAME.fullmatch(metric.name):
        raise TokbenchError(f"a metric cannot be called {metric.name!r}", "use lower-case letters, digits and _")
    if metric.level not in COLUMNS:
        raise TokbenchError(
            f"the metric {metric.name} is of the level {metric.level!r}, which needs more than counts",
            f"levels: {', '.join(COLUMNS)}",
        )
    needed = ["numerator", "denominator"] if metric.level == "segments" else ["expr"]
    for field in [*needed, "base_metric"] if metric.level == "languages" else needed:
        if getattr(metric, field) is None:
            raise TokbenchError(f"the metric {metric.name} has no {field}", f"the level {metric.level} needs it")
    for field in ("numerator", "denominator", "expr"):
        check_columns(metric, field, metric.level)
    check_columns(metric, "factor", "tokenizers")
    check_columns(metric, "offset", "tokenizers")
    return guard_nulls(metric)


def check_columns(metric: Metric, field: str, level: str) -> None:
    """Raise TokbenchError if an expression uses a column that its level does not have."""
    expr: pl.Expr | None = getattr(metric, field)
    if expr is None:
        return
    for column in expr.meta.root_names():
        if column not in COLUMNS[level]:
            known = ", ".join(COLUMNS[level])
            raise TokbenchError(f"the {field} of the metric {metric.name} uses the column {column!r}", f"use: {known}")


def guard_nulls(metric: Metric) -> Metric:
    """Return the metric with segments omitted from both sums if either side is null."""
    if metric.numerator is None or metric.denominator is None:
        return metric
    defined = metric.numerator.is_not_null() & metric.denominator.is_not_null()
    return replace(
        metric,
        numerator=pl.when(defined).then(metric.numerator),
        denominator=pl.when(defined).then(metric.denominator),
    )


class MetricTable(Mapping[str, Metric]):
    """Metrics by name: the built-in ones, then those of packages, sorted by name.

    Packages are read only when the table is listed or a name is not built in. Raises TokbenchError for a name already
    taken, and for an entry point whose value is not a metric of that name.
    """

    def __init__(self, built_in: Mapping[str, Metric]) -> None:
        self._built_in = built_in
        self._added: dict[str, Metric] | None = None

    def _read_added(self) -> dict[str, Metric]:
        if self._added is None:
            added: dict[str, Metric] = {}
            for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
                if point.name in self._built_in or point.name in added:
                    raise TokbenchError(
                        f"the metric {point.name!r} of {point.value} takes a name that is taken",
                        "uninstall one of the two packages",
                    )
                metric = point.load()
                if not isinstance(metric, Metric) or metric.name != point.name:
                    raise TokbenchError(
                        f"the entry point {point.name!r} of {GROUP} is {metric!r}, not a metric of this name",
                        f"correct {point.value}, or uninstall its package",
                    )
                added[point.name] = check_metric(metric)
            self._added = added
        return self._added

    def __getitem__(self, name: str) -> Metric:
        return self._built_in[name] if name in self._built_in else self._read_added()[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self._built_in, **self._read_added()})

    def __len__(self) -> int:
        return len(self._built_in) + len(self._read_added())
