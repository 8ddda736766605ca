"""The tall frame of values that a comparison holds: one row per value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from tokbench.adapters.bench.throughput import Throughput
from tokbench.metrics import BUILT_IN, Metric

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
    engines: Mapping[str, str],
    metrics: Sequence[Metric],
    languages: Sequence[str],
) -> pl.DataFrame:
    """Build the frame of a comparison, ordered by tokenizer, metric and language.

    Values over all languages come first.

    engines: engine by tokenizer; its order is that of the tokenizers.
    metrics: the metrics evaluated. Built-in ones keep the order of tables; others follow in the order given.
    """
    timings = pl.DataFrame(
        [
            {"tokenizer": s.tokenizer, "metric": "throughput", "value": s.value, "low": s.low, "high": s.high}
            for s in speeds
        ],
        schema=RESULT_SCHEMA,
    )
    units = {metric.name: metric.unit for metric in (*BUILT_IN.values(), *metrics)}
    orders: dict[str, list[str] | list[str | None]] = {
        "tokenizer": list(engines),
        "metric": list(units),
        "lang": [None, *languages],
    }
    frame = pl.concat([*values, timings.drop("engine", "unit")], how="diagonal")
    named = pl.DataFrame({"tokenizer": list(engines), "engine": list(engines.values())})
    frame = frame.join(named, on="tokenizer", how="left")
    frame = frame.with_columns(unit=pl.col("metric").replace_strict(units))
    for column, order in orders.items():
        ranks = pl.DataFrame({column: order, f"{column}_rank": range(len(order))}, schema_overrides={column: pl.String})
        frame = frame.join(ranks, on=column, how="left", nulls_equal=True)
    ordered = frame.sort("tokenizer_rank", "metric_rank", "lang_rank")
    return ordered.select(pl.col(name).cast(kind) for name, kind in RESULT_SCHEMA.items())
