"""How much of one vocabulary is in another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers import made
from helpers.commands import refuse, run
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from tokbench.adapters import load_tokenizer
from tokbench.analysis import overlap
from tokbench.analysis.overlap import (
    count_emitted,
    divide,
    measure_overlap,
    measure_overlap_by_script,
    restrict,
    select,
    weigh,
)
from tokbench.corpora import ParallelCorpus, load_corpus
from tokbench.errors import TokbenchError


def test_weighted_overlap_worked_out_by_hand() -> None:
    a, b = {b"x": 1, b"y": 3}, {b"x": 1, b"z": 1}
    # shares: a x 1/4 y 3/4, b x 1/2 z 1/2; minima 1/4, maxima 1/2 + 3/4 + 1/2
    assert weigh(a, b, {b"x", b"z"}) == (1 / 7, 1 / 4)
    assert weigh(b, a, {b"x", b"y"}) == (1 / 7, 1 / 2)
    assert weigh(a, {}, {b"x"}) == (None, 1 / 4)
    assert weigh({}, {}, set()) == (None, None)


def test_scripts_choose_tokens_by_any_of_their_characters() -> None:
    tokens = ["漢".encode(), "a漢".encode(), b"a", "か".encode(), "漢".encode()[:2]]
    assert list(select(tokens, ["Han"])) == tokens[:2]
    assert list(select(tokens, [])) == tokens


def test_bytes_in_two_numberings_overlap_whole() -> None:
    found = measure_overlap([load_tokenizer("utf8"), load_tokenizer("byt5")], load_corpus(languages=["en"], segments=9))
    assert found.matrix("jaccard").rows() == [("utf8", 1.0, 1.0), ("byt5", 1.0, 1.0)]
    assert found.pairs["weighted_jaccard"].to_list() == [1.0] * 4
    assert found.pairs["tokens_a"].to_list() == [256] * 4


def test_one_small_vocabulary_against_bytes(tmp_path: Path) -> None:
    """The made ranks are the 256 bytes, one of them (two spaces) aside seven merges."""
    ranks = load_tokenizer(f"{made.make_ranks(tmp_path)}#cl100k_base")
    row = measure_overlap([ranks, load_tokenizer("utf8")]).pairs.row(1, named=True)
    assert (row["tokens_a"], row["tokens_b"], row["shared"]) == (264, 256, 256)
    assert row["jaccard"] == row["containment"] == 256 / 264
    assert row["weighted_jaccard"] is None


def test_nothing_of_a_script_is_null_and_an_unknown_one_an_error() -> None:
    row = measure_overlap([load_tokenizer("utf8")], scripts=["Han"]).pairs.row(0, named=True)
    assert (row["tokens_a"], row["jaccard"], row["containment"]) == (0, None, None)
    with pytest.raises(TokbenchError, match="no script"):
        measure_overlap([load_tokenizer("utf8")], scripts=["Hen-gul"])
    with pytest.raises(TokbenchError, match="same name"):
        measure_overlap([load_tokenizer("utf8"), load_tokenizer("utf8")])


@pytest.mark.smoke
def test_the_command_prints_matrices() -> None:
    done = run("overlap", "utf8", "byt5", "-c", "tokbench14", "-l", "en")
    assert done.returncode == 0, done.stderr
    assert "utf8       1.0000  1.0000" in done.stdout
    assert "weighted by token frequencies on tokbench14" in done.stdout
    document = json.loads(run("overlap", "utf8", "byt5", "--json").stdout)
    assert len(document["pairs"]) == 4
    refuse("overlap", "utf8", says="nothing to compare")
    refuse("overlap", "utf8", "byt5", "-l", "en", says="--languages needs a corpus")


@needs_data
def test_the_family_of_gpt_neox_is_one_vocabulary_and_cjk_is_shared_with_llama() -> None:
    names = ["gpt-neox-20b", "redpajama-incite", "mpt", "llama"]
    tokenizers = [load_tokenizer(name) for name in names]
    matrix = measure_overlap(tokenizers).matrix("jaccard")
    assert matrix.drop("tokenizer", "llama").head(3).rows() == [(1.0, 1.0, 1.0)] * 3
    assert matrix["llama"][3] == 1.0
    corpus = load_corpus(languages=["zh"], segments=50)
    scripts = ["Han", "Hiragana", "Katakana", "Hangul"]
    row = measure_overlap([tokenizers[0], tokenizers[3]], corpus, scripts=scripts).pairs.row(1, named=True)
    assert (row["tokens_a"], row["tokens_b"], row["shared"]) == (502, 947, 413)
    assert row["weighted_containment"] > 0.8


def test_quotients_of_nothing_are_none() -> None:
    assert (divide(0, 0), divide(1, 0), divide(0, 2), divide(1, 4)) == (None, None, 0.0, 0.25)
    assert restrict({b"a": 1, b"b": 2}, {b"b"}) == {b"b": 2}


def test_what_is_emitted_on_a_corpus_by_hand(tmp_path: Path) -> None:
    """Three tokens of `the fox`: ` the` and `the` are merges; two languages add up."""
    corpus = ParallelCorpus.from_texts({"en": ["the the", "f"], "de": ["f f", "the"]})
    ranks = load_tokenizer(f"{made.make_ranks(tmp_path)}#cl100k_base")
    assert count_emitted(ranks, corpus) == {b"the": 2, b" the": 1, b"f": 3, b" ": 1}
    assert count_emitted(load_tokenizer("utf8"), corpus) == {b"t": 3, b"h": 3, b"e": 3, b" ": 2, b"f": 3}
    found = measure_overlap([ranks, load_tokenizer("utf8")], corpus)
    assert (found.tokenizers, found.scripts, found.corpus) == ((ranks.name, "utf8"), (), "texts")
    forth, back = found.pairs.row(1, named=True), found.pairs.row(2, named=True)
    assert (forth["a"], forth["b"], back["a"], back["b"]) == (ranks.name, "utf8", "utf8", ranks.name)
    # Of 7 tokens 4 (f, f, f, space) are bytes; all bytes are in the ranks.
    assert (forth["weighted_containment"], back["weighted_containment"]) == (4 / 7, 1.0)
    # Shares in 98ths: f 42 and 21, space 14 and 14; the rest is of one side only.
    minima, maxima = 21 + 14, 42 + 14 + (98 - 42 - 14) + (98 - 21 - 14)
    assert forth["weighted_jaccard"] == back["weighted_jaccard"] == pytest.approx(minima / maxima)
    matrix = found.matrix("weighted_containment")
    assert matrix.columns == ["tokenizer", ranks.name, "utf8"]
    assert matrix.rows() == [(ranks.name, 1.0, 4 / 7), ("utf8", 1.0, 1.0)]


def test_scripts_choose_what_is_counted(tmp_path: Path) -> None:
    corpus = ParallelCorpus.from_texts({"en": ["the f"], "de": ["42"]})
    ranks = load_tokenizer(f"{made.make_ranks(tmp_path)}#cl100k_base")
    found = measure_overlap([ranks, load_tokenizer("utf8")], corpus, scripts=["Latn"])
    row = found.pairs.row(1, named=True)
    assert found.scripts == ("Latin",)
    assert row["tokens_b"] == row["shared"] == 52  # the letters
    assert row["tokens_a"] == 52 + len([b"th", b"the", b" the", b"el", b"in"])
    assert row["containment"] == 52 / 57
    assert row["weighted_containment"] == 1 / 2  # f, of `the` and f: spaces and digits are not counted


def test_results_are_frozen() -> None:
    check_dataclasses(overlap, {"Overlap"})


def test_overlap_by_script_by_hand(tmp_path: Path) -> None:
    """The made ranks have 52 letters and 5 merges of letters, and `你` with two of its bytes."""
    corpus = ParallelCorpus.from_texts({"en": ["the f"]})
    ranks = load_tokenizer(f"{made.make_ranks(tmp_path)}#cl100k_base")
    pairs = measure_overlap_by_script([ranks, load_tokenizer("utf8")], corpus)
    rows = {(row["script"], row["a"]): row for row in pairs.to_dicts()}
    assert pairs["script"].unique(maintain_order=True).to_list() == ["partial", "Common", "Latin", "Han"]
    latin, back = rows["Latin", ranks.name], rows["Latin", "utf8"]
    assert (latin["tokens_a"], latin["tokens_b"], latin["shared"]) == (57, 52, 52)
    assert (latin["jaccard"], latin["containment"], back["containment"]) == (52 / 57, 52 / 57, 1.0)
    # of the, space and f two are letters, one of them a byte
    assert (latin["weighted_containment"], back["weighted_containment"]) == (1 / 2, 1.0)
    han = rows["Han", ranks.name]
    assert (han["tokens_a"], han["tokens_b"], han["containment"], rows["Han", "utf8"]["containment"]) == (1, 0, 0, None)
    assert rows["partial", "utf8"]["tokens_a"] == 128
    assert rows["partial", ranks.name]["tokens_a"] == 129
    assert rows["Common", "utf8"]["tokens_a"] == 128 - 52


def test_the_command_splits_by_script() -> None:
    done = run("overlap", "utf8", "byt5", "--by", "script", "-c", "tokbench14", "-l", "en")
    assert done.returncode == 0, done.stderr
    assert "a = utf8, b = byt5" in done.stdout
    assert "Latin" in done.stdout
    assert "weighted by token frequencies on tokbench14" in done.stdout
    document = json.loads(run("overlap", "utf8", "byt5", "--by", "script", "--json").stdout)
    assert [row["script"] for row in document["pairs"]] == ["partial", "partial", "Common", "Common", "Latin", "Latin"]
    refuse("overlap", "utf8", "byt5", "--by", "script", "--script", "Latn", says="--by script lists every script")
    refuse("overlap", "utf8", "byt5", "--by", "family", says="family")
