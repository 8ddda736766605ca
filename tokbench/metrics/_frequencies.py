"""Metrics over frequency spectra of ids (entropies, shares of the vocabulary) and over lengths of emitted tokens."""

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
# Neither is ever negative: abs makes the -0.0 of one type alone a 0.
entropy = (pl.col("types") * share * share.log(2)).sum().abs()
vocab_base = pl.col("vocab_base").first()
renyi = ((pl.col("types") * share.pow(RENYI_ORDER)).sum().log(2) / (1 - RENYI_ORDER)).abs()

ZOUHAR = "Zouhar et al. 2023, ACL, arXiv 2306.16842; it proves no quality: Cognetta et al. 2024, arXiv 2402.14614"
HURLBERT = "Hurlbert 1971, Ecology 52(4)"

RAREFIED = {"10k": 10_000, "100k": 100_000}
LENGTHS = (("p50", 0.5, "half"), ("p90", 0.9, "90 %"), ("p99", 0.99, "99 %"), ("max", 1.0, "all"))


def rarefied(find: Callable[[pl.Series, int], pl.Series], size: int) -> pl.Expr:
    """The sum over ids of what is expected of each among so many tokens."""
    rows = pl.struct("count", "tokens")
    return (pl.col("types") * rows.map_batches(lambda rows: find(rows, size), pl.Float64, is_elementwise=True)).sum()


def share_of_vocabulary(found: pl.Expr) -> pl.Expr:
    """The share of V_base; null where it would be more than all of it, as added tokens are then among the types."""
    return pl.when(found <= vocab_base, vocab_base > 0).then(found / vocab_base)


def quantile_of_tokens(column: str, share_below: float) -> pl.Expr:
    """The least value of a column that at least this share of the tokens does not exceed, null values left out."""
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
        definition="Shannon entropy of the ids with the correction of Miller and Madow for the types that a sample "
        "misses: entropy + (types - 1) / (2 N ln 2), N tokens.",
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
            definition=f"Plug-in entropy expected among {size:,} tokens drawn from the text without putting back: "
            "comparable between texts of different size. Null for fewer tokens.",
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
        definition="Bits per byte of text when ids are written by an ideal code for their frequencies in this text: "
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
        "log2(sum p^a) / (1 - a) / log2 V_base. Null for a vocabulary of one token or none.",
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
        definition="Distinct ids over V_base. Grows with the corpus: compare at equal text only. Null for more ids "
        "than V_base, as added tokens are among them.",
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
            definition=f"Distinct ids expected among {size:,} tokens drawn from the text without putting back, over "
            "V_base: comparable between texts of different size. Null for fewer tokens, or for more ids than V_base.",
        )
        for label, size in RAREFIED.items()
    ),
    Metric(
        "type_token_ratio",
        "type/token",
        "ratio",
        "ids",
        expr=types / tokens,
        definition="Distinct ids over tokens. Falls with the corpus: compare at equal text only.",
    ),
    *(
        Metric(
            f"token_bytes_{label}",
            f"token bytes {label}",
            "bytes",
            "lengths",
            decimals=0,
            expr=quantile_of_tokens("size", share_below),
            definition=f"Length in bytes that {text} of the emitted tokens do not exceed; special tokens left out.",
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
            definition=f"Length in characters that {text} of the emitted tokens do not exceed; special tokens and "
            "tokens that are part of a character left out.",
        )
        for label, share_below, text in LENGTHS
    ),
)
