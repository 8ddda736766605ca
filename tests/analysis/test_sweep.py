"""Nested vocabularies: equal to trained ones, their costs, the best size."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import tiktoken
import tokenizers
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import models

from helpers.commands import run
from helpers.data import SHARED_DATA, needs_data
from helpers.made import GPT2_PATTERN, make_tekken, make_tokenizer_json, rank_bytes
from helpers.trained import MANY, train, train_pieces
from tokbench.adapters import load_tokenizer
from tokbench.analysis.sweep import nest, pick_best, sweep
from tokbench.analysis.sweep._counts import compute_entropy
from tokbench.analysis.sweep._origins import ORIGINS, find_origin
from tokbench.corpora import load_corpus
from tokbench.errors import TokbenchError
from tokbench.pythia.model.arithmetic import request_flops, training_flops
from tokbench.pythia.model.resolution import resolve_model


def write_corpus(folder: Path, texts: list[str] = MANY) -> str:
    path = folder / "texts.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts))
    return str(path)


@pytest.mark.parametrize("size", [258, 300, 420])
def test_the_first_merges_are_what_training_to_that_size_gives(size: int) -> None:
    large, small = load_tokenizer(train(600), name="large"), load_tokenizer(train(size), name="small")
    cut = nest(large).cut(size)
    assert cut.vocab_total == small.vocab_total == size
    texts = [*MANY, "unseen words, Ω 🙂", ""]
    ours, theirs = cut.encode_batch(texts), small.encode_batch(texts)
    assert np.array_equal(ours.ids, theirs.ids)
    assert np.array_equal(ours.offsets, theirs.offsets)
    assert max(ours.ids) >= 256


@settings(max_examples=60)
@given(st.one_of(st.text(), st.lists(st.sampled_from(" ".join(MANY).split(" "))).map(" ".join)))
def test_any_text_has_the_ids_of_the_smaller_training(text: str) -> None:
    assert CUT.encode(text) == SMALL.encode(text)


LARGE, SMALL = load_tokenizer(train(500), name="large"), load_tokenizer(train(330), name="small")
CUT = nest(LARGE).cut(330)


def test_the_whole_vocabulary_is_the_tokenizer_itself() -> None:
    assert nest(LARGE).cut(500) is LARGE
    with pytest.raises(TokbenchError, match="257 are bytes, characters and special tokens"):
        nest(LARGE).cut(257)
    with pytest.raises(TokbenchError, match="no vocabulary of 501 ids"):
        nest(LARGE).cut(501)


def test_rank_files_are_cut_by_rank(tmp_path: Path) -> None:
    encoding = tiktoken.Encoding(
        "ranks", pat_str=GPT2_PATTERN, mergeable_ranks=rank_bytes(), special_tokens={"<e>": 264}
    )
    for tokenizer, shift in ((load_tokenizer(encoding), 0), (load_tokenizer(str(make_tekken(tmp_path))), 10)):
        nested = nest(tokenizer)
        assert (nested.made, nested.size) == (8, tokenizer.vocab_total)
        cut = nested.cut(nested.fixed + 2)  # th, the
        assert cut.encode("the the") == [shift + 257, shift + 32, shift + 257]
        assert nested.cut(nested.fixed + 3).encode("the the") == [shift + 257, shift + 258]


def test_sentencepiece_is_cut_by_score() -> None:
    large, small = (load_tokenizer(train_pieces(size), name=str(size)) for size in (1_200, 900))
    cut = nest(large).cut(900)
    assert (large.vocab_total, cut.vocab_total) == (1_200, 900)
    for text in [*MANY, "unseen Ω", ""]:
        assert cut.encode(text) == small.encode(text)
    with pytest.raises(TokbenchError, match="give sizes from"):
        nest(large).cut(400)


def test_unigram_is_not_nested() -> None:
    with pytest.raises(TokbenchError, match="unigram model"):
        nest(load_tokenizer(train_pieces(900, "unigram"), name="unigram"))


def test_files_converted_from_sentencepiece_keep_a_merge_only_with_both_parts(tmp_path: Path) -> None:
    vocab = {token: number for number, token in enumerate(["a", "b", "c", "bc", "ab", "abc"])}
    merges = [["b", "c"], ["a", "b"], ["a", "bc"], ["ab", "c"]]
    tokenizer = load_tokenizer(tokenizers.Tokenizer(models.BPE(vocab, [tuple(m) for m in merges])), name="small")
    cut = nest(tokenizer).cut(4)
    assert cut.encode("abc") == [0, 3]
    assert nest(tokenizer).cut(5).encode("ab") == [4]
    assert tokenizer.encode("abc") == [5]


def test_what_is_not_nested_is_refused_in_one_line() -> None:
    result = run("sweep", "utf8")
    assert (result.returncode, result.stdout) == (2, "")
    assert "utf8 holds no smaller vocabularies: it is no BPE (bytes)" in result.stderr
    assert result.stderr.count("\n") == 1


def test_merges_out_of_order_are_refused() -> None:
    vocab = {token: number for number, token in enumerate(["a", "b", "c", "bc", "abc"])}
    odd = tokenizers.Tokenizer(models.BPE(vocab, [("a", "bc"), ("b", "c")]))
    with pytest.raises(TokbenchError, match="its merge 1 makes 'abc' of a token that only a later merge makes"):
        nest(load_tokenizer(odd, name="odd"))


def test_appended_merges_are_found_by_a_sample_of_the_original() -> None:
    filler = [b"%d" % i for i in range(49_960)]
    original = [*filler, *ORIGINS[0].sample]
    assert len(original) == 50_000
    assert find_origin(original) is None
    assert find_origin([*original, b"new"]) is ORIGINS[0]
    assert find_origin([*original[:-4], *filler[:5], b"new", b"newer", b"newest"]) is ORIGINS[0]
    assert find_origin([*filler, *reversed(ORIGINS[0].sample), b"new"]) is None


@needs_data
@pytest.mark.parametrize(("name", "origin"), [("p50k_base", "r50k_base"), ("llama3", "cl100k_base")])
def test_real_extended_vocabularies_are_refused(name: str, origin: str) -> None:
    folder = SHARED_DATA / "tokenizers"  # type: ignore[operator]
    result = run("sweep", name, TOKBENCH_TOKENIZERS=str(folder), HF_HUB_OFFLINE="1")
    assert (result.returncode, result.stdout) == (2, "")
    assert f"its merges are those of {origin}" in result.stderr


def test_values_follow_from_counts(tmp_path: Path) -> None:
    corpus = load_corpus(write_corpus(tmp_path))
    model = resolve_model("70m")
    found = sweep([LARGE], corpus, model, [300, 400, 9_000], resamples=50)
    assert found.sizes == {"large": (300, 400, 500)}
    assert found.left_out == {"large": (9_000,)}
    row = found.values.row(0, named=True)
    cut = nest(LARGE).cut(300).encode_batch(MANY)
    size = sum(len(text.encode()) for text in MANY)
    tokens = int(cut.counts.sum())
    assert (row["size"], row["rows"], row["tokens"], row["segments"]) == (300, 384, tokens, len(MANY))
    assert row["tokens_per_segment"] == tokens / len(MANY)
    assert row["bits_per_byte_coded"] == pytest.approx(tokens * 9 / size)
    entropy = compute_entropy(np.bincount(cut.ids).astype(float))
    assert row["bits_per_byte_entropy"] == pytest.approx(tokens * entropy / size)
    shape = replace(model.architecture, vocab_rows=384)
    serving = sum(request_flops(shape, int(n), int(n)) for n in cut.counts)
    assert row["serving_flops"] == pytest.approx(serving / len(MANY))
    assert row["training_flops"] == pytest.approx(training_flops(shape, tokens, shape.context) / len(MANY))
    last = found.values.row(-1, named=True)
    assert (last["relative_serving"], last["relative_training"], last["premium"]) == (1, 1, None)
    assert row["relative_training_low"] <= row["relative_training"] <= row["relative_training_high"]


def test_a_mixture_weighs_costs_per_byte() -> None:
    corpus = load_corpus(None, languages=["en", "zh"], segments=20)
    model = resolve_model("160m")
    found = sweep([LARGE], corpus, model, [300], weights={"en": 3, "zh": 1}, resamples=0)
    values = {(row["lang"], row["size"]): row for row in found.values.to_dicts()}
    sizes = {lang: sum(len(text.encode()) for text in corpus.texts(lang)) for lang in ("en", "zh")}

    def mix(size: int) -> float:
        return sum(w * values[lang, size]["training_flops"] * 20 / sizes[lang] for lang, w in (("en", 3), ("zh", 1)))

    assert values[None, 300]["relative_training"] == pytest.approx(mix(300) / mix(500))
    assert values[None, 300]["tokens"] is None
    assert values["en", 300]["premium"] == 1
    zh, en = values["zh", 300], values["en", 300]
    assert zh["premium"] == pytest.approx(zh["tokens"] / en["tokens"])
    assert found.bootstrap is None
    assert found.best["low"].null_count() == found.best.height


def test_the_best_size_is_the_first_of_the_cheapest() -> None:
    costs = np.array([[3.0, 1.0, 1.0], [3.0, 1.0, 2.0], [3.0, 2.0, 1.0], [0.0, 2.0, 1.0], [3.0, 1.0, 2.0]])
    best = pick_best(costs, [30, 20, 10], 0.5)
    assert (best.size, best.low, best.high, best.share) == (10, 10, 20, 0.25)
    assert pick_best(costs[:1], [30, 20, 10], 0.95).low is None


def test_every_format_holds_a_sweep_and_the_same_one(tmp_path: Path) -> None:
    train(420).save(str(tmp_path / "small.json"))
    endings = ("txt", "md", "json", "csv", "html", "tex", "parquet", "xlsx")
    printed = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        files = [option for ending in endings for option in ("-o", str(folder / f"x.{ending}"))]
        arguments = ("--sizes", "300,350", "-l", "en,zh", "-n", "20", "--resamples", "20")
        result = run("sweep", str(tmp_path / "small.json"), *arguments, *files)
        assert result.returncode == 0, result.stderr
        printed.append(result.stdout)
    assert printed[0] == printed[1]
    for ending in endings[:-1]:
        assert (tmp_path / "a" / f"x.{ending}").read_bytes() == (tmp_path / "b" / f"x.{ending}").read_bytes()
    assert "<svg" in (tmp_path / "a" / "x.html").read_text()
    document = json.loads((tmp_path / "a" / "x.json").read_text())
    assert document["sizes"] == {"small": [300, 350, 420]}
    assert {row["purpose"] for row in document["best"]} == {"serving", "training"}
    assert pl.read_parquet(tmp_path / "a" / "x.parquet").height == 9


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sizes", "8x"], "use a whole number from 2 to 4,000,000, or thousands such as 8k"),
        (["--sizes", "0"], "--sizes is '0'"),
        (["--sizes", "9" * 500], "--sizes is"),
        (["--sizes", ",".join(map(str, range(300, 400)))], "at most 64"),
        (["--sizes", "300", "--extend", "8"], "use one of them"),
        (["--write", "x.json"], "add --extend NUMBER"),
        (["--extend", "8", "--write", "x.txt"], "ends with .json"),
        (["--extend", "8", "--write", "no/such/x.json"], "there is no folder"),
        (["--extend", "0"], "--extend is '0'"),
        (["--sizes", "20"], "which no merge makes"),
        (["--model", "nonsense"], "nonsense"),
        (["--weights", "en=0"], "the weight of en is 0"),
    ],
)
def test_bad_options_are_one_line(arguments: list[str], said: str, tmp_path: Path) -> None:
    result = run("sweep", str(make_tokenizer_json(tmp_path)), *arguments)
    assert result.returncode == 2
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
