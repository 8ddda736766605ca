"""The `Metric` type: expressions over a frame, unit, direction and definition."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import polars as pl

from tokbench.metrics._remarks import REMARKS

Over = Literal["segments", "ids", "lengths", "types", "languages", "tokenizers", "timings"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric: how to compute it from the counts, and what it means.

    level: the rows it aggregates.
        `segments`: the counts of each text; the ratio of the sums of `numerator` and `denominator` (never a mean of
        ratios), per language and over all languages.
        `ids`: the frequency spectrum of the ids, by `expr` over the columns count, types (how many ids occur that
        often), tokens (of the whole text), text_bytes and vocab_base, per language and over all.
        `lengths`: lengths of emitted tokens, by `expr` over size (bytes), characters and count, likewise.
        `languages`: the values of `base_metric` in all languages, by `expr` over the column `value`, per tokenizer.
        `tokenizers`: facts of a tokenizer, by `expr`.
        `types`: measured by `tokbench.measurement.single_token_words`.
        `timings`: measured by `tokbench.adapters.bench.throughput`.
    relative_to: divide by the same ratio in the reference language, or of the baseline tokenizer.
    factor: a factor taken from the tokenizer's facts, applied last.
    interval: for metrics over ids, whether to compute a jackknife interval.
    compression: shorter texts score better, so lossy tokenizers are not ranked.
    percent, decimals: how values are displayed.
    """

    name: str
    title: str
    unit: str
    level: Over
    definition: str
    better: Better | None = None
    numerator: pl.Expr | None = None
    denominator: pl.Expr | None = None
    relative_to: Literal["reference", "baseline"] | None = None
    factor: pl.Expr | None = None
    expr: pl.Expr | None = None
    interval: bool = True
    base_metric: str | None = None
    percent: bool = False
    decimals: int = 3
    compression: bool = False
    citation: str | None = None

    @property
    def edge_cases(self) -> str:
        """Return what happens in edge cases."""
        return REMARKS[self.name].edge_cases

    @property
    def other_definitions(self) -> str:
        """Return how other definitions of the name differ."""
        return REMARKS[self.name].other_definitions

    def __repr__(self) -> str:
        return f"<metric {self.name} [{self.unit}]>"
