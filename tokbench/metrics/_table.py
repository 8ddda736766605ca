"""The table of all metrics.

To add a metric, add one entry: here, or in `_ratios` for ratios of sums over segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import polars as pl

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError
from tokbench.metrics._frequencies import FREQUENCIES
from tokbench.metrics._metric import Metric
from tokbench.metrics._ratios import RATIOS

value = pl.col("value")
rank = pl.int_range(1, pl.len() + 1)
gini = ((2 * rank - pl.len() - 1) * value.sort()).sum() / (pl.len() * value.sum())

NAYEEM = "Nayeem et al. 2025, arXiv 2510.09947"
FOROUTAN = "Foroutan et al. 2025, arXiv 2508.04796"

WORST = 5

FAIRNESS = (
    Metric(
        "premium_median",
        "median premium",
        "ratio",
        "languages",
        decimals=2,
        better="lower",
        compression=True,
        base_metric="premium",
        expr=value.median(),
        definition="Median premium over all languages except the reference.",
    ),
    Metric(
        "premium_worst",
        "worst premium",
        "ratio",
        "languages",
        decimals=2,
        better="lower",
        compression=True,
        base_metric="premium",
        expr=value.max(),
        definition="Highest premium over all languages.",
    ),
    Metric(
        "gini",
        "Gini",
        "index",
        "languages",
        better="lower",
        compression=True,
        base_metric="tokens_per_segment",
        expr=pl.when(pl.len() > 1).then(gini),
        citation=FOROUTAN,
        definition="Gini coefficient of tokens per parallel segment over languages: sum_ij |c_i - c_j| / "
        "(2 n^2 mean). 0 means equal cost; the maximum is (n - 1) / n.",
    ),
    Metric(
        "gini_normalised",
        "Gini, normalised",
        "index",
        "languages",
        better="lower",
        compression=True,
        base_metric="tokens_per_segment",
        expr=pl.when(pl.len() > 1).then(gini * pl.len() / (pl.len() - 1)),
        citation=FOROUTAN,
        definition="gini * n / (n - 1), with a maximum of 1 for any number of languages.",
    ),
    Metric(
        "premium_worst_five",
        "worst 5 premiums",
        "ratio",
        "languages",
        decimals=2,
        better="lower",
        compression=True,
        base_metric="premium",
        expr=pl.when(pl.len() >= WORST).then(value.top_k(WORST).mean()),
        definition="Mean of the five highest premiums; null for fewer than five languages other than the reference.",
    ),
    Metric(
        "length_spread",
        "max/min",
        "ratio",
        "languages",
        decimals=2,
        better="lower",
        compression=True,
        base_metric="tokens_per_segment",
        expr=pl.when((pl.len() > 1) & (value.min() > 0)).then(value.max() / value.min()),
        citation=FOROUTAN,
        definition="Tokens per parallel segment in the costliest language over those in the cheapest.",
    ),
)

OTHERS = (
    Metric(
        "strr_bare",
        "STRR bare",
        "word types",
        "types",
        decimals=1,
        better="higher",
        percent=True,
        citation=NAYEEM,
        definition="Single-token retention rate: share of the text's word types that are one token when encoded alone.",
    ),
    Metric(
        "strr_spaced",
        "STRR spaced",
        "word types",
        "types",
        decimals=1,
        better="higher",
        percent=True,
        citation=NAYEEM,
        definition="Single-token retention rate with a space before each word: share of the text's word types that "
        "are one token as they appear within a sentence.",
    ),
    Metric(
        "vocab_base",
        "V base",
        "tokens",
        "tokenizers",
        decimals=0,
        expr=pl.col("vocab_base"),
        definition="Tokens in the model vocabulary, without tokens added to it later.",
    ),
    Metric(
        "vocab_total",
        "vocabulary",
        "tokens",
        "tokenizers",
        decimals=0,
        expr=pl.col("vocab_total"),
        definition="Size of the id space, including added and special tokens.",
    ),
    Metric(
        "vocab_rows",
        "V rows",
        "rows",
        "tokenizers",
        decimals=0,
        expr=pl.col("vocab_rows"),
        definition="Rows of the model's embedding matrix, including padding.",
    ),
    Metric(
        "throughput",
        "MB/s",
        "MB/s",
        "timings",
        decimals=2,
        better="higher",
        definition="Input megabytes (10^6 bytes) encoded per second: a joint property of tokenizer, engine, API path, "
        "threads and machine. Median over rounds on unseen text; low and high are the slowest and fastest round.",
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType(
    {metric.name: metric for metric in (*RATIOS, *FAIRNESS, *FREQUENCIES, *OTHERS)}
)
"""All metrics by name, in the order of tables."""


DEFAULT_METRICS = tuple(name for name, metric in METRICS.items() if metric.level != "types")
"""Metrics evaluated by default: all except those that encode every word type separately."""


def find_metrics(names: str | Iterable[str]) -> tuple[Metric, ...]:
    """Return the metrics with these names, or with one name.

    Raises TokbenchError, naming the nearest match, for an unknown name.
    """
    found = []
    for name in [names] if isinstance(names, str) else names:
        if name not in METRICS:
            near = closest(name, list(METRICS))
            raise TokbenchError(
                f"no metric is called {name!r}",
                f"did you mean {near!r}?" if near else "see: tokbench list metrics",
            )
        found.append(METRICS[name])
    return tuple(found)
