"""The table of all metrics.

To add a metric, add one entry: here, or in `_ratios` for ratios of sums over segments.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import polars as pl

from tokbench._shared.registry import closest
from tokbench.errors import TokbenchError
from tokbench.metrics._boundaries import BOUNDARIES
from tokbench.metrics._custom import MetricTable, check_metric
from tokbench.metrics._evidence import EVIDENCE
from tokbench.metrics._fairness import FAIRNESS
from tokbench.metrics._frequencies import FREQUENCIES
from tokbench.metrics._metric import Metric
from tokbench.metrics._ranks import RANKS
from tokbench.metrics._ratios import RATIOS, WORDS

NAYEEM = "Nayeem et al. 2025, arXiv 2510.09947"
FACT = "Null if the catalogue does not know it."
SIZES = (
    "Four sizes go by this name: the model vocabulary, the vocabulary with added tokens, the highest id + 1, and the "
    "rows of the embedding matrix."
)

retention = partial(Metric, level="types", decimals=1, better="higher", percent=True, citation=NAYEEM, edge_cases=WORDS)
fact = partial(Metric, level="tokenizers", decimals=0, edge_cases=FACT, other_definitions=SIZES)

OTHERS = (
    retention(
        "strr_bare",
        "STRR bare",
        "word types",
        definition="Single-token retention rate: share of the text's word types that are one token when encoded alone.",
        other_definitions="Over a list of common words instead of the word types of a text.",
    ),
    retention(
        "strr_spaced",
        "STRR spaced",
        "word types",
        definition="Single-token retention rate with a space before each word: share of the text's word types that "
        "are one token as they appear within a sentence.",
        other_definitions="Without the space, which makes it a different string.",
    ),
    fact(
        "vocab_base",
        "V base",
        "tokens",
        expr=pl.col("vocab_base"),
        definition="Tokens in the model vocabulary, without tokens added to it later.",
    ),
    fact(
        "vocab_total",
        "vocabulary",
        "tokens",
        expr=pl.col("vocab_total"),
        definition="Size of the id space, including added and special tokens.",
    ),
    fact(
        "vocab_rows",
        "V rows",
        "rows",
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
        edge_cases="Null for corpora too small to give each round a text of its own.",
        other_definitions="Tokens per second, which rewards bad tokenizers; or the speed of an engine taken for that "
        "of a tokenizer.",
    ),
)

BUILT_IN: Mapping[str, Metric] = MappingProxyType(
    {
        metric.name: replace(metric, evidence=EVIDENCE[metric.name])
        for metric in (*RATIOS, *BOUNDARIES, *FAIRNESS, *FREQUENCIES, *RANKS, *OTHERS)
    }
)
"""The metrics of tokbench by name, in the order of tables."""

METRICS: Mapping[str, Metric] = MetricTable(BUILT_IN)
"""All metrics by name: the built-in ones, then those of installed packages."""


DEFAULT_METRICS = tuple(name for name, metric in BUILT_IN.items() if metric.level != "types" and not metric.on_request)
"""What is evaluated where nobody chose: all but those that encode every word type once more, or are on request."""


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
