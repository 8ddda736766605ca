"""Metrics that are ratios of sums over segments."""

from __future__ import annotations

from functools import partial, reduce
from operator import add

import polars as pl

from tokbench.measurement.round_trip import Loss
from tokbench.metrics._metric import Metric

tokens, chars, size, words = pl.col("tokens"), pl.col("chars"), pl.col("bytes"), pl.col("words")
segments = pl.col("segments")

PETROV = "Petrov et al. 2023, arXiv 2305.15425"
RUST = "Rust et al. 2021, ACL, arXiv 2012.15613"
DAGAN = "Dagan et al. 2024, arXiv 2402.01035"

SUMS = "Null if the denominator is 0; empty segments count as segments and add nothing to sums."
MEANS = "Often the mean of each segment's ratio, which gives short segments the weight of long ones."
WORDS = "Null for languages that the word segmenter does not support; text without words still contributes its tokens."
ALIGNED = "1 for the reference itself; null without a reference; a segment empty in one language is dropped from all."
LOSSES = "A tokenizer with even one lossy segment in a language is not ranked on compression in that language."


def count_returned(worst: Loss) -> pl.Expr:
    """Return the number of segments that lose at most this much."""
    return reduce(add, (pl.col(loss.name.lower()).cast(pl.Int64) for loss in Loss if loss <= worst))


summed = partial(Metric, level="segments")
sized = partial(summed, better="lower", compression=True)
share = partial(summed, better="lower", percent=True)

ROUND_TRIPS = (
    (
        *("round_trip_exact", "round trip", Loss.EXACT),
        "Share of segments that decode(encode(x)) gives back exactly.",
        "With special tokens skipped or spaces cleaned up in decoding.",
    ),
    (
        *("round_trip_nfc", "round trip NFC", Loss.NFC),
        "Share of segments that come back equal after Unicode normalisation form C.",
        "Counted as exact by tools that normalise before comparing.",
    ),
    (
        *("round_trip_whitespace", "round trip whitespace", Loss.WHITESPACE),
        "Share of segments that come back equal after NFC and collapsing of white space; the others are lossy, and a "
        "tokenizer that has any is not ranked on compression.",
        "Counted as exact by tools that strip before comparing.",
    ),
)

