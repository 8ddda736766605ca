"""The table of all metrics.

To add a metric, add one entry: here, or in `_ratios` for ratios of sums over segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import polars as pl

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError
from tokbench.metrics._custom import MetricTable, check_metric
from tokbench.metrics._frequencies import FREQUENCIES
from tokbench.metrics._metric import Metric
from tokbench.metrics._ratios import RATIOS
from tokbench.metrics._remarks import REMARKS

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

BUILT_IN: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: replace(metric, **vars(REMARKS[metric.name]))
        for metric in (*RATIOS, *FAIRNESS, *FREQUENCIES, *OTHERS)
    }
)
"""The metrics of tokbench by name, in the order of tables."""

METRICS: Mapping[str, Metric] = MetricTable(BUILT_IN)
"""All metrics by name: the built-in ones, then those of installed packages."""


DEFAULT_METRICS = tuple(name for name, metric in BUILT_IN.items() if metric.level != "types")
"""What is evaluated where nobody chose: all but those that encode every word type once more."""


def find_metrics(chosen: str | Metric | Iterable[str | Metric]) -> tuple[Metric, ...]:
    """Return the metrics of these names; a `Metric` stands for itself, if it is well formed.

    Raises TokbenchError with the nearest name for one that does not exist, and for a `Metric` whose name is taken.
    """
    found: dict[str, Metric] = {}
    given: dict[str, Metric] = {}
    for one in [chosen] if isinstance(chosen, str | Metric) else chosen:
        if isinstance(one, str):
            found[one] = find_metric(one)
        elif one.name in METRICS and METRICS[one.name] is one:
            found[one.name] = one
        elif one.name in METRICS or given.get(one.name, one) is not one:
            raise TokbenchError(f"there are two metrics called {one.name!r}", "give yours another name")
        else:
            given[one.name] = one
            found[one.name] = check_metric(one)
    metrics = tuple(found.values())
    for metric in metrics:
        if metric.base_metric is not None and find_base(metric, metrics).level != "segments":
            raise TokbenchError(
                f"the metric {metric.name} is over {metric.base_metric}, which has no value by language",
                "choose a metric over segments as its base_metric",
            )
    return metrics


def find_metric(name: str) -> Metric:
    """Return the metric of this name; TokbenchError with the nearest name where there is none."""
    if name not in METRICS:
        near = closest(name, list(METRICS))
        raise TokbenchError(
            f"no metric is called {name!r}",
            f"did you mean {near!r}?" if near else "see: tokbench list metrics",
        )
    return METRICS[name]


def find_base(metric: Metric, metrics: Sequence[Metric]) -> Metric:
    """Return the metric whose values a metric over languages sums up: one of `metrics`, else one of the table."""
    for other in metrics:
        if other.name == metric.base_metric:
            return other
    return find_metric(metric.base_metric or "")
