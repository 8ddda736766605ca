"""Metrics over id frequency spectra and lengths of emitted tokens."""

from __future__ import annotations

import math
from collections.abc import Callable

import polars as pl

from tokbench.metrics._metric import Metric
from tokbench.metrics._rarefaction import find_chances, find_terms

RENYI_ORDER = 2.5

tokens = pl.col("tokens").first()
types = pl.col("types").sum()
share = pl.col("count") / pl.col("tokens")
# Neither is ever negative: abs turns the -0.0 of a single type into 0.
entropy = (pl.col("types") * share * share.log(2)).sum().abs()
vocab_base = pl.col("vocab_base").first()
renyi = ((pl.col("types") * share.pow(RENYI_ORDER)).sum().log(2) / (1 - RENYI_ORDER)).abs()

ZOUHAR = "Zouhar et al. 2023, ACL, arXiv 2306.16842; it proves no quality: Cognetta et al. 2024, arXiv 2402.14614"
HURLBERT = "Hurlbert 1971, Ecology 52(4)"

RAREFIED = {"10k": 10_000, "100k": 100_000}
LENGTHS = (("p50", 0.5, "half"), ("p90", 0.9, "90 %"), ("p99", 0.99, "99 %"), ("max", 1.0, "all"))


def rarefied(find: Callable[[pl.Series, int], pl.Series], size: int) -> pl.Expr:
    """Sum over ids what `find` expects of each in a sample of `size` tokens."""
    rows = pl.struct("count", "tokens")
    return (pl.col("types") * rows.map_batches(lambda rows: find(rows, size), pl.Float64, is_elementwise=True)).sum()


def share_of_vocabulary(found: pl.Expr) -> pl.Expr:
    """Divide by V_base; null above 1, where added tokens are among the types."""
    return pl.when(found <= vocab_base, vocab_base > 0).then(found / vocab_base)


def quantile_of_tokens(column: str, share_below: float) -> pl.Expr:
    """Return the smallest value that at least this share of tokens does not exceed.

    Null values are left out.
    """
    present = pl.col(column).is_not_null()
    sizes, counts = pl.col(column).filter(present), pl.col("count").filter(present)
    reached = counts.sort_by(sizes).cum_sum() >= share_below * counts.sum()
    return sizes.sort().filter(reached).first()


FREQUENCIES = (
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
        "entropy_miller_madow",
        "entropy, corrected",
        "bits/token",
        "ids",
        decimals=2,
        expr=entropy + (types - 1) / (2 * tokens * math.log(2)),
        citation="Miller 1955, in: Information Theory in Psychology",
        definition="Shannon entropy of the ids with the Miller-Madow correction for types that a sample misses: "
        "entropy + (types - 1) / (2 N ln 2) for N tokens.",
    ),
    *(
        Metric(
            f"entropy_at_{label}",
            f"entropy at {label}",
            "bits/token",
            "ids",
            decimals=2,
            expr=rarefied(find_terms, size),
            interval=False,
            citation=HURLBERT,
            definition=f"Expected plug-in entropy of {size:,} tokens drawn from the text without replacement: "
            "comparable between texts of different size. Null for texts with fewer tokens.",
        )
        for label, size in RAREFIED.items()
    ),
    Metric(
        "bits_per_byte_entropy",
        "entropy bits/byte",
        "bits",
        "ids",
        decimals=2,
        better="lower",
        compression=True,
        expr=entropy * tokens / pl.col("text_bytes").first(),
        citation=ZOUHAR,
        definition="Bits per byte of text if ids were written in an ideal code for their frequencies in this text: "
        "sum t * H1 / sum b.",
    ),
    Metric(
        "renyi_efficiency",
        "Renyi eff.",
        "ratio",
        "ids",
        better="higher",
        citation=ZOUHAR,
        expr=pl.when(vocab_base > 1).then(renyi / vocab_base.log(2)),
        definition=f"Renyi entropy of order {RENYI_ORDER} over log2 of the model vocabulary: "
        "log2(sum p^a) / (1 - a) / log2 V_base. Null for a vocabulary with at most one token.",
    ),
    Metric(
        "renyi_efficiency_observed",
        "Renyi eff. (types)",
        "ratio",
        "ids",
        better="higher",
        citation=ZOUHAR,
        expr=pl.when(types > 1).then(renyi / types.log(2)),
        definition=f"Renyi entropy of order {RENYI_ORDER} over log2 of the types that occur: log2(sum p^a) / (1 - a) "
        "/ log2(types). Null for one type.",
    ),
    Metric(
        "utilisation",
        "utilisation",
        "ids",
        "ids",
        better="higher",
        percent=True,
        expr=share_of_vocabulary(types),
        definition="Distinct ids over V_base. Grows with the corpus: compare on equal text only. Null where distinct "
        "ids exceed V_base, since added tokens are then among them.",
    ),
    *(
        Metric(
            f"utilisation_at_{label}",
            f"utilisation at {label}",
            "ids",
            "ids",
            better="higher",
            percent=True,
            expr=share_of_vocabulary(rarefied(find_chances, size)),
            citation=HURLBERT,
            definition=f"Expected distinct ids among {size:,} tokens drawn from the text without replacement, over "
            "V_base: comparable between texts of different size. Null for texts with fewer tokens, or where distinct "
            "ids exceed V_base.",
        )
        for label, size in RAREFIED.items()
    ),
    Metric(
        "type_token_ratio",
        "type/token",
        "ratio",
        "ids",
        expr=types / tokens,
        definition="Distinct ids over tokens. Falls as the corpus grows: compare on equal text only.",
    ),
    *(
        Metric(
            f"token_bytes_{label}",
            f"token bytes {label}",
            "bytes",
            "lengths",
            decimals=0,
            expr=quantile_of_tokens("size", share_below),
            definition=f"Length in bytes that {text} of the emitted tokens do not exceed, excluding special tokens.",
        )
        for label, share_below, text in LENGTHS
    ),
    *(
        Metric(
            f"token_chars_{label}",
            f"token chars {label}",
            "characters",
            "lengths",
            decimals=0,
            expr=quantile_of_tokens("characters", share_below),
            definition=f"Length in characters that {text} of the emitted tokens do not exceed, excluding special "
            "tokens and tokens that are not whole characters.",
        )
        for label, share_below, text in LENGTHS
    ),
)