RATIOS = (
    sized(
        "tokens_per_segment",
        "tokens/segment",
        "tokens",
        decimals=1,
        numerator=tokens,
        denominator=segments,
        definition="Tokens per segment of the corpus, without special tokens: sum t / n.",
        edge_cases=SUMS,
        other_definitions="The 'average token length' of older tables; some count special tokens.",
    ),
    sized(
        "tokens_per_segment_with_special",
        "with special",
        "tokens",
        decimals=1,
        on_request=True,
        numerator=tokens,
        denominator=segments,
        offset=pl.col("special_added"),
        definition="Tokens per segment with the special tokens that the tokenizer's own files add to each text: by the "
        "post-processor of its tokenizer.json, or add_bos_token and add_eos_token.",
        edge_cases="Null where no file says what is added.",
        other_definitions="Without special tokens: tokens_per_segment. With a chat template: `tokbench requests`.",
    ),
    sized(
        "bytes_per_token",
        "bytes/token",
        "bytes",
        decimals=2,
        better="higher",
        numerator=size,
        denominator=tokens,
        definition="UTF-8 bytes per token: sum b / sum t. Not comparable between scripts: "
        "a Chinese character has three bytes, a Latin letter one.",
        edge_cases=SUMS,
        other_definitions=f"Also called compression ratio, or its inverse. {MEANS}",
    ),
    sized(
        "chars_per_token",
        "chars/token",
        "characters",
        decimals=2,
        better="higher",
        numerator=chars,
        denominator=tokens,
        definition="Unicode characters per token: sum c / sum t. Not comparable between scripts.",
        edge_cases=SUMS,
        other_definitions=f"Some count UTF-16 code units or grapheme clusters as characters. {MEANS}",
    ),
    sized(
        "tokens_per_char",
        "tokens/char",
        "tokens",
        numerator=tokens,
        denominator=chars,
        definition="Tokens per Unicode character: sum t / sum c.",
        edge_cases=SUMS,
        other_definitions=MEANS,
    ),
    sized(
        "fertility",
        "fertility",
        "tokens/word",
        decimals=2,
        numerator=pl.when(words.is_not_null()).then(tokens),
        denominator=words,
        citation=RUST,
        definition="Tokens per word in running text: sum t / sum w. Words are those of the segmenter named in the "
        "signature; null where it does not apply (scripts without spaces).",
        edge_cases=WORDS,
        other_definitions="Words encoded in isolation (without a leading space: 17 % higher for GPT-NeoX on English), "
        "means of "
        "per-segment ratios, and other segmenters. `tokbench explain fertility --variants` recomputes them.",
    ),
    sized(
        "continued_words",
        "continued words",
        "words",
        decimals=1,
        percent=True,
        numerator=pl.col("continued_words"),
        denominator=pl.col("continued_known_words"),
        cases=pl.col("continued_known_segments"),
        citation=RUST,
        definition="Share of words in running text whose span covers more than one token.",
        edge_cases=f"{WORDS} A token that spans two words counts for both. Null if neither bytes nor offsets give the "
        "token "
        "boundaries.",
        other_definitions="Words encoded in isolation: without a leading space nearly twice as many are split. "
        "`tokbench explain continued_words --variants` recomputes them.",
    ),
    sized(
        "nsl",
        "NSL",
        "ratio",
        relative_to="baseline",
        numerator=tokens,
        denominator=segments,
        citation=DAGAN,
        definition="Normalised sequence length: sum t over sum t of the baseline tokenizer on the same text.",
        edge_cases="1 for the baseline; null without one.",
        other_definitions="The source takes the mean of per-segment ratios, relative to LLaMA; here the baseline is "
        "any tokenizer.",
    ),
    sized(
        "bits_per_byte_coded",
        "coded bits/byte",
        "bits",
        decimals=2,
        numerator=tokens,
        denominator=size,
        factor=pl.col("vocab_total").log(2).ceil(),
        definition="Bits needed to store the ids at fixed width, per byte of text: sum t * ceil(log2 V_total) / sum b.",
        edge_cases=SUMS,
        other_definitions="Not the bits per byte of a language model, which measure its loss.",
    ),
    sized(
        "effective_context",
        "effective context",
        "characters",
        decimals=0,
        better="higher",
        numerator=chars,
        denominator=tokens,
        factor=pl.col("context_window"),
        definition="Characters of text that fit the model's context window: window * sum c / sum t.",
        edge_cases=f"{SUMS} Null if the catalogue knows no context window.",
        other_definitions="Often given in words, by a fixed rule of thumb.",
    ),
    sized(
        "effective_context_reference",
        "context, ref. tokens",
        "tokens",
        decimals=0,
        better="higher",
        relative_to="reference",
        numerator=segments,
        denominator=tokens,
        factor=pl.col("context_window"),
        citation=PETROV,
        definition="The model's context window in tokens of the reference language: window / premium, that is, the "
        "length of a reference text whose translation fills the window.",
        edge_cases=f"{ALIGNED} Null if the catalogue knows no context window.",
        other_definitions="The window is often given in tokens, as if they held the same amount of text in every "
        "language.",
    ),
    sized(
        "premium",
        "premium",
        "ratio",
        relative_to="reference",
        numerator=tokens,
        denominator=segments,
        citation=PETROV,
        definition="Tokens in a language over tokens in the reference language for the same aligned segments: "
        "sum t(A) / sum t(B).",
        edge_cases=ALIGNED,
        other_definitions="Also called parity. Variants: mean or median of per-segment ratios, special tokens "
        "counted, lines joined "
        "to one text. `tokbench explain premium --variants` recomputes them.",
    ),
    summed(
        "utf8_premium",
        "UTF-8 premium",
        "ratio",
        relative_to="reference",
        numerator=size,
        denominator=segments,
        citation=PETROV,
        definition="The part of the premium due to the UTF-8 encoding: bytes(A) / bytes(B). "
        "premium = utf8_premium * tokenizer_premium.",
        edge_cases=ALIGNED,
        other_definitions="Also called byte premium.",
    ),
    summed(
        "tokenizer_premium",
        "tokenizer premium",
        "ratio",
        better="lower",
        relative_to="reference",
        numerator=tokens,
        denominator=size,
        citation=PETROV,
        definition="The part of the premium due to the tokenizer: bytes per token of B / bytes per token of A.",
        edge_cases=ALIGNED,
        other_definitions="Often the whole premium is attributed to the tokenizer.",
    ),
    share(
        "unk_rate",
        "UNK",
        "tokens",
        numerator=pl.col("unk_tokens"),
        denominator=pl.when(pl.col("unk_tokens").is_not_null()).then(tokens),
        definition="Share of tokens that are the unknown token.",
        edge_cases="0 for tokenizers without an unknown token; null for counts without ids.",
        other_definitions="Characters, words or differences of string lengths instead of tokens: one id may stand for "
        "a clause.",
    ),
    share(
        "unk_char_rate",
        "UNK chars",
        "characters",
        numerator=pl.col("unk_chars"),
        denominator=pl.col("unk_known_chars"),
        cases=pl.col("unk_known_segments"),
        definition="Share of characters covered by unknown tokens, by the offsets that the engine reports.",
        edge_cases="0 for tokenizers without an unknown token; null if the engine reports no offsets.",
        other_definitions="By the difference in length between input and decoded text, which normalisation changes "
        "too.",
    ),
    share(
        "byte_fallback_rate",
        "byte fallback",
        "tokens",
        numerator=pl.col("partial_tokens"),
        denominator=pl.when(pl.col("partial_tokens").is_not_null()).then(tokens),
        definition="Share of tokens that are not whole characters: byte pieces such as <0xE4> and byte-level parts.",
        edge_cases=SUMS,
        other_definitions="Only <0xE4> tokens, which byte-level vocabularies never have.",
    ),
    *(
        summed(
            name,
            title,
            "segments",
            better="higher",
            percent=True,
            numerator=count_returned(most),
            denominator=count_returned(Loss.LOSSY),
            definition=definition,
            edge_cases=LOSSES,
            other_definitions=other_definitions,
        )
        for name, title, most, definition, other_definitions in ROUND_TRIPS
    ),
)
