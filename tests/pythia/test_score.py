"""Windows of texts, the figures of the LM Evaluation Harness, and what `model score` refuses."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.commands import run as run_command
from helpers.made import train_byte_level
from helpers.neox import forward, log_softmax
from helpers.pretrained import make_pretrained
from tokbench.corpora import load_corpus
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import run
from tokbench.pythia.backends._evaluation import run_exactly
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.pretrained import open_pretrained
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.formats.special_ids import SpecialIds
from tokbench.pythia.measure.score import (
    Score,
    choose_score_quantization,
    choose_windows,
    count_bits,
    count_words,
    load_vocabulary,
    score_texts,
)
from tokbench.pythia.measure.windows import HarnessWindows, Windows
from tokbench.pythia.model.architecture import Architecture

MISSING = [name for name in ("safetensors", "ctranslate2", "xllamacpp", "gguf") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SMALL = Architecture(layers=1, width=32, heads=2, vocab_rows=402, context=32)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    return make_pretrained(SMALL, tmp_path_factory.mktemp("models") / "small")


# ---- windows


def test_windows_of_the_harness_worked_out_by_hand() -> None:
    """The example in the harness's own documentation: ten tokens, a maximum of 4, then the last one moved back."""
    windows = list(HarnessWindows(4).split(range(10, 20)))
    assert windows == [
        ([0, 10, 11, 12, 13], 4),
        ([13, 14, 15, 16, 17], 4),
        ([15, 16, 17, 18, 19], 2),
    ]
    assert list(HarnessWindows(4).split([7, 8])) == [([0, 7, 8], 2)]
    assert list(HarnessWindows(1).split([7, 8])) == [([0, 7], 1), ([7, 8], 1)]
    assert list(HarnessWindows(4).split([])) == []
    with pytest.raises(TokbenchError, match="windows of 0 tokens"):
        HarnessWindows(0)


@given(st.lists(st.integers(1, 400), max_size=60), st.integers(1, 20))
def test_windows_of_the_harness_are_those_of_the_harness(ids: list[int], most: int) -> None:
    utils = pytest.importorskip("lm_eval.utils")
    theirs = utils.get_rolling_token_windows(ids, prefix_token=0, max_seq_len=most, context_len=1)
    assert list(HarnessWindows(most).split(ids)) == [([*read, new[-1]], len(new)) for read, new in theirs]


@given(st.integers(0, 60), st.integers(2, 20), st.data())
def test_each_token_is_predicted_once_after_the_one_before_it(length: int, window: int, data: st.DataObject) -> None:
    ids = list(range(1, length + 1))
    stride = data.draw(st.integers(1, window - 1))
    for splitting in (Windows(window, stride), Windows(window, stride, bos=False), HarnessWindows(window)):
        first = [] if splitting.bos else ids[:1]
        predicted = [one for part, new in splitting.split(ids) for one in part[-new:]]
        assert [*first, *predicted] == ids
        assert all(new < len(part) <= splitting.longest for part, new in splitting.split(ids))


def test_the_windows_for_a_model_fit_its_context() -> None:
    usual = {"window": None, "stride": None, "bos": True}
    assert choose_windows(64, "ctranslate2", **usual, special=SpecialIds(), harness=False) == Windows(64, 32)
    assert choose_windows(64, "ctranslate2", **usual, special=SpecialIds(), harness=True) == HarnessWindows(64)
    assert choose_windows(64, "llamacpp", **usual, special=SpecialIds(), harness=True) == HarnessWindows(63)
    assert choose_windows(64, "llamacpp", **usual, special=SpecialIds(), harness=False) == Windows(64, 32)
    assert choose_windows(
        64, "llamacpp", window=8, stride=3, bos=False, harness=False, special=SpecialIds()
    ) == Windows(8, 3, bos=False)
    for backend, harness, most in (("ctranslate2", False, 64), ("ctranslate2", True, 64), ("llamacpp", True, 63)):
        with pytest.raises(TokbenchError, match=f"windows of 65 tokens are longer than the {most} that") as error:
            choose_windows(64, backend, window=65, stride=None, bos=True, harness=harness, special=SpecialIds())
        assert error.value.hint == f"use at most --window {most}"
    for other in ({"stride": 4}, {"bos": False}):
        with pytest.raises(TokbenchError, match="windows of the harness have no stride"):
            choose_windows(64, "ctranslate2", **(usual | other), harness=True, special=SpecialIds())


