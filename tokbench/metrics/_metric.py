"""The `Metric` type: expressions over a frame, unit, direction and definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

import polars as pl

Over = Literal["segments", "sums", "ids", "lengths", "types", "languages", "tokenizers", "timings"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric: how to compute it from the counts, and what it means.

    level: the rows that it aggregates, per language and over all:
        `segments`: counts of each text; the sum of `numerator` over the sum of `denominator` (never a mean of ratios).
        Of a large corpus, a row may be several texts (a unit, see `tokbench.measurement.units`): expressions that are
        sums of columns have values there too.
        `sums`: `expr` over the sums of columns of counts, for what is no ratio of two sums.
        `ids`: the frequency spectrum of the ids; `expr` over count, types (how many ids occur that often), tokens (of
        the whole text), text_bytes and vocab_base.
        `lengths`: lengths of the emitted tokens; `expr` over size (bytes), characters and count.
        `languages`: values of the metric `base_metric` in all languages; `expr` over value, one result per tokenizer.
        `tokenizers`: facts of a tokenizer; `expr`, one result per tokenizer.
        `types`: measured by `tokbench.measurement.single_token_words`.
        `timings`: measured by `tokbench.adapters.bench.throughput`.
    cases: how many segments a row is in the count `n` of a metric over segments, if it is in both sums.
    relative_to: divide by the same ratio in the reference language, or of the baseline tokenizer.
    factor: a fact of the tokenizer by which the value is multiplied last. offset: one that is added to it last.
    interval: for metrics over ids, whether to compute a jackknife interval.
    any_size: whether a sample of a text has the value of the whole, but for chance; by default, metrics over ids and
        word types do not.
    compression: whether losing text can make the value better, so that a lossy tokenizer is not ranked.
    percent, decimals: how to format values.
    on_request: whether it is left out unless it is named.
    edge_cases: what happens at the edges.
    other_definitions: how other definitions of the name differ.
    evidence: what is known of its relation to the quality of models.
    """

    name: str
    title: str
    unit: str
    level: Over
    definition: str
    better: Better | None = None
    numerator: pl.Expr | None = None
    denominator: pl.Expr | None = None
    cases: pl.Expr = field(default_factory=lambda: pl.col("segments"))
    relative_to: Literal["reference", "baseline"] | None = None
    factor: pl.Expr | None = None
    offset: pl.Expr | None = None
    expr: pl.Expr | None = None
    interval: bool = True
    base_metric: str | None = None
    percent: bool = False
    decimals: int = 3
    any_size: bool | None = None
    compression: bool = False
    on_request: bool = False
    citation: str | None = None
    edge_cases: str = "Not stated."
    other_definitions: str = "Not stated."
    evidence: str = "Not stated."

    def describe(self) -> Mapping[str, Any]:
        """Return all fields but the expressions, for JSON.

        `Metric(**fields)` can be shown but not evaluated.
        """
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if not isinstance(value, pl.Expr)}

    def __repr__(self) -> str:
        return f"<metric {self.name} [{self.unit}]>"
