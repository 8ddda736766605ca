"""Remarks on each metric: edge cases, and other definitions of the name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Remark:
    """Notes on a metric beside its definition.

    edge_cases: what happens at the edges.
    other_definitions: how other definitions of the name differ.
    """

    edge_cases: str
    other_definitions: str


SUMS = "Null if the denominator is 0; empty segments count as segments and add nothing to sums."
MEANS = "Often the mean of each segment's ratio, which gives short segments the weight of long ones."
WORDS = "Null for languages that the word segmenter does not support; text without words still contributes its tokens."
ALIGNED = "1 for the reference itself; null without a reference; a segment empty in one language is dropped from all."
HISTOGRAM = "Null if the text yields no token; special tokens never occur, since none are added."
SPREAD = "Null for a single language. Depends on the set of languages: values over different sets are not comparable."
LOSSES = "A tokenizer with even one lossy segment in a language is not ranked on compression in that language."
LENGTHS = Remark(
    "Null if no token represents text. For an even count, the lower of the two middle values. No interval: the "
    "jackknife is not valid for quantiles.",
    "Often computed over the vocabulary, each entry once, instead of over the tokens of a text.",
)
JACKKNIFE = (
    "Interval: jackknife over 16 blocks of whole documents (of segments if the corpus names no documents), for the "
    "expected value of a text of this size; null for fewer than two blocks."
)
RAREFIED = "Null for texts with fewer tokens. Exact: the expectation over all samples, without sampling."
COSTLY = "No interval: each left-out block would need the sum over all possible samples again."
GROWS = "Often published without the size of the text, on which it depends more than on the tokenizer."
FACT = "Null if the catalogue does not know it."
SIZES = (
    "Four sizes go by this name: the model vocabulary, the vocabulary with added tokens, the highest id + 1, and the "
    "rows of the embedding matrix."
)

REMARKS: Mapping[str, Remark] = MappingProxyType(
    {
        "tokens_per_segment": Remark(SUMS, "The 'average token length' of older tables; some count special tokens."),
        "bytes_per_token": Remark(SUMS, f"Also called compression ratio, or its inverse. {MEANS}"),
        "chars_per_token": Remark(SUMS, f"Some count UTF-16 code units or grapheme clusters as characters. {MEANS}"),
        "tokens_per_char": Remark(SUMS, MEANS),
        "fertility": Remark(
            WORDS,
            "Words encoded in isolation (without a leading space: 17 % higher for GPT-NeoX on English), means of "
            "per-segment ratios, and other segmenters. `tokbench explain fertility --variants` recomputes them.",
        ),
        "continued_words": Remark(
            f"{WORDS} A token that spans two words counts for both. Null if neither bytes nor offsets give the token "
            "boundaries.",
            "Words encoded in isolation: without a leading space nearly twice as many are split. "
            "`tokbench explain continued_words --variants` recomputes them.",
        ),
        "nsl": Remark(
            "1 for the baseline; null without one.",
            "The source takes the mean of per-segment ratios, relative to LLaMA; here the baseline is any tokenizer.",
        ),
        "bits_per_byte_coded": Remark(SUMS, "Not the bits per byte of a language model, which measure its loss."),
        "bits_per_byte_entropy": Remark(
            f"{HISTOGRAM} {JACKKNIFE}",
            "Not the bits per byte of a language model: ids are treated as independent of each other.",
        ),
        "effective_context": Remark(
            f"{SUMS} Null if the catalogue knows no context window.",
            "Often given in words, by a fixed rule of thumb.",
        ),
        "effective_context_reference": Remark(
            f"{ALIGNED} Null if the catalogue knows no context window.",
            "The window is often given in tokens, as if they held the same amount of text in every language.",
        ),
        "premium": Remark(
            ALIGNED,
            "Also called parity. Variants: mean or median of per-segment ratios, special tokens counted, lines joined "
            "to one text. `tokbench explain premium --variants` recomputes them.",
        ),
        "utf8_premium": Remark(ALIGNED, "Also called byte premium."),
        "tokenizer_premium": Remark(ALIGNED, "Often the whole premium is attributed to the tokenizer."),
        "unk_rate": Remark(
            "0 for tokenizers without an unknown token.",
            "Characters, words or differences of string lengths instead of tokens: one id may stand for a clause.",
        ),
        "unk_char_rate": Remark(
            "0 for tokenizers without an unknown token; null if the engine reports no offsets.",
            "By the difference in length between input and decoded text, which normalisation changes too.",
        ),
        "byte_fallback_rate": Remark(SUMS, "Only <0xE4> tokens, which byte-level vocabularies never have."),
        "round_trip_exact": Remark(LOSSES, "With special tokens skipped or spaces cleaned up in decoding."),
        "round_trip_nfc": Remark(LOSSES, "Counted as exact by tools that normalise before comparing."),
        "round_trip_whitespace": Remark(LOSSES, "Counted as exact by tools that strip before comparing."),
        "premium_median": Remark(SPREAD, "The mean, which a single language with a premium of 15 dominates."),
        "premium_worst": Remark(SPREAD, "Depends on the languages of the corpus, which is rarely stated."),
        "premium_worst_five": Remark(
            "Null for fewer than five languages other than the reference.", "The single worst language."
        ),
        "length_spread": Remark(SPREAD, "Relative to English instead of the cheapest language."),
        "gini": Remark(
            SPREAD,
            "Tokens per byte or per character instead of per parallel segment: 0.136, 0.337 and 0.317 for GPT-NeoX on "
            "FLORES-200. `tokbench explain gini --variants` recomputes them.",
        ),
        "gini_normalised": Remark(SPREAD, "Published as the Gini coefficient, without mention of the factor."),
        "entropy": Remark(
            f"{HISTOGRAM} 0 for one type. Biased low for short texts: see entropy_miller_madow. {JACKKNIFE} The bias "
            "affects the value and the interval alike.",
            "In nats.",
        ),
        "entropy_miller_madow": Remark(
            f"{HISTOGRAM} {JACKKNIFE} The correction is part of the value; any remaining bias is in the interval too.",
            "Other corrections: Chao-Shen, Grassberger, jackknife.",
        ),
        **{f"entropy_at_{size}": Remark(f"{RAREFIED} {COSTLY}", GROWS) for size in ("10k", "100k")},
        "renyi_efficiency": Remark(
            f"{HISTOGRAM} 0 for one type. {JACKKNIFE}",
            "Over log2 of the types that occur, or of other orders: `tokbench explain renyi_efficiency --variants`.",
        ),
        "renyi_efficiency_observed": Remark(
            f"Null for one type. {JACKKNIFE}", "Goes by the same name as the efficiency over the vocabulary size."
        ),
        "utilisation": Remark(f"{HISTOGRAM} {JACKKNIFE}", f"Over V_total or the rows of the embedding matrix. {GROWS}"),
        **{f"utilisation_at_{size}": Remark(f"{RAREFIED} {JACKKNIFE}", GROWS) for size in ("10k", "100k")},
        "type_token_ratio": Remark(f"{HISTOGRAM} {JACKKNIFE}", f"In linguistics, of words. {GROWS}"),
        **{f"token_bytes_{label}": LENGTHS for label in ("p50", "p90", "p99", "max")},
        **{f"token_chars_{label}": LENGTHS for label in ("p50", "p90", "p99", "max")},
        "strr_bare": Remark(WORDS, "Over a list of common words instead of the word types of a text."),
        "strr_spaced": Remark(WORDS, "Without the space, which makes it a different string."),
        "vocab_base": Remark(FACT, SIZES),
        "vocab_total": Remark(FACT, SIZES),
        "vocab_rows": Remark(FACT, SIZES),
        "throughput": Remark(
            "Null for corpora too small to give each round a text of its own.",
            "Tokens per second, which rewards bad tokenizers; or the speed of an engine taken for that of a tokenizer.",
        ),
    }
)
"""Remarks by metric; a test checks that every metric has one."""
