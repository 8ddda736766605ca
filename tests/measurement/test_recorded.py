"""Ids that somebody else made give the figures that measuring gives, and null where bytes would be needed."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import tokbench as tb

BYTES = [bytes([i]) for i in range(256)]
TEXTS = {"en": ["two words", "", "x"], "zh": ["一 二", "x", "三"]}


def encode(texts: dict[str, list[str]]) -> dict[str, list[list[int]]]:
    return {lang: [list(text.encode()) for text in column] for lang, column in texts.items()}


def test_ids_with_bytes_give_what_measuring_gives() -> None:
    corpus = tb.ParallelCorpus.from_texts(TEXTS)
    measured = tb.measure([tb.load_tokenizer("utf8")], corpus)
    recorded = tb.Measurements.from_ids(TEXTS, encode(TEXTS), BYTES, name="utf8", vocab_base=256, vocab_total=256)
    for frame in ("texts", "counts", "ids", "documents"):
        assert getattr(recorded, frame).equals(getattr(measured, frame)), frame
    assert recorded.vocab["bytes"].to_list() == BYTES


def test_without_bytes_what_needs_them_is_null() -> None:
    recorded = tb.Measurements.from_ids(TEXTS, encode(TEXTS), name="dark")
    assert recorded.counts.select("partial_tokens", "continued_words", "loss").null_count().row(0) == (4, 4, 4)
    assert recorded.counts["tokens"].to_list() == [9, 1, 7, 3]
    values = tb.evaluate(recorded, reference="en")
    null = values.filter(pl.col("lang") == "en").filter(pl.col("value").is_null())["metric"].to_list()
    assert {"byte_fallback_rate", "continued_words", "round_trip_exact", "token_bytes_p50", "utilisation"} <= set(null)
    assert not {"tokens_per_segment", "fertility", "premium", "entropy", "bytes_per_token"} & set(null)


def test_merged_with_others_it_is_compared_and_saved(tmp_path: Any) -> None:
    corpus = tb.ParallelCorpus.from_texts(TEXTS)
    recorded = tb.Measurements.from_ids(corpus, encode({lang: corpus.texts(lang) for lang in TEXTS}), name="dark")
    both = tb.measure([tb.load_tokenizer("utf8")], corpus).merge(recorded)
    result = tb.Comparison.from_measurements(both, corpus, baseline="utf8", bootstrap=tb.Bootstrap(resamples=50))
    assert result.names == ("dark", "utf8")
    assert result.by_language("nsl")["dark"].to_list() == [1.0, 1.0]
    assert result.differences.height == 3
    assert [t.decoded for t in result.tokenizers] == [False, True]
    assert "dark: losses are unknown" in result.to_markdown()
    assert result.corpus.sha256 == corpus.sha256
    result.save(tmp_path)
    assert tb.load(tmp_path).frame.equals(result.frame)
    result.report(tmp_path / "report.html")
    assert tb.Comparison.from_measurements(both).signature(long=False).split("|")[4] == "corp:texts"
    with pytest.raises(tb.TokbenchError, match="give the corpus that was measured"):
        tb.Comparison.from_measurements(both, tb.load_corpus(languages=["en"], segments=2))
    with pytest.raises(tb.TokbenchError, match="'gpt2' was not measured; measured: dark, utf8"):
        tb.Comparison.from_measurements(both, baseline="gpt2")


def test_one_language_needs_no_dictionary() -> None:
    recorded = tb.Measurements.from_ids(["a b", "c"], [[1, 2], [1]], {1: b"a", 2: b" b"}, name="x", lang="en", unk_id=2)
    assert recorded.counts["loss"].to_list() == [0, 3]
    assert recorded.counts["unk_tokens"].to_list() == [1, 0]
    assert recorded.counts["unk_chars"].to_list() == [None, 0]


def test_a_prefix_is_no_loss() -> None:
    table = {1: b" a"}
    assert tb.Measurements.from_ids(["a"], [[1]], table, name="x").counts["loss"].to_list() == [2]
    assert tb.Measurements.from_ids(["a"], [[1]], table, name="x", prefix=b" ").counts["loss"].to_list() == [0]


@pytest.mark.parametrize(
    ("ids", "token_bytes", "message"),
    [
        ([[1]], None, "en has 2 texts and ids for 1"),
        ({"de": [[1], [2]]}, None, "ids are given for de, texts for en"),
        ([[1], ["a"]], None, "the ids of text 1 of en are no flat list of whole numbers"),
        ([[1], [[2]]], None, "the ids of text 1 of en are no flat list of whole numbers"),
        ([[1], [-2]], None, "the ids of text 1 of en are not all from 0 to 16,777,215"),
        ([[1], [1 << 24]], None, "the ids of text 1 of en are not all from 0 to 16,777,215"),
        ([[1], [2]], [b"a", b"b"], "the id 2 occurs, but bytes are given for 2 tokens only"),
        ([[1], [2]], {1: "a"}, "the token 1 is 'a', not bytes"),
    ],
)
def test_what_does_not_fit_is_named(ids: Any, token_bytes: Any, message: str) -> None:
    with pytest.raises(tb.TokbenchError) as caught:
        tb.Measurements.from_ids(["a", "b"], ids, token_bytes, name="x", lang="en")
    assert str(caught.value).startswith(message)
