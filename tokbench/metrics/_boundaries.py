"""Metrics of where tokens end: in characters, grapheme clusters, words, numbers and operators."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial, reduce
from operator import add

import polars as pl

from tokbench.measurement.boundaries import F1_UNIT, PATTERNS
from tokbench.metrics._metric import Metric

TOKEVAL = "TokEval 1.0"
XU = "Xu et al. 2026, arXiv 2601.23223"
UAX29 = "Unicode Standard Annex #29"
SUPERWORDS = "Liu et al. 2025 (SuperBPE), arXiv 2503.13423; Arnett et al. 2025, arXiv 2510.21909"
SINGH = "Singh & Strouse 2024, arXiv 2402.14903"

JUDGED = (
    "Of the segments that equal the joined bytes of their tokens; the others (changed by a normaliser, or with unknown "
    "tokens) are left out, and n counts the rest. Null if there is none. A tokenizer that loses text in a language is "
    "not ranked there."
)

of_boundaries = partial(Metric, level="segments", cases=pl.col("judged_segments"), edge_cases=JUDGED, compression=True)
split = partial(of_boundaries, better="lower", percent=True)


def count_bits(lengths: Iterable[int]) -> tuple[pl.Expr, pl.Expr]:
    """Return the bits that tell how numbers of these lengths are cut, each length known, and the numbers."""
    bits, numbers = [], []
    for length in lengths:
        counts = [pl.col(column) for column in PATTERNS[length]]
        total = reduce(add, counts)
        bits += [weigh(total), *(-weigh(count) for count in counts)]
        numbers.append(total)
    return reduce(add, bits), reduce(add, numbers)


def weigh(count: pl.Expr) -> pl.Expr:
    """Return n log2 n, 0 for 0."""
    return pl.when(count > 0).then(count * count.log(2)).when(count == 0).then(0.0)


def find_entropy(lengths: Iterable[int]) -> pl.Expr:
    """Return the entropy of the cuts of numbers of these lengths, in bits per number; null without numbers."""
    bits, numbers = count_bits(lengths)
    return pl.when(numbers > 0).then(pl.max_horizontal(bits, pl.lit(0.0)) / numbers)


entropy = partial(
    of_boundaries, level="sums", unit="bits", decimals=2, better="lower", on_request=True, citation=TOKEVAL
)

BOUNDARIES = (
    split(
        "word_ends_inside",
        "word ends inside",
        "words",
        decimals=1,
        numerator=pl.col("word_ends_inside"),
        denominator=pl.col("word_ends"),
        citation=XU,
        definition="Share of words, apart from the last of each segment, whose end lies inside a token: a prompt that "
        "stops there has other tokens than the same words in running text. Words are those of the segmenter named in "
        "the signature; scripts without spaces need ICU (`--segmenter icu`).",
        other_definitions="Word starts inside a token, or words with any boundary inside one.",
    ),
    split(
        "graphemes_split",
        "graphemes split",
        "grapheme clusters",
        decimals=1,
        numerator=pl.col("graphemes_split"),
        denominator=pl.col("graphemes"),
        citation=UAX29,
        definition="Share of extended grapheme clusters (what a reader takes for one character) with a token end "
        "inside.",
        other_definitions="Of clusters of more than one code point: clusters_split. Of code points: characters_split.",
    ),
    split(
        "clusters_split",
        "clusters split",
        "grapheme clusters",
        decimals=1,
        on_request=True,
        numerator=pl.col("clusters_split"),
        denominator=pl.col("clusters"),
        citation=UAX29,
        definition="Share of extended grapheme clusters of more than one code point with a token end inside.",
        other_definitions="Of all clusters: graphemes_split.",
    ),
    split(
        "characters_split",
        "characters split",
        "characters",
        decimals=1,
        numerator=pl.col("wide_split"),
        denominator=pl.col("wide_characters"),
        citation=TOKEVAL,
        definition="Share of characters of several bytes in UTF-8 that are divided among several tokens.",
        other_definitions="Share of the tokens that are no whole characters: byte_fallback_rate.",
    ),
    *(
        split(
            f"characters_split_{width}",
            f"characters split ({width} bytes)",
            "characters",
            decimals=1,
            on_request=True,
            numerator=pl.col(f"split_{width}"),
            denominator=pl.col(f"characters_{width}"),
            citation=TOKEVAL,
            definition=f"Share of characters of {width} bytes in UTF-8 that are divided among several tokens.",
            other_definitions="Of all widths: characters_split.",
        )
        for width in (2, 3, 4)
    ),
    split(
        "tokens_crossing",
        "tokens crossing",
        "tokens",
        decimals=1,
        numerator=pl.col("tokens_crossing"),
        denominator=pl.col("judged_tokens"),
        citation=TOKEVAL,
        definition="Share of tokens with bytes of two characters or more, one of them incomplete.",
        other_definitions="Share of all tokens that are no whole characters: byte_fallback_rate.",
    ),
    of_boundaries(
        "tokens_over_words",
        "tokens over words",
        "tokens",
        decimals=1,
        percent=True,
        numerator=pl.col("tokens_over_words"),
        denominator=pl.col("judged_tokens"),
        citation=SUPERWORDS,
        definition="Share of tokens that hold parts of two words or more: superwords, which lower premiums. Words are "
        "those of the segmenter named in the signature.",
        other_definitions="Share of the vocabulary that holds a space between letters.",
    ),
    of_boundaries(
        "digits_f1",
        "digits F1",
        "ratio",
        better="higher",
        numerator=pl.col("number_f1").cast(pl.Int64),
        denominator=pl.col("numbers").cast(pl.Int64) * F1_UNIT,
        citation=f"{SINGH}; {TOKEVAL}",
        definition="Mean over runs of ASCII digits of the F1 between the token ends inside the run and the ideal ones, "
        "before every third digit from the right; 1 if neither has any, 0 if only one has.",
        other_definitions="Share of the numbers that are divided exactly so; ends from the left.",
    ),
    entropy(
        "digits_entropy",
        "digits entropy",
        expr=find_entropy(PATTERNS),
        definition="Entropy of the places at which tokens end in a number of two to four ASCII digits, given its "
        "length: 0 if all numbers of a length are cut alike. Longer runs of digits are left out.",
        other_definitions="Of one length: digits_entropy_4. Not given the length, which mixes in that of the lengths.",
    ),
    *(
        entropy(
            f"digits_entropy_{length}",
            f"digits entropy ({length} digits)",
            expr=find_entropy([length]),
            definition=f"Entropy of the places at which tokens end in a number of {length} ASCII digits, at most "
            f"{length - 1} bits.",
            other_definitions="Of two to four digits: digits_entropy.",
        )
        for length in PATTERNS
    ),
    of_boundaries(
        "tokens_per_digit",
        "tokens/digit",
        "tokens",
        decimals=2,
        numerator=pl.col("number_tokens"),
        denominator=pl.col("digits"),
        citation=SINGH,
        definition="Tokens that hold digits of a number per ASCII digit: 1 for single digits, 0.33 for groups of "
        "three. A token over two numbers counts for each.",
        other_definitions="Digits per token.",
    ),
    of_boundaries(
        "operators_isolated",
        "operators isolated",
        "operators",
        decimals=1,
        better="higher",
        percent=True,
        on_request=True,
        numerator=pl.col("operators_isolated"),
        denominator=pl.col("operators"),
        citation=TOKEVAL,
        definition="Share of the operators of code and formulas (`+`, `!=`, `->`, ...; the longest that fits, from "
        "left to right) that are a token of their own, blanks before them aside. In prose, hyphens are operators.",
        other_definitions="Without blanks in the token; by a parser: `tokbench code`.",
    ),
    of_boundaries(
        "compounds_kept",
        "compounds kept",
        "operators",
        decimals=1,
        better="higher",
        percent=True,
        on_request=True,
        numerator=pl.col("compounds_kept"),
        denominator=pl.col("compounds"),
        citation=TOKEVAL,
        definition="Share of the operators of several characters (`!=`, `>=`, `->`, ...) without a token end inside.",
        other_definitions="That are a token of their own: operators_isolated.",
    ),
)
