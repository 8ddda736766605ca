"""Costs as a table with intervals.

Sums over segments, resampled by a paired bootstrap.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.metrics.resampling import (
    Bootstrap,
    Units,
    divide,
    draw_weights,
    find_units,
    percentile_interval,
    resample_sums,
)
from tokbench.pythia.cost.prices import DAYS_PER_MONTH, Prices
from tokbench.pythia.cost.workload import UNITS, Request, Workload, count_requests
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.speed.speeds import Speed

COST_SCHEMA = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "quantity": pl.String(),
    "per": pl.String(),
    "value": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "premium": pl.Float64(),
    "premium_low": pl.Float64(),
    "premium_high": pl.Float64(),
    "unit": pl.String(),
    "basis": pl.String(),
    "n": pl.Int64(),
}


def tabulate_costs(
    workload: Workload,
    architectures: Mapping[str, Architecture],
    *,
    reference: str,
    request: Request,
    speeds: Mapping[str, Speed],
    prices: Prices,
    bootstrap: Bootstrap,
) -> pl.DataFrame:
    """Tabulate the costs of all tokenizers and languages.

    In the columns of `COST_SCHEMA`.

    architectures: by tokenizer; one without has tokens and money only.

    value: mean over segments, or ratio of sums per 1,000 characters; money also for 1,000 requests and, with requests
        per day, for a month.
    low, high: percentiles of a paired bootstrap over documents or segments.
    premium: cost of the segments over their cost in the reference language.

    Intervals reflect the sampling of the text, not the measurement of seconds.
    """
    segments = len(workload.chars[reference])
    units = find_units(segments, workload.documents if bootstrap.draw == "documents" else None)
    weights = draw_weights(bootstrap, units.number)
    rows: list[pl.DataFrame] = []
    for tokenizer in workload.tokenizers:
        speed = speeds.get(tokenizer)
        by_lang = {
            lang: count_requests(workload.tokens[tokenizer, lang], architectures.get(tokenizer), request, speed, prices)
            for lang in workload.languages
        }
        for quantity in by_lang[reference]:
            counts = np.stack([by_lang[lang][quantity] for lang in workload.languages], axis=1)
            chars = np.stack([workload.chars[lang] for lang in workload.languages], axis=1)
            timed = UNITS[quantity] == "s" or (quantity == "money" and not prices.per_token)
            basis = speed.basis if speed and timed else "computed"
            described = describe(workload.languages, reference, counts, chars, units, weights, bootstrap.level)
            if quantity == "money":
                described = add_periods(described, prices)
            rows.append(
                described.with_columns(
                    tokenizer=pl.lit(tokenizer),
                    quantity=pl.lit(quantity),
                    unit=pl.lit(UNITS[quantity]),
                    basis=pl.lit("counted" if quantity in ("tokens", "new_tokens") else basis),
                    n=pl.lit(segments),
                )
            )
    return pl.concat(rows).select(pl.col(name).cast(kind) for name, kind in COST_SCHEMA.items())


def add_periods(described: pl.DataFrame, prices: Prices) -> pl.DataFrame:
    """Add the money of 1,000 requests, and of a month if the requests per day are given."""
    factors = {"1000 requests": 1000}
    if prices.requests_per_day is not None:
        factors["month"] = prices.requests_per_day * DAYS_PER_MONTH
    of_request = described.filter(pl.col("per") == "segment")
    periods = [
        of_request.with_columns(pl.col("value", "low", "high") * factor, per=pl.lit(per))
        for per, factor in factors.items()
    ]
    return pl.concat([described, *periods])


def describe(
    languages: tuple[str, ...],
    reference: str,
    counts: npt.NDArray[np.float64],
    chars: npt.NDArray[np.float64],
    units: Units,
    weights: npt.NDArray[np.float64],
    level: float,
) -> pl.DataFrame:
    """Tabulate one quantity in all languages, per segment and per 1,000 characters.

    counts, chars: (segments, languages).
    weights: how often each unit was drawn, (resamples, units).
    """
    sums = resample_sums(weights, units.sum(counts))
    drawn = resample_sums(weights, units.sum(np.ones((len(counts), 1))))
    reference_column = languages.index(reference)
    whole = counts.sum(axis=0)
    premium = divide(whole, np.full_like(whole, whole[reference_column]))
    premium_low, premium_high = percentile_interval(divide(sums, sums[:, [reference_column]]), level)
    frames = []
    for per, total, resampled in (
        ("segment", np.full(len(languages), float(len(counts))), np.broadcast_to(drawn, sums.shape)),
        ("1000 characters", chars.sum(axis=0) / 1000, resample_sums(weights, units.sum(chars)) / 1000),
    ):
        low, high = percentile_interval(divide(sums, resampled), level)
        frame = {
            "lang": list(languages),
            "per": [per] * len(languages),
            "value": divide(whole, total),
            "low": low,
            "high": high,
            "premium": premium,
            "premium_low": premium_low,
            "premium_high": premium_high,
        }
        frames.append(pl.DataFrame(frame).with_columns(pl.col(pl.Float64).fill_nan(None)))
    return pl.concat(frames)
