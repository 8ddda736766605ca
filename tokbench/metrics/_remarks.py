"""What is to be known of a metric beside its definition: edge cases, and what else goes by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Remark:
    """edges: what happens at the edges. elsewhere: how other definitions of the name differ."""

    edge_cases: str
    other_definitions: str


SUMS = "Null where the denominator is 0; empty segments count as segments and add nothing to sums."
MEANS = "Often the mean of each segment's ratio, which gives short segments the weight of long ones."
WORDS = "Null for languages that the word segmenter does not fit; text without words adds its tokens."
ALIGNED = "1 for the reference itself; null without a reference; a segment empty in one language is dropped in all."
HISTOGRAM = "Null where the text gives no token; special tokens never occur, since none are added."
SPREAD = "Null of one language. Over all languages of the corpus: another set of languages is another number."
LOSSES = "A tokenizer with one lossy segment in a language is not ranked on compression in it."
LENGTHS = Remark(
    "Null where no token stands for text. The lower of two middle values for an even number. No interval: the "
    "jackknife does not hold for quantiles.",
    "Often of the vocabulary, each entry once, instead of the tokens that a text gives.",
)
JACKKNIFE = (
    "Interval: the jackknife over 16 blocks of whole documents (segments where none are named), of the value to be "
    "expected of a text of this size; null for fewer than two blocks."
)
RAREFIED = "Null for texts of fewer tokens. Exact, without drawing: the expectation over all draws."
COSTLY = "No interval: it would take the sum over all possible draws once more for each block that is left out."
GROWS = "Elsewhere printed without the size of the text, on which it depends more than on the tokenizer."
FACT = "Null where the catalogue does not know it."
SIZES = "Four sizes go by this name: model vocabulary, with added tokens, highest id + 1, rows of the embedding matrix."

REMARKS: Mapping[str, Remark] = MappingProxyType(
    {
        "tokens_per_segment": Remark(SUMS, "The 'average token length' of older tables; some add special tokens."),
        "bytes_per_token": Remark(SUMS, f"Also called compression ratio, or its inverse. {MEANS}"),
        "chars_per_token": Remark(SUMS, f"Some count code units of UTF-16 or grapheme clusters as characters. {MEANS}"),
        "tokens_per_char": Remark(SUMS, MEANS),
        "fertility": Remark(
            WORDS,
            "Words encoded one by one (no space before them: 17 % higher for GPT-NeoX on English), means of segments' "
            "ratios, and other segmenters. `tokbench explain fertility --variants` recomputes them.",
        ),
        "continued_words": Remark(
            f"{WORDS} A token across two words counts for both. Null where neither bytes nor offsets tell boundaries.",
            "Words encoded one by one: nearly twice as many are split when no space stands before them. "
            "`tokbench explain continued_words --variants` recomputes them.",
        ),
        "nsl": Remark(
            "1 for the baseline; null without one.",
            "In the source the mean over segments of ratios; against LLaMA there, against any baseline here.",
        ),
        "bits_per_byte_coded": Remark(SUMS, "Not the bits per byte of a language model, which are its loss."),
        "bits_per_byte_entropy": Remark(
            f"{HISTOGRAM} {JACKKNIFE}",
            "Not the bits per byte of a language model: ids are taken as independent of each other.",
        ),
        "effective_context": Remark(
            f"{SUMS} Null where the catalogue knows no context window.", "Often in words, by a fixed rule of thumb."
        ),
        "effective_context_reference": Remark(
            f"{ALIGNED} Null where the catalogue knows no context window.",
            "Often the window is given in tokens as if they were the same text in every language.",
        ),
        "premium": Remark(
            ALIGNED,
            "Also called parity. Mean or median of segments' ratios, special tokens counted, lines joined to one "
            "text: `tokbench explain premium --variants` recomputes them.",
        ),
        "utf8_premium": Remark(ALIGNED, "Also called byte premium."),
        "tokenizer_premium": Remark(ALIGNED, "Often the whole premium is put down to the tokenizer."),
        "unk_rate": Remark(
            "0 for tokenizers without an unknown token.",
            "Characters, words or differences of string lengths instead of tokens: one id may hide a clause.",
        ),
        "unk_char_rate": Remark(
            "0 for tokenizers without an unknown token; null where the engine gives no offsets.",
            "By the difference in length of what is decoded, which normalisation changes too.",
        ),
        "byte_fallback_rate": Remark(SUMS, "Only <0xE4> pieces, which byte-level vocabularies never have."),
        "round_trip_exact": Remark(LOSSES, "With special tokens skipped or spaces cleaned up when decoding."),
        "round_trip_nfc": Remark(LOSSES, "Counted as exact by tools that normalise before comparing."),
        "round_trip_whitespace": Remark(LOSSES, "Counted as exact by tools that strip before comparing."),
        "premium_median": Remark(SPREAD, "The mean, which one language with a premium of 15 governs."),
        "premium_worst": Remark(SPREAD, "With the corpus's own choice of languages, rarely said."),
        "premium_worst_five": Remark(
            "Null for fewer than five languages beside the reference.", "The single worst language."
        ),
        "length_spread": Remark(SPREAD, "Against English instead of the cheapest language."),
        "gini": Remark(
            SPREAD,
            "Costs per byte or per character instead of per parallel segment: 0.136, 0.337 and 0.317 for GPT-NeoX on "
            "FLORES-200. `tokbench explain gini --variants` recomputes them.",
        ),
        "gini_normalised": Remark(SPREAD, "Printed as the Gini coefficient, without a word on the factor."),
        "entropy": Remark(
            f"{HISTOGRAM} 0 for one type. Too low for short texts: see entropy_miller_madow. {JACKKNIFE} The bias of a "
            "short text is in the value and in the interval alike.",
            "In nats.",
        ),
        "entropy_miller_madow": Remark(
            f"{HISTOGRAM} {JACKKNIFE} The correction is part of the value; what bias it leaves stays in the interval.",
            "Other corrections: Chao-Shen, Grassberger, jackknife.",
        ),
        **{f"entropy_at_{size}": Remark(f"{RAREFIED} {COSTLY}", GROWS) for size in ("10k", "100k")},
        "renyi_efficiency": Remark(
            f"{HISTOGRAM} 0 for one type. {JACKKNIFE}",
            "Over log2 of the types that occur, other orders: `tokbench explain renyi_efficiency --variants`.",
        ),
        "renyi_efficiency_observed": Remark(
            f"Null for one type. {JACKKNIFE}", "Under the same name as the one over the vocabulary's size."
        ),
        "utilisation": Remark(f"{HISTOGRAM} {JACKKNIFE}", f"Over V_total or the rows of the embedding. {GROWS}"),
        **{f"utilisation_at_{size}": Remark(f"{RAREFIED} {JACKKNIFE}", GROWS) for size in ("10k", "100k")},
        "type_token_ratio": Remark(f"{HISTOGRAM} {JACKKNIFE}", f"Of words in linguistics. {GROWS}"),
        **{f"token_bytes_{label}": LENGTHS for label in ("p50", "p90", "p99", "max")},
        **{f"token_chars_{label}": LENGTHS for label in ("p50", "p90", "p99", "max")},
        "strr_bare": Remark(WORDS, "Of a list of common words instead of the types of a text."),
        "strr_spaced": Remark(WORDS, "Without the space, which makes another string of the word."),
        "vocab_base": Remark(FACT, SIZES),
        "vocab_total": Remark(FACT, SIZES),
        "vocab_rows": Remark(FACT, SIZES),
        "throughput": Remark(
            "Null for corpora too small to give each round its own text.",
            "In tokens per second, which rewards bad tokenizers, or of an engine as if of a tokenizer.",
        ),
    }
)
"""Every metric has one; a test holds it."""
