"""How much of one vocabulary is in another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers import made
from helpers.commands import refuse, run
from helpers.data import needs_data
from tokbench.adapters import load_tokenizer
from tokbench.analysis.overlap import measure_overlap, select, weigh
from tokbench.corpora import load_corpus
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
