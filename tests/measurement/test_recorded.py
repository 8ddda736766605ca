"""Ids that somebody else made give the figures that measuring gives, and null where bytes would be needed."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

import tokbench as tb
from tokbench.adapters import EncodedBatch, TokenTable
from tokbench.catalog.sources import Asset
from tokbench.measurement.recorded import RecordedTokenizer, check_ids

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


def test_texts_that_are_excluded_may_have_ids_or_none() -> None:
    """Of three texts the second is empty and excluded: ids are given for all three, or for the two in use."""
    for ids in ([[1], [9, 9], [2, 2]], [[1], [2, 2]]):
        recorded = tb.Measurements.from_ids(["a", " ", "bb"], ids, name="x", lang="en")
        assert recorded.counts.select("segment", "tokens").rows() == [(0, 1), (2, 2)]
        assert recorded.ids["id"].to_list() == [1, 2]
    with pytest.raises(tb.TokbenchError, match="en has 3 texts and ids for 4"):
        tb.Measurements.from_ids(["a", " ", "bb"], [[1]] * 4, name="x", lang="en")


def test_ids_are_from_nought_to_sixteen_million() -> None:
    for ids in ([0], [(1 << 24) - 1], [0, (1 << 24) - 1], []):
        assert check_ids(ids, "text 0 of en").tolist() == ids
    assert tb.Measurements.from_ids(["a"], [[0]], name="x").texts["lang"].to_list() == ["und"]


def test_a_text_may_have_no_ids() -> None:
    recorded = tb.Measurements.from_ids(["a", "b"], [[], [1]], [b"x", b"b"], name="x")
    assert recorded.counts.select("tokens", "loss").rows() == [(0, 3), (1, 0)]
    nothing = tb.Measurements.from_ids(["a", "b"], [[], []], name="x")
    assert nothing.counts["tokens"].to_list() == [0, 0]
    assert (nothing.ids.height, nothing.vocab.height) == (0, 0)
    values = tb.evaluate(nothing)
    assert values.filter(pl.col("metric").is_in(["entropy", "token_bytes_p50", "bytes_per_token"]))[
        "value"
    ].to_list() == ([None] * 6)
    assert values.filter(pl.col("metric") == "tokens_per_segment")["value"].to_list() == [0.0, 0.0]


def test_the_vocabulary_reaches_to_the_highest_id_or_name() -> None:
    texts, ids = ["a", "b"], [[0], [3]]
    sizes = {
        "no bytes": (None, 4),
        "a list": ([b"a", b"b", b"c", b"d", b"e"], 5),
        "names of some": ({0: b"a"}, 4),
        "a name above": ({0: b"a", 9: b"z"}, 10),
        "names of none": ({}, 4),
    }
    for case, (token_bytes, size) in sizes.items():
        recorded = tb.Measurements.from_ids(texts, ids, token_bytes, name="x")
        assert recorded.vocab.height == size, case
    exact = tb.Measurements.from_ids(texts, ids, [b"a", None, None, b"b"], name="x")
    assert exact.vocab["bytes"].to_list() == [b"a", None, None, b"b"]
    with pytest.raises(tb.TokbenchError, match="the id 3 occurs, but bytes are given for 3 tokens only"):
        tb.Measurements.from_ids(texts, ids, [b"a", None, None], name="x")


def test_facts_are_those_that_were_given() -> None:
    facts = {"vocab_base": 5, "vocab_total": 6, "vocab_rows": 7, "context_window": 8, "unk_id": 1}
    row = tb.Measurements.from_ids(["a"], [[1]], name="x", **facts).tokenizers.row(0, named=True)
    assert {name: row[name] for name in facts} == facts
    row = tb.Measurements.from_ids(["a"], [[1]], name="x").tokenizers.row(0, named=True)
    assert [row[name] for name in facts] == [None] * 5


def test_other_ids_have_another_hash_and_it_encodes_nothing() -> None:
    def hash_of(ids: Any, lang: str = "en") -> str:
        recorded = tb.Measurements.from_ids(["a", "b"], ids, name="x", lang=lang)
        return recorded.tokenizers["sha256"].item()

    hashes = [hash_of([[1, 2], [3]]), hash_of([[1], [2, 3]]), hash_of([[1, 2], [4]]), hash_of([[1, 2], [3]], "de")]
    assert len(set(hashes)) == 4
    assert hash_of([[1, 2], [3]]) == hashes[0]
    asset = Asset("x", "ids", (), "0", "ids", None)
    tokenizer = RecordedTokenizer(asset, TokenTable.from_tokens([b" a", b"\xff"]), prefix=b" ", unk_id=None)
    with pytest.raises(tb.TokbenchError, match="x is known by its ids alone"):
        tokenizer.encode_batch(["a"])
    assert tokenizer.decode_batch(EncodedBatch.from_lists([[0], [0, 0], [1]])) == ["a", "a a", "\ufffd"]
    assert (tokenizer.vocab_base, tokenizer.vocab_total) == (0, 2)


def test_ids_of_several_languages_are_named() -> None:
    texts = {"en": ["a"], "de": ["b"]}
    for ids, message in (
        ([[1]], "ids are given for en, texts for en, de"),
        ({"en": [[1]], "fr": [[1]]}, "ids are given for en, fr, texts for en, de"),
    ):
        with pytest.raises(tb.TokbenchError, match=message):
            tb.Measurements.from_ids(texts, ids, name="x")


def test_ids_of_groups_count_the_texts_excluded_as_empty() -> None:
    groups = tb.TextGroups.from_texts({"a": ["x", "", "yz"], "b": ["", "w"]})
    counted = tb.Measurements.from_ids(groups, {"a": [[1], [], [2, 3]], "b": [[], [4]]}, name="own")
    tokens = counted.counts.select(pl.col("lang").cast(pl.String), "tokens").rows()
    assert tokens == [("a", 1), ("a", 2), ("b", 1)]
