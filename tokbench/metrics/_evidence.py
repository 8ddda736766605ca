"""What is known of each metric's relation to the quality of models trained with a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

NONE = "None known."

_LENGTH = (
    "Mixed. For: shorter texts went with better results in translation (Galle 2019, EMNLP) and in English generation, "
    "mostly for small models (Goldman et al. 2024, arXiv 2403.06265). Against: 64 models of 350M to 2.4B show no "
    "relation (Schmidt et al. 2024, arXiv 2402.18376)."
)
_FERTILITY = (
    "Mixed. For: monolingual models gain most where the multilingual tokenizer splits most (Rust et al. 2021, arXiv "
    "2012.15613). Against: in 24 models of 2.6B, fertility does not always tell which does better (Ali et al. 2023, "
    "arXiv 2310.08754)."
)
_PREMIUM = (
    "None for quality. For cost and latency it is an identity: time and price are per token (Petrov et al. 2023, arXiv "
    "2305.15425; Ahia et al. 2023, arXiv 2305.13707)."
)
_RENYI = (
    "Mixed. For: correlates with BLEU of translation models (0.78; Zouhar et al. 2023, arXiv 2306.16842). Against: "
    "vocabularies can be made that raise it and lower BLEU (Cognetta et al. 2024, arXiv 2402.14614)."
)
_ENTROPY = "Weak: correlates less with BLEU than Renyi efficiency (Zouhar et al. 2023, arXiv 2306.16842)."
_LOSS = "None as a correlation. What a tokenizer loses, no model can give back."
_RANKS = (
    "Some: measures of this kind are compared with the quality of models across sizes and languages in arXiv "
    "2506.03101, and percentile frequency with BLEU in Zouhar et al. 2023, arXiv 2306.16842."
)
_SINGLE_TOKENS = (
    "Little: proposed as a fairness measure (Nayeem et al. 2025, arXiv 2510.09947); evidence is published for the "
    "variant over running words only (Chiu 2026)."
)
_VOCABULARY = (
    "Larger models deserve larger vocabularies (Tao et al. 2024, arXiv 2407.13623); it says nothing of two tokenizers "
    "of one size."
)

_WORD_ENDS = (
    "Some: what models do with prompts that end inside a token of the full text is the subject of Xu et al. 2026, "
    "arXiv 2601.23223."
)
_SUPERWORDS = (
    "Some: vocabularies with tokens over words trained better models of 8B at equal size and compute (Liu et al. 2025, "
    "arXiv 2503.13423)."
)
_DIGITS = (
    "Some: models add numbers better with groups of three digits from the right than from the left (Singh & Strouse "
    "2024, arXiv 2402.14903)."
)

EVIDENCE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                "tokens_per_segment",
                "tokens_per_segment_with_special",
                "bytes_per_token",
                "chars_per_token",
                "tokens_per_char",
                "nsl",
            ),
            _LENGTH,
        ),
        **dict.fromkeys(("fertility", "continued_words"), _FERTILITY),
        **dict.fromkeys(
            (
                *("premium", "utf8_premium", "tokenizer_premium", "premium_median", "premium_worst"),
                *("premium_worst_five", "gini", "gini_normalised", "length_spread"),
            ),
            _PREMIUM,
        ),
        **dict.fromkeys(("renyi_efficiency", "renyi_efficiency_observed"), _RENYI),
        **dict.fromkeys(
            (
                *("entropy", "entropy_miller_madow", "entropy_at_10k", "entropy_at_100k", "bits_per_byte_entropy"),
                "bits_per_byte_coded",
            ),
            _ENTROPY,
        ),
        **dict.fromkeys(
            ("unk_rate", "unk_char_rate", "round_trip_exact", "round_trip_nfc", "round_trip_whitespace"), _LOSS
        ),
        **dict.fromkeys(
            ("percentile_frequency", "mean_rank", "zipf_slope", "zipf_deviation", "zipf_area"),
            _RANKS,
        ),
        **dict.fromkeys(("strr_bare", "strr_spaced"), _SINGLE_TOKENS),
        **dict.fromkeys(("vocab_base", "vocab_total", "vocab_rows"), _VOCABULARY),
        "word_ends_inside": _WORD_ENDS,
        "tokens_over_words": _SUPERWORDS,
        **dict.fromkeys(("digits_f1", "tokens_per_digit"), _DIGITS),
        **dict.fromkeys(("digits_entropy", "digits_entropy_2", "digits_entropy_3", "digits_entropy_4"), NONE),
        **dict.fromkeys(
            (
                *("graphemes_split", "clusters_split", "characters_split", "tokens_crossing"),
                *(f"characters_split_{width}" for width in (2, 3, 4)),
                *("operators_isolated", "compounds_kept"),
                *("effective_context", "effective_context_reference", "byte_fallback_rate", "utilisation"),
                *("utilisation_at_10k", "utilisation_at_100k", "type_token_ratio", "throughput"),
                *(f"token_{unit}_{part}" for unit in ("bytes", "chars") for part in ("p50", "p90", "p99", "max")),
            ),
            NONE,
        ),
    }
)
"""By name of the metric; every built-in one has an entry."""
