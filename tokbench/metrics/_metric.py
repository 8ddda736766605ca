"""The `Metric` type: expressions over a frame, unit, direction and definition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

import polars as pl

Over = Literal["segments", "ids", "lengths", "types", "languages", "tokenizers", "timings"]
Better = Literal["higher", "lower"]


@dataclass(frozen=True, eq=False)
class Metric:
    """A metric: how to compute it from the counts, and what it means.

    level: the rows that it aggregates. `segments`: the counts of each text, as the ratio of the sums of
    `numerator` and `denominator` (a ratio of sums, never a mean of ratios), once a language and once over all.
    `ids`: the frequency spectrum of the ids, by `expr` over the columns count, types (how many ids occur so often),
    tokens (of the whole text), text_bytes and vocab_base, likewise. `lengths`: how long the emitted tokens are, by
    `expr` over size (bytes), characters and count, likewise. `languages`: the values of the metric `base_metric` in all
    languages, by `expr` over the column `value`, once a tokenizer. `tokenizers`: the facts of a tokenizer, by
    `expr`. `types`: measured by `tokbench.measurement.single_token_words`. `timings`: measured by
    `tokbench.adapters.bench.throughput`.

    relative_to: the ratio is divided by the same ratio in the reference language, or of the baseline tokenizer.
    factor: a factor from the facts of the tokenizer, applied last.
    interval: for metrics over ids, whether the value is found again without each block of the text.
    compression: smaller texts score better, so a lossy tokenizer is not ranked.
    percent, decimals: how values are shown.
    edge_cases: what happens at the edges. other_definitions: how other definitions of the name differ.
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
    edge_cases: str = "Not stated."
    other_definitions: str = "Not stated."

    def describe(self) -> Mapping[str, Any]:
        """Return all fields but the expressions, as JSON knows them: `Metric(**fields)` can be shown, not evaluated."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if not isinstance(value, pl.Expr)}

    def __repr__(self) -> str:
        return f"<metric {self.name} [{self.unit}]>"
