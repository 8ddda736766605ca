"""Metrics over languages, and the Lorenz curve behind a Gini coefficient."""

from __future__ import annotations

from functools import partial

import polars as pl

from tokbench.metrics._metric import Metric

value = pl.col("value")
rank = pl.int_range(1, pl.len() + 1)
gini = ((2 * rank - pl.len() - 1) * value.sort()).sum() / (pl.len() * value.sum())

FOROUTAN = "Foroutan et al. 2025, arXiv 2508.04796"

WORST = 5

SPREAD = "Null for a single language. Depends on the set of languages: values over different sets are not comparable."

spread = partial(Metric, level="languages", better="lower", compression=True)

FAIRNESS = (
    spread(
        "premium_median",
        "median premium",
        "ratio",
        decimals=2,
        base_metric="premium",
        expr=value.median(),
        definition="Median premium over all languages except the reference.",
        edge_cases=SPREAD,
        other_definitions="The mean, which a single language with a premium of 15 dominates.",
    ),
    spread(
        "premium_worst",
        "worst premium",
        "ratio",
        decimals=2,
        base_metric="premium",
        expr=value.max(),
        definition="Highest premium over all languages.",
        edge_cases=SPREAD,
        other_definitions="Depends on the languages of the corpus, which is rarely stated.",
    ),
    spread(
        "gini",
        "Gini",
        "index",
        base_metric="tokens_per_segment",
        expr=pl.when(pl.len() > 1).then(gini),
        citation=FOROUTAN,
        definition="Gini coefficient of tokens per parallel segment over languages: sum_ij |c_i - c_j| / "
        "(2 n^2 mean). 0 means equal cost; the maximum is (n - 1) / n.",
        edge_cases=SPREAD,
        other_definitions="Tokens per byte or per character instead of per parallel segment: 0.136, 0.337 and 0.317 "
        "for GPT-NeoX on "
        "FLORES-200. `tokbench explain gini --variants` recomputes them.",
    ),
    spread(
        "gini_normalised",
        "Gini, normalised",
        "index",
        base_metric="tokens_per_segment",
        expr=pl.when(pl.len() > 1).then(gini * pl.len() / (pl.len() - 1)),
        citation=FOROUTAN,
        definition="gini * n / (n - 1), with a maximum of 1 for any number of languages.",
        edge_cases=SPREAD,
        other_definitions="Published as the Gini coefficient, without mention of the factor.",
    ),
    spread(
        "premium_worst_five",
        "worst 5 premiums",
        "ratio",
        decimals=2,
        base_metric="premium",
        expr=pl.when(pl.len() >= WORST).then(value.top_k(WORST).mean()),
        definition="Mean of the five highest premiums; null for fewer than five languages other than the reference.",
        edge_cases="Null for fewer than five languages other than the reference.",
        other_definitions="The single worst language.",
    ),
    spread(
        "length_spread",
        "max/min",
        "ratio",
        decimals=2,
        base_metric="tokens_per_segment",
        expr=pl.when((pl.len() > 1) & (value.min() > 0)).then(value.max() / value.min()),
        citation=FOROUTAN,
        definition="Tokens per parallel segment in the costliest language over those in the cheapest.",
        edge_cases=SPREAD,
        other_definitions="Relative to English instead of the cheapest language.",
    ),
)

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