def test_bits_in_windows_of_the_harness_are_those_of_the_forward_pass(small: Checkpoint) -> None:
    ids = [7, 8, 9, 10, 11, 12, 13, 14, 15]
    nats = 0.0
    for part, new in (([0, 7, 8, 9, 10], 4), ([10, 11, 12, 13, 14], 4), ([11, 12, 13, 14, 15], 1)):
        chances = log_softmax(forward(small, part))
        nats -= sum(chances[i - 1, part[i]] for i in range(len(part) - new, len(part)))
    for backend, kind, tolerance in (("ctranslate2", "float32", 1e-5), ("llamacpp", "f16", 1e-3)):
        runner = run(small, backend, kind, threads=1)
        found = count_bits(ids, runner.score, HarnessWindows(4), SMALL.vocab_rows)
        runner.close()
        assert found == pytest.approx(nats / math.log(2), rel=tolerance)


# ---- figures


def test_words_are_counted_as_the_harness_counts_them() -> None:
    texts = ["", "one", "two words", " a  b\nc ", "你好 世界"]
    assert [count_words(text) for text in texts] == [1, 1, 2, 5, 2]
    assert [count_words(text) for text in texts] == [len(re.split(r"\s+", text)) for text in texts]


def test_perplexities_worked_out_by_hand() -> None:
    found = Score(bits=24.0, bytes=8, tokens=6, texts=1, words=2)
    assert (found.bits_per_byte, found.byte_perplexity, found.word_perplexity) == (3.0, 8.0, 4096.0)
    nothing = Score(bits=0.0, bytes=0, tokens=0, texts=0, words=0)
    assert (nothing.byte_perplexity, nothing.word_perplexity) == (None, None)
    for bits, expected in ((1023.0, 2.0**1023), (1024.0, None), (1e300, None)):
        assert Score(bits, bytes=1, tokens=1, texts=1, words=1).word_perplexity == expected


def test_the_type_of_a_score_fits_the_backend_and_the_file(small: Checkpoint) -> None:
    from tokbench.pythia.backends import BACKENDS
    from tokbench.pythia.formats.opening import open_checkpoint

    assert choose_score_quantization(small, ("int8", "float32")) == "float32"
    assert choose_score_quantization(small, ("f16", "f32")) == "f32"
    assert choose_score_quantization(small, ("other",)) == "other"
    file = open_checkpoint(BACKENDS["llamacpp"].prepare(small, "q8_0"))
    assert choose_score_quantization(file, ("f16",)) == "q8_0"


def test_texts_beyond_one_window_have_the_numbers_of_the_harness(small: Checkpoint) -> None:
    """The harness's own class on transformers, asked for `loglikelihood_rolling`, and its own formulas."""
    torch = pytest.importorskip("torch")
    harness = pytest.importorskip("lm_eval.models.huggingface")
    from helpers.lm_eval import instance, open_with_hf

    texts = ["the quick brown fox jumps over the lazy dog " * 4, "läuft über 你好", "x " * 50]
    assert harness.HFLM is not None
    assert torch.get_default_dtype() == torch.float32
    for most in (16, 31):
        model = open_with_hf(small, max_length=most)
        nats = -sum(model.loglikelihood_rolling([instance(text) for text in texts], disable_tqdm=True))
        for backend, kind, tolerance in (
            ("ctranslate2", "float32", 1e-6),
            ("transformers", "float32", 1e-6),
            ("llamacpp", "f32", 1e-5),
        ):
            runner = run_exactly(small, backend, kind, threads=1, context=most + 1)
            found = score_texts(texts, load_vocabulary(small), runner, HarnessWindows(most), SMALL.vocab_rows)
            runner.close()
            size, words = sum(len(t.encode()) for t in texts), sum(len(re.split(r"\s+", t)) for t in texts)
            assert found.bits_per_byte == pytest.approx(nats / size / math.log(2), rel=tolerance)
            assert found.byte_perplexity == pytest.approx(math.exp(nats / size), rel=tolerance * 10)
            assert math.log(found.word_perplexity) == pytest.approx(nats / words, rel=tolerance)


# ---- the command


def score(*arguments: str | Path) -> tuple[int, str, str]:
    done = run_command("model", "score", *map(str, arguments), "-l", "en,zh", "-n", "2", "--threads", "1")
    return done.returncode, done.stdout, done.stderr


