"""Measurements written by hand."""

from __future__ import annotations

import polars as pl

from tokbench.measurement import Measurements

TOKENS = [b"ab", "\u00e9".encode(), b"\xe4", b"abcd"]


def make_measurements(tokens: dict[str, dict[str, list[int]]], ids: dict[str, list[int]] | None = None) -> Measurements:
    """Measurements of given token counts: tokenizer -> language -> tokens a segment; texts of 10 bytes, 5 words."""
    names = sorted(tokens)
    langs = sorted({lang for by_lang in tokens.values() for lang in by_lang})
    name_type, lang_type = pl.Enum(names), pl.Enum(langs)
    counts = [
        {"tokenizer": name, "lang": lang, "segment": i, "tokens": n, "partial_tokens": n // 2, "unk_tokens": 0,
         "unk_chars": 0, "continued_words": min(n, 5), "loss": i % 4}
        for name, by_lang in tokens.items() for lang, values in by_lang.items() for i, n in enumerate(values)
    ]  # fmt: skip
    segments = len(next(iter(next(iter(tokens.values())).values())))
    texts = [
        {"lang": lang, "segment": i, "bytes": 10, "chars": 8, "words": None if lang == "zh" else 5}
        for lang in langs for i in range(segments)
    ]  # fmt: skip
    histogram = [
        {"tokenizer": name, "lang": lang, "block": 0, "id": i, "count": count}
        for name in names for lang in langs for i, count in enumerate((ids or {}).get(lang, [1]))
    ]  # fmt: skip
    facts = {"engine": "e", "path": "p", "sha256": "0", "vocab_base": 16, "vocab_total": 20, "vocab_rows": 32}
    return Measurements(
        texts=pl.DataFrame(texts, schema_overrides={"lang": lang_type, "words": pl.Int32}),
        counts=pl.DataFrame(counts, schema_overrides={"tokenizer": name_type, "lang": lang_type}),
        ids=pl.DataFrame(histogram, schema_overrides={"tokenizer": name_type, "lang": lang_type, "block": pl.UInt8}),
        vocab=pl.DataFrame(
            [{"tokenizer": name, "id": i, "bytes": token} for name in names for i, token in enumerate(TOKENS)],
            schema={"tokenizer": name_type, "id": pl.Int64, "bytes": pl.Binary},
        ),
        documents=pl.DataFrame(schema={"segment": pl.UInt32, "document": pl.String}),
        tokenizers=pl.DataFrame(
            [{"tokenizer": name, **facts, "context_window": 100, "unk_id": None} for name in names],
            schema_overrides={"tokenizer": name_type},
        ),
    )
