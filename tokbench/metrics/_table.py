"""The table of all metrics. To add one, add one entry: here, or in `_ratios` for ratios of sums over segments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import polars as pl

from tokbench.errors import TokbenchError
from tokbench.metrics._metric import Metric
from tokbench.metrics._ratios import RATIOS
from tokbench.registry import closest

RENYI_ORDER = 2.5

value = pl.col("value")
share = pl.col("count") / pl.col("count").sum()
# Of one type alone both are 0, and not the -0.0 that the sign before a sum of zeros makes.
entropy = 0.0 - (share * share.log(2)).sum()
renyi = share.pow(RENYI_ORDER).sum().log(2) / (1 - RENYI_ORDER) + 0.0
rank = pl.int_range(1, pl.len() + 1)
gini = ((2 * rank - pl.len() - 1) * value.sort()).sum() / (pl.len() * value.sum())

ZOUHAR = "Zouhar et al. 2023, ACL, arXiv 2306.16842; it proves no quality: Cognetta et al. 2024, arXiv 2402.14614"
FOROUTAN = "Foroutan et al. 2025, arXiv 2508.04796"

OTHERS = (
    Metric(
        "premium_median",
        "median premium",
        "ratio",
        "languages",
        decimals=2,
        better="lower",
        compression=True,
        of="premium",
        expr=value.median(),
        definition="Median of the premiums of all languages but the reference.",
    ),
    Metric(
        "premium_worst",
        "worst premium",
        "ratio",
        "languages",
        decimals=2,
        better="lower",
        compression=True,
        of="premium",
        expr=value.max(),
        definition="Highest premium of any language.",
    ),
    Metric(
        "gini",
        "Gini",
        "index",
        "languages",
        better="lower",
        compression=True,
        of="tokens_per_segment",
        expr=pl.when(pl.len() > 1).then(gini),
        citation=FOROUTAN,
        definition="Gini coefficient of the tokens per parallel segment over languages: sum_ij |c_i - c_j| / "
        "(2 n^2 mean). 0 is equal; its maximum is (n - 1) / n.",
    ),
    Metric(
        "gini_normalised",
        "Gini, normalised",
        "index",
        "languages",
        better="lower",
        compression=True,
        of="tokens_per_segment",
        expr=pl.when(pl.len() > 1).then(gini * pl.len() / (pl.len() - 1)),
        citation=FOROUTAN,
        definition="gini * n / (n - 1), whose maximum is 1 for any number of languages.",
    ),
    Metric(
        "entropy",
        "entropy",
        "bits/token",
        "ids",
        decimals=2,
        expr=entropy,
        citation=ZOUHAR,
        definition="Shannon entropy of the ids: -sum p log2 p (plug-in estimate).",
    ),
    Metric(
        "renyi_efficiency",
        "Renyi eff.",
        "ratio",
        "ids",
        better="higher",
        citation=ZOUHAR,
        expr=renyi / pl.col("vocab_base").first().log(2),
        definition=f"Renyi entropy of order {RENYI_ORDER} over log2 of the model vocabulary: "
        "log2(sum p^a) / (1 - a) / log2 V_base.",
    ),
    Metric(
        "utilisation",
        "utilisation",
        "ids",
        "ids",
        better="higher",
        percent=True,
        expr=pl.len() / pl.col("vocab_base").first(),
        definition="Distinct ids over V_base. Grows with the corpus: compare at equal text only.",
    ),
    Metric(
        "type_token_ratio",
        "type/token",
        "ratio",
        "ids",
        expr=pl.len() / pl.col("count").sum(),
        definition="Distinct ids over tokens. Falls with the corpus: compare at equal text only.",
    ),
    Metric(
        "vocab_base",
        "V base",
        "tokens",
        "tokenizers",
        decimals=0,
        expr=pl.col("vocab_base"),
        definition="Tokens of the model vocabulary, without those added to it afterwards.",
    ),
    Metric(
        "vocab_total",
        "vocabulary",
        "tokens",
        "tokenizers",
        decimals=0,
        expr=pl.col("vocab_total"),
        definition="Size of the id space with added and special tokens.",
    ),
    Metric(
        "vocab_rows",
        "V rows",
        "rows",
        "tokenizers",
        decimals=0,
        expr=pl.col("vocab_rows"),
        definition="Rows of the embedding matrix of the model, padding included.",
    ),
    Metric(
        "throughput",
        "MB/s",
        "MB/s",
        "timings",
        decimals=2,
        better="higher",
        definition="Input bytes encoded per second, in 10^6: a property of tokenizer, engine, API path, threads and "
        "machine together. Median of rounds on text not seen before; low and high are the slowest and fastest round.",
    ),
)

METRICS: Mapping[str, Metric] = MappingProxyType({metric.name: metric for metric in (*RATIOS, *OTHERS)})
"""All metrics by name, in the order of tables."""


def find_metrics(names: str | Iterable[str]) -> tuple[Metric, ...]:
    """The metrics of these names, or of one; TokbenchError with the nearest name for one that does not exist."""
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
