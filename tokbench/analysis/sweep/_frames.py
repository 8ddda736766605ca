"""Values by vocabulary size, and the best sizes, as frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tokbench.analysis.sweep._prices import BYTES, PURPOSES, SEGMENTS, Sums, pick_best
from tokbench.metrics.resampling import Floats, divide, percentile_interval

VALUES = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "size": pl.Int64,
    "rows": pl.Int64,
    "segments": pl.Int64,
    "tokens": pl.Int64,
    "tokens_per_segment": pl.Float64,
    "tokens_per_segment_low": pl.Float64,
    "tokens_per_segment_high": pl.Float64,
    "premium": pl.Float64,
    "premium_low": pl.Float64,
    "premium_high": pl.Float64,
    "bits_per_byte_coded": pl.Float64,
    "bits_per_byte_entropy": pl.Float64,
    "serving_flops": pl.Float64,
    "training_flops": pl.Float64,
    "relative_serving": pl.Float64,
    "relative_serving_low": pl.Float64,
    "relative_serving_high": pl.Float64,
    "relative_training": pl.Float64,
    "relative_training_low": pl.Float64,
    "relative_training_high": pl.Float64,
}
BEST = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "purpose": pl.String,
    "size": pl.Int64,
    "low": pl.Int64,
    "high": pl.Int64,
    "share": pl.Float64,
}
Row = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Measured:
    """The sums of one language with one tokenizer, or of all together.

    lang: None for all. entropy: bits per token by size. counted: segments and tokens of the corpus, None in a mixture.
    """

    lang: str | None
    sums: Sums
    entropy: Floats
    counted: bool


def list_values(name: str, one: Measured, reference: Sums | None, baseline: int, level: float) -> Iterator[Row]:
    """Yield a row per size.

    reference: sums of the reference language, for premiums. baseline: place of the size that costs are relative to.
    """
    sums, model = one.sums, one.sums.model
    lengths = sums.per_segment(sums.tokens)
    premiums = None if reference is None else divide(lengths, reference.per_segment(reference.tokens))
    costs = {purpose: sums.cost(purpose) for purpose in PURPOSES}
    relative = {purpose: divide(cost, cost[:, [baseline]]) for purpose, cost in costs.items()}
    per_byte = sums.per_byte(sums.tokens)[0]
    for place, size in enumerate(model.sizes):
        yield {
            "tokenizer": name,
            "lang": one.lang,
            "size": size,
            "rows": model.rows[place],
            "segments": int(sums.values[0, SEGMENTS]) if one.counted else None,
            "tokens": int(sums.tokens[0, place]) if one.counted else None,
            **spread("tokens_per_segment", lengths[:, place], level),
            **({} if premiums is None else spread("premium", premiums[:, place], level)),
            "bits_per_byte_coded": none_if_nan(per_byte[place] * math.ceil(math.log2(size))),
            "bits_per_byte_entropy": none_if_nan(per_byte[place] * one.entropy[place]),
            "serving_flops": none_if_nan(sums.per_segment(costs["serving"])[0, place]),
            "training_flops": none_if_nan(sums.per_segment(costs["training"])[0, place]),
            **spread("relative_serving", relative["serving"][:, place], level),
            **spread("relative_training", relative["training"][:, place], level),
        }


def list_best(name: str, one: Measured, level: float) -> Iterator[Row]:
    """Yield a row per purpose with the best size; none for a language without text."""
    if not one.sums.values[0, BYTES]:
        return
    for purpose in PURPOSES:
        best = pick_best(one.sums.cost(purpose), one.sums.model.sizes, level)
        yield {
            "tokenizer": name,
            "lang": one.lang,
            "purpose": purpose,
            "size": best.size,
            "low": best.low,
            "high": best.high,
            "share": best.share,
        }


def spread(name: str, values: Floats, level: float) -> Row:
    """Return a value with its interval, as three columns; null where it is not defined."""
    low, high = (np.nan, np.nan) if len(values) == 1 else percentile_interval(values[1:, None], level)
    return {
        name: none_if_nan(values[0]),
        f"{name}_low": none_if_nan(float(np.squeeze(low))),
        f"{name}_high": none_if_nan(float(np.squeeze(high))),
    }


def none_if_nan(value: float) -> float | None:
    """Return a number, None for NaN."""
    return None if np.isnan(value) else float(value)


def frame_rows(rows: Sequence[Row], schema: dict[str, Any]) -> pl.DataFrame:
    """Return rows as a frame with all columns of a schema."""
    return pl.DataFrame([{key: row.get(key) for key in schema} for row in rows], schema=schema, orient="row")
