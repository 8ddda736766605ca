"""Inequality between languages: the Lorenz curve behind a Gini coefficient."""

from __future__ import annotations

import polars as pl

LORENZ = {"tokenizer": pl.String(), "lang": pl.String(), "languages": pl.Float64(), "tokens": pl.Float64()}


def trace_lorenz(frame: pl.DataFrame) -> pl.DataFrame:
    """Trace the Lorenz curve of tokens per parallel segment.

    frame: the values of a comparison or of `evaluate`.

    Returns tokenizer, lang, languages and tokens; the last two are cumulative shares. Languages are ordered by cost,
    cheapest first, ties by name. The curve starts at (0, 0), which has no row. The Gini coefficient is one minus twice
    the area under the curve.
    """
    rows = frame.filter((pl.col("metric") == "tokens_per_segment") & pl.col("lang").is_not_null()).drop_nulls("value")
    ordered = rows.with_columns(order=pl.int_range(pl.len())).sort("value", "lang")
    shares = ordered.with_columns(
        languages=(pl.int_range(1, pl.len() + 1) / pl.len()).over("tokenizer"),
        tokens=(pl.col("value").cum_sum() / pl.col("value").sum()).over("tokenizer"),
        first=pl.col("order").min().over("tokenizer"),
    )
    return shares.sort("first", "languages").select(pl.col(name).cast(kind) for name, kind in LORENZ.items())
