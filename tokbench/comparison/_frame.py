"""The tall frame of values that a comparison holds: one row per value."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.adapters.bench.throughput import Throughput
from tokbench.metrics import METRICS

RESULT_SCHEMA = {
    "tokenizer": pl.String(),
    "engine": pl.String(),
    "lang": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "unit": pl.String(),
    "n": pl.Int64(),
}


def arrange(
    values: Sequence[pl.DataFrame],
    speeds: Sequence[Throughput],
    tokenizers: Sequence[Tokenizer],
    languages: Sequence[str],
) -> pl.DataFrame:
    """Build the frame of a comparison.

    Sorted by tokenizer, metric and language (null first).
    """
    timings = pl.DataFrame(
        [
            {"tokenizer": s.tokenizer, "metric": "throughput", "value": s.value, "low": s.low, "high": s.high}
            for s in speeds
        ],
        schema=RESULT_SCHEMA,
    )
    engines = {"tokenizer": [t.name for t in tokenizers], "engine": [t.engine for t in tokenizers]}
    orders: dict[str, list[str] | list[str | None]] = {
        "tokenizer": engines["tokenizer"],
        "metric": list(METRICS),
        "lang": [None, *languages],
    }
    frame = pl.concat([*values, timings.drop("engine", "unit")], how="diagonal")
    frame = frame.join(pl.DataFrame(engines), on="tokenizer", how="left")
    frame = frame.with_columns(unit=pl.col("metric").replace_strict({m.name: m.unit for m in METRICS.values()}))
    for column, order in orders.items():
        ranks = pl.DataFrame({column: order, f"{column}_rank": range(len(order))}, schema_overrides={column: pl.String})
        frame = frame.join(ranks, on=column, how="left", nulls_equal=True)
    ordered = frame.sort("tokenizer_rank", "metric_rank", "lang_rank")
    return ordered.select(pl.col(name).cast(kind) for name, kind in RESULT_SCHEMA.items())