def read_rows(*arguments: str | Path) -> Sequence[dict[str, object]]:
    code, out, err = score(*arguments, "-f", "json")
    assert code == 0, err
    rows: Sequence[dict[str, object]] = json.loads(out)
    return rows


def test_score_gives_a_row_for_each_language_with_its_signature(small: Checkpoint) -> None:
    rows = read_rows(small.path, "--window", "24")
    corpus = load_corpus(None, languages=["en", "zh"], segments=2)
    assert [row["lang"] for row in rows] == ["en", "zh"]
    assert [row["bytes"] for row in rows] == [sum(len(t.encode()) for t in corpus.texts(x)) for x in ("en", "zh")]
    assert all(row["bits_per_byte"] == pytest.approx(row["bits"] / row["bytes"]) for row in rows)  # type: ignore[operator]
    assert all("|win:24|stride:12|bos:endoftext|" in str(row["signature"]) for row in rows)
    assert "word_perplexity" not in rows[0]
    code, table, err = score(small.path, "--window", "24")
    assert code == 0
    assert "weights: pretrained" in err
    assert f"{rows[0]['bits_per_byte']:.4f}" in table


def test_score_in_windows_of_the_harness_is_the_same_on_llama_cpp(small: Checkpoint) -> None:
    first, second = (
        read_rows(small.path, "--windows", "harness", "--window", "16", "--backend", backend)
        for backend in ("ctranslate2", "llamacpp")
    )
    for one, other in zip(first, second, strict=True):
        assert one["bits_per_byte"] == pytest.approx(other["bits_per_byte"], rel=2e-4)
        assert one["byte_perplexity"] == pytest.approx(2 ** float(str(one["bits_per_byte"])))
        assert "|win:harness|max_length:16|bos:endoftext|" in str(one["signature"])
    assert "/f32|" in str(second[0]["signature"])
    assert "word_perplexity" in score(small.path, "--windows", "harness")[1]


def test_score_refuses_random_weights_and_windows_beyond_the_context(tmp_path: Path, small: Checkpoint) -> None:
    folder = make(SMALL, tmp_path / "random")
    train_byte_level(400).save(str(folder / "tokenizer.json"))
    for arguments, message in (
        ((folder,), "random has random weights: what it predicts says nothing about a model"),
        (("pythia-70m", "--offline"), "EleutherAI/pythia-70m is not in the Hugging Face cache: offline"),
        ((small.path, "--window", "33"), "windows of 33 tokens are longer than the 32 that the model reads"),
        ((small.path, "--windows", "harness", "--no-bos"), "windows of the harness have no stride"),
        ((small.path, "--windows", "harness", "--window", "32", "--backend", "llamacpp"), "longer than the 31"),
        ((small.path, "--window", "1"), "a stride of 0 with a window of 1"),
    ):
        code, out, err = score(*arguments)
        assert (code, out) == (2, "")
        assert err.splitlines()[-1].startswith("tokbench: ")
        assert message in err
    assert not list(tmp_path.glob("*.json"))


def test_random_weights_in_every_format_are_known(tmp_path: Path) -> None:
    from tokbench.pythia.backends import BACKENDS
    from tokbench.pythia.formats.opening import open_checkpoint

    checkpoint = open_checkpoint(make(SMALL, tmp_path / "random"))
    for place in (
        checkpoint.path,
        BACKENDS["llamacpp"].prepare(checkpoint, "f16"),
        BACKENDS["ctranslate2"].prepare(checkpoint, "float32"),
    ):
        with pytest.raises(TokbenchError, match="has random weights"):
            open_pretrained(str(place))


def test_scores_do_not_depend_on_the_order_of_texts_on_llama_cpp(small: Checkpoint) -> None:
    """Tokens are read after cached ones, but only of the same window."""
    texts = ["the quick brown fox", "the quick dog", "the quick brown dog"]
    runner = run(small, "llamacpp", "f16", threads=1)
    tokenizer = load_vocabulary(small)
    whole = [score_texts([t], tokenizer, runner, HarnessWindows(31), SMALL.vocab_rows).bits for t in texts]
    again = [score_texts([t], tokenizer, runner, HarnessWindows(31), SMALL.vocab_rows).bits for t in texts[::-1]]
    runner.close()
    assert np.array_equal(whole, again[::-1])
