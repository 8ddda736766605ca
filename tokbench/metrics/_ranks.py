"""Metrics over the ranks of ids: how their frequencies fall from the most frequent on.

Rank 1 is the most frequent id. A spectrum tells how many ids occur equally often; those share a run of ranks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.metrics._metric import Metric

Floats = npt.NDArray[np.float64]

FROM_RANK, TO_RANK = 0.03, 0.83
"""Shares of the ids, by rank, between which `percentile_frequency` adds up."""

GOWDA = "Gowda & May 2020, Findings of EMNLP, arXiv 2004.02334; as a score: Zouhar et al. 2023, arXiv 2306.16842"
ACROSS_SCALES = "arXiv 2506.03101"
GROWING = "Null if the text yields no token. Depends on the size of the text: compare on equal text only. No interval."


def sum_percentiles(counts: Floats, types: Floats) -> float:
    """Return the share of the tokens whose ids lie between two percentiles of the ranks."""
    ends = np.cumsum(types)
    low, high = FROM_RANK * ends[-1], TO_RANK * ends[-1]
    within = np.minimum(ends, high) - np.maximum(ends - types, low)
    return float((np.maximum(within, 0) * counts).sum() / (types * counts).sum())


def average_rank(counts: Floats, types: Floats) -> float:
    """Return the mean rank of the tokens."""
    middle = np.cumsum(types) - (types - 1) / 2
    return float((middle * types * counts).sum() / (types * counts).sum())


def spread_ranks(counts: Floats, types: Floats) -> tuple[Floats, Floats]:
    """Return log10 of rank and of frequency of each id."""
    frequencies = np.repeat(counts, types.astype(np.int64))
    return np.log10(np.arange(1, len(frequencies) + 1)), np.log10(frequencies / frequencies.sum())


def fit_slope(counts: Floats, types: Floats) -> float:
    """Return the slope of the least-squares line through log frequency over log rank; NaN for one id."""
    x, y = spread_ranks(counts, types)
    return float(np.polynomial.polynomial.polyfit(x, y, 1)[1]) if len(x) > 1 else float("nan")


def find_deviation(counts: Floats, types: Floats) -> float:
    """Return the root mean square distance of log frequency from its line; NaN for one id."""
    x, y = spread_ranks(counts, types)
    if len(x) < 2:
        return float("nan")
    line = np.polynomial.polynomial.polyfit(x, y, 1)
    return float(np.sqrt(((y - np.polynomial.polynomial.polyval(x, line)) ** 2).mean()))


def find_area(counts: Floats, types: Floats) -> float:
    """Return the area between the curve of log frequency over log rank and the frequency of the last rank."""
    x, y = spread_ranks(counts, types)
    return float((np.diff(x) * ((y[1:] + y[:-1]) / 2 - y[-1])).sum())


def of_ranks(name: str, title: str, unit: str, **fields: Any) -> Metric:
    """Return a metric with the value that `BY_RANK` finds of each spectrum."""
    value = pl.col(name).first().fill_nan(None)
    return Metric(name, title, unit, "ids", expr=value, interval=False, on_request=True, edge_cases=GROWING, **fields)


BY_RANK: Mapping[str, Callable[[Floats, Floats], float]] = {
    "percentile_frequency": sum_percentiles,
    "mean_rank": average_rank,
    "zipf_slope": fit_slope,
    "zipf_deviation": find_deviation,
    "zipf_area": find_area,
}
"""Functions of one spectrum: its frequencies, descending, and how many ids occur that often."""

RANKS = (
    of_ranks(
        "percentile_frequency",
        "percentile frequency",
        "tokens",
        percent=True,
        citation=GOWDA,
        definition="Share of the tokens whose ids lie between the 3rd and the 83rd percentile of the ranks, of the ids "
        "that occur, most frequent first; a rank that a percentile divides counts in part.",
        other_definitions="Between other percentiles; over the whole vocabulary, ids that do not occur included.",
    ),
    of_ranks(
        "mean_rank",
        "mean rank",
        "rank",
        decimals=0,
        citation=ACROSS_SCALES,
        definition="Mean rank of the tokens: sum p(r) r over ranks r, with 1 for the most frequent id.",
        other_definitions="Mean of the ids themselves, where a vocabulary is sorted by frequency.",
    ),
    of_ranks(
        "zipf_slope",
        "Zipf slope",
        "log10/log10",
        citation=ACROSS_SCALES,
        definition="Slope of the least-squares line through log10 of the frequency of each id over log10 of its rank. "
        "Null for one type.",
        other_definitions="With the opposite sign; fitted by maximum likelihood, or only over the first ranks.",
    ),
    of_ranks(
        "zipf_deviation",
        "Zipf deviation",
        "log10",
        citation=ACROSS_SCALES,
        definition="Root mean square distance of log10 of the frequencies from the line of zipf_slope. Null for one "
        "type.",
        other_definitions="Mean absolute distance, or the largest.",
    ),
    of_ranks(
        "zipf_area",
        "Zipf area",
        "log10 x log10",
        citation=ACROSS_SCALES,
        definition="Area between the curve of log10 of the frequencies over log10 of the ranks and the frequency of "
        "the last rank. 0 for one type.",
        other_definitions="Down to another base line, such as a frequency of 1.",
    ),
)
