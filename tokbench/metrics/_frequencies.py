"""Metrics over id frequency spectra and lengths of emitted tokens."""

from __future__ import annotations

import math
from functools import partial

import polars as pl

from tokbench.metrics._metric import Metric
from tokbench.metrics._spectrum_columns import RAREFIED

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

HISTOGRAM = "Null if the text yields no token; special tokens never occur, since none are added."
JACKKNIFE = (
    "Interval: jackknife over 16 blocks of whole documents (of segments if the corpus names no documents), for the "
    "expected value of a text of this size; null for fewer than two blocks."
)
RAREFIED_NULLS = "Null for texts with fewer tokens. Exact: the expectation over all samples, without sampling."
COSTLY = "No interval: each left-out block would need the sum over all possible samples again."
GROWS = "Often published without the size of the text, on which it depends more than on the tokenizer."
QUANTILES = (
    "Null if no token represents text. For an even count, the lower of the two middle values. No interval: the "
    "jackknife is not valid for quantiles."
)
OVER_VOCABULARY = "Often computed over the vocabulary, each entry once, instead of over the tokens of a text."

LENGTHS = (("p50", 0.5, "half"), ("p90", 0.9, "90 %"), ("p99", 0.99, "99 %"), ("max", 1.0, "all"))


def sum_over_ids(column: str) -> pl.Expr:
    """Sum over ids what a column gives for each id of a frequency."""
    return (pl.col("types") * pl.col(column)).sum()


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


of_ids = partial(Metric, level="ids")
of_lengths = partial(Metric, level="lengths", decimals=0)

FREQUENCIES = (
    of_ids(
        "entropy",
        "entropy",
        "bits/token",
        decimals=2,
        expr=entropy,
        citation=ZOUHAR,
        definition="Shannon entropy of the ids: -sum p log2 p (plug-in estimate).",
        edge_cases=f"{HISTOGRAM} 0 for one type. Biased low for short texts: see entropy_miller_madow. {JACKKNIFE} "
        "The bias "
        "affects the value and the interval alike.",
        other_definitions="In nats.",
    ),
    of_ids(
        "entropy_miller_madow",
        "entropy, corrected",
        "bits/token",
        decimals=2,
        expr=entropy + (types - 1) / (2 * tokens * math.log(2)),
        citation="Miller 1955, in: Information Theory in Psychology",
        definition="Shannon entropy of the ids with the Miller-Madow correction for types that a sample misses: "
        "entropy + (types - 1) / (2 N ln 2) for N tokens.",
        edge_cases=f"{HISTOGRAM} {JACKKNIFE} The correction is part of the value; any remaining bias is in the "
        "interval too.",
        other_definitions="Other corrections: Chao-Shen, Grassberger, jackknife.",
    ),
    *(
        of_ids(
            f"entropy_at_{label}",
            f"entropy at {label}",
            "bits/token",
            decimals=2,
            expr=sum_over_ids(f"term_at_{label}"),
            interval=False,
            any_size=True,
            citation=HURLBERT,
            definition=f"Expected plug-in entropy of {size:,} tokens drawn from the text without replacement: "
            "comparable between texts of different size. Null for texts with fewer tokens.",
            edge_cases=f"{RAREFIED_NULLS} {COSTLY}",
            other_definitions=GROWS,
        )
        for label, size in RAREFIED.items()
    ),
    of_ids(
        "bits_per_byte_entropy",
        "entropy bits/byte",
        "bits",
        decimals=2,
        better="lower",
        compression=True,
        expr=entropy * tokens / pl.col("text_bytes").first(),
        citation=ZOUHAR,
        definition="Bits per byte of text if ids were written in an ideal code for their frequencies in this text: "
        "sum t * H1 / sum b.",
        edge_cases=f"{HISTOGRAM} {JACKKNIFE}",
        other_definitions="Not the bits per byte of a language model: ids are treated as independent of each other.",
    ),
    of_ids(
        "renyi_efficiency",
        "Renyi eff.",
        "ratio",
        better="higher",
        any_size=True,
        expr=pl.when(vocab_base > 1).then(renyi / vocab_base.log(2)),
        citation=ZOUHAR,
        definition=f"Renyi entropy of order {RENYI_ORDER} over log2 of the model vocabulary: "
        "log2(sum p^a) / (1 - a) / log2 V_base. Null for a vocabulary with at most one token.",
        edge_cases=f"{HISTOGRAM} 0 for one type. {JACKKNIFE}",
        other_definitions="Over log2 of the types that occur, or of other orders: `tokbench explain renyi_efficiency "
        "--variants`.",
    ),
    of_ids(
        "renyi_efficiency_observed",
        "Renyi eff. (types)",
        "ratio",
        better="higher",
        expr=pl.when(types > 1).then(renyi / types.log(2)),
        citation=ZOUHAR,
        definition=f"Renyi entropy of order {RENYI_ORDER} over log2 of the types that occur: log2(sum p^a) / (1 - a) "
        "/ log2(types). Null for one type.",
        edge_cases=f"Null for one type. {JACKKNIFE}",
        other_definitions="Goes by the same name as the efficiency over the vocabulary size.",
    ),
    of_ids(
        "utilisation",
        "utilisation",
        "ids",
        better="higher",
        percent=True,
        expr=share_of_vocabulary(types),
        definition="Distinct ids over V_base. Grows with the corpus: compare on equal text only. Null where distinct "
        "ids exceed V_base, since added tokens are then among them.",
        edge_cases=f"{HISTOGRAM} {JACKKNIFE}",
        other_definitions=f"Over V_total or the rows of the embedding matrix. {GROWS}",
    ),
    *(
        of_ids(
            f"utilisation_at_{label}",
            f"utilisation at {label}",
            "ids",
            better="higher",
            percent=True,
            any_size=True,
            expr=share_of_vocabulary(sum_over_ids(f"chance_at_{label}")),
            citation=HURLBERT,
            definition=f"Expected distinct ids among {size:,} tokens drawn from the text without replacement, over "
            "V_base: comparable between texts of different size. Null for texts with fewer tokens, or where distinct "
            "ids exceed V_base.",
            edge_cases=f"{RAREFIED_NULLS} {JACKKNIFE}",
            other_definitions=GROWS,
        )
        for label, size in RAREFIED.items()
    ),
    of_ids(
        "type_token_ratio",
        "type/token",
        "ratio",
        expr=types / tokens,
        definition="Distinct ids over tokens. Falls as the corpus grows: compare on equal text only.",
        edge_cases=f"{HISTOGRAM} {JACKKNIFE}",
        other_definitions=f"In linguistics, of words. {GROWS}",
    ),
    *(
        of_lengths(
            f"token_bytes_{label}",
            f"token bytes {label}",
            "bytes",
            any_size=share_below < 1,
            expr=quantile_of_tokens("size", share_below),
            definition=f"Length in bytes that {text} of the emitted tokens do not exceed, excluding special tokens.",
            edge_cases=QUANTILES,
            other_definitions=OVER_VOCABULARY,
        )
        for label, share_below, text in LENGTHS
    ),
    *(
        of_lengths(
            f"token_chars_{label}",
            f"token chars {label}",
            "characters",
            any_size=share_below < 1,
            expr=quantile_of_tokens("characters", share_below),
            definition=f"Length in characters that {text} of the emitted tokens do not exceed, excluding special "
            "tokens and tokens that are not whole characters.",
            edge_cases=QUANTILES,
            other_definitions=OVER_VOCABULARY,
        )
        for label, share_below, text in LENGTHS
    ),
)
