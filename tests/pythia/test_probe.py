"""Measuring backends in fresh processes, scoring texts, and the commands for both."""

from __future__ import annotations

import csv
import io
import json
import math
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from helpers.made import train_byte_level
from helpers.neox import forward, log_softmax
from tokbench.cli import model_run
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, run
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import describe, make
from tokbench.pythia.measure import memory_needs, probe
from tokbench.pythia.measure._conversation import Conversation
from tokbench.pythia.measure._probe_process import Cell, Request
from tokbench.pythia.measure._process_memory import read_available, read_device_memory, read_memory, read_peak
from tokbench.pythia.measure.measured import frame_figures, frame_ram, frame_timings, read_card, to_document
from tokbench.pythia.measure.probe import (
    BackendMeasurement,
    PhaseRounds,
    check_memory,
    estimate_bytes,
    measure_backend,
    measure_together,
)
from tokbench.pythia.measure.rounds import read_rounds
from tokbench.pythia.measure.score import count_bits, load_vocabulary, score_texts, sign_score
from tokbench.pythia.measure.windows import Windows
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.memory import weight_bytes
from tokbench.pythia.model.models import find_model
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.speed import roofline

MISSING = [name for name in ("safetensors", "psutil", "ctranslate2", "xllamacpp", "gguf") if find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}")

SMALL = Architecture(layers=2, width=64, heads=4, vocab_rows=420, context=256)
SIZES = {
    "prompt_lengths": (16, 200),
    "decode_batches": (1, 2),
    "decode_contexts": (92, 1000),
    "new_tokens": 120,
    "rounds": 2,
    "timer": "process_time",
}


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """A random model with a tokenizer of its own."""
    folder = make(SMALL, tmp_path_factory.mktemp("models") / "pythia-70m", seed=1)
    train_byte_level(400).save(str(folder / "tokenizer.json"))
    return open_checkpoint(folder)


# ---- measuring


@pytest.fixture(scope="module")
def measured(small: Checkpoint, tmp_path_factory: pytest.TempPathFactory) -> list[BackendMeasurement]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOKBENCH_CACHE", str(tmp_path_factory.mktemp("cache")))
        return [
            measure_backend(small, "ctranslate2", "int8", 1, **SIZES),
            measure_backend(small, "llamacpp", "q4_0", 1, **SIZES),
        ]


def test_memory_is_read_from_the_process_and_grows(measured: list[BackendMeasurement]) -> None:
    for found in measured:
        assert 5 * 2**20 < found.before.rss < found.loaded.rss <= found.peak
        assert found.generated.rss <= found.peak < 500 * 2**20
        for memory in (found.before, found.loaded, found.generated):
            assert 0 < memory.pss <= memory.rss
        assert found.device_bytes is None
        assert 0 < found.load_seconds < 30


def test_what_figures_depend_on_is_stated(measured: list[BackendMeasurement], small: Checkpoint) -> None:
    for found, library in zip(measured, ("ctranslate2", "xllamacpp"), strict=True):
        assert (found.model, found.weights, found.sha256) == ("pythia-70m", "random", small.sha256)
        assert (found.threads, found.context, found.generated_tokens) == (1, 256, 120)
        assert library in found.libraries
        assert found.environment.processor
        assert {"compute type", "mmap", "re-packing"} <= set(found.settings)
    assert [found.kv_bytes_per_value for found in measured] == [4, 2]
    # All matrices of q4_0 in blocks; names, vocabulary and metadata come on top.
    expected = weight_bytes(SMALL, find_quantization("q4_0"))
    assert expected < measured[1].file_bytes < expected + 40_000


def test_every_length_and_batch_is_timed_in_every_round(measured: list[BackendMeasurement]) -> None:
    for found in measured:
        kinds = [(timing.phase, timing.batch, timing.tokens) for timing in found.timings]
        # Of 1,000 tokens the context of 256 has room for: half of 120 new ones end there.
        decoding = [("decode", batch, context) for batch in (1, 2) for context in (92, 196)]
        assert kinds == [("prefill", 1, 16), ("prefill", 1, 200), *decoding]
        assert all(len(timing.rounds) == 2 and min(timing.rounds) > 0 for timing in found.timings)


def test_a_prompt_as_long_as_the_context_leaves_room_for_a_token(small: Checkpoint) -> None:
    sizes = {**SIZES, "prompt_lengths": (255, 256), "decode_batches": (), "rounds": 1}
    found = measure_backend(small, "llamacpp", "f16", 1, **sizes)
    assert [timing.tokens for timing in found.timings] == [255]


def test_timings_have_the_columns_that_a_fit_takes(measured: list[BackendMeasurement]) -> None:
    frame = frame_timings(measured)
    assert frame.height == 12
    assert set(frame["weights"]) == {"random"}
    rates = roofline.fit(frame.filter(pl.col("backend") == "ctranslate2"))
    assert (rates.backend, rates.quantization, rates.threads, rates.kv_bytes_per_value) == ("ctranslate2", "int8", 1, 4)


def test_figures_and_documents_hold_everything(measured: list[BackendMeasurement]) -> None:
    frame = frame_figures(measured)
    names = ["load", "file", "rss_before", "pss_before", "rss_loaded", "pss_loaded", "rss_generated", "pss_generated"]
    names += ["rss_peak", "device_memory", "prefill", "prefill", *["decode"] * 4]
    assert frame["figure"].to_list() == names * 2
    assert frame.filter(pl.col("figure") == "device_memory")["value"].to_list() == [None, None]
    document = json.loads(json.dumps(to_document(measured)))
    assert [found["weights"] for found in document["measurements"]] == ["random", "random"]
    assert pl.DataFrame(document["timings"]).height == 12


def test_the_ram_table_stands_beside_the_card_of_2023(measured: list[BackendMeasurement]) -> None:
    rows = frame_ram(measured).to_dicts()
    assert [(row["initial_2023"], row["after_generation_2023"]) for row in rows] == [(None, None), (113.3, 267.8)]
    assert rows[1]["initial"] == measured[1].loaded.rss / 2**20
    assert read_card()["pythia-1b", "q5_1"] == (921.5, 927.3)
    assert len(read_card()) == 12


def test_rates_by_hand() -> None:
    prompt = PhaseRounds("prefill", 1, 100, (0.5, 0.2, 0.4))
    assert (prompt.seconds, prompt.value, prompt.low, prompt.high) == (0.4, 250.0, 200.0, 500.0)
    step = PhaseRounds("decode", 8, 64, (0.02, 0.04, 0.01))
    assert (step.seconds, step.value, step.low, step.high) == (0.02, 400.0, 200.0, 800.0)


REQUEST = Request("p", "b", "q", "cpu", 1, 99, 9, (4, 8), (3,), new_tokens=11, rounds=3, seed=0, decode_contexts=(20,))


def test_a_step_is_a_long_generation_less_the_median_of_one_token() -> None:
    cell = Cell(3, (20,), True)
    (found,) = read_rounds(cell, REQUEST, [[1, 3], [2, 4], [6, 7]])  # the median of 1, 2, 6 is 2
    (fastest,) = read_rounds(cell, REQUEST, [[1, 3], [2, 4], [6, 7]], min)
    assert (found.phase, found.batch, found.tokens) == ("decode", 3, 20)
    assert found.rounds == pytest.approx([0.1, 0.2, 0.5])
    assert fastest.rounds == pytest.approx([0.2, 0.3, 0.6])  # where the fastest round counts, so does the fastest token
    with pytest.raises(TokbenchError, match="11 tokens took no longer than one on b: decoding was not timed"):
        list(read_rounds(cell, REQUEST, [[1, 3], [2, 2], [6, 7]]))


def test_rounds_of_prompts_are_transposed() -> None:
    found = list(read_rounds(Cell(1, (4, 8), False), REQUEST, [[1, 5], [2, 6], [3, 7]]))
    assert [(timing.tokens, timing.rounds) for timing in found] == [(4, (1, 2, 3)), (8, (5, 6, 7))]


def test_what_unchanged_work_differs_by_is_the_ratio_of_alternate_rounds(measured: list[BackendMeasurement]) -> None:
    even = PhaseRounds("prefill", 1, 9, (1.0, 2.0, 1.0, 2.0))
    assert even.split() == pytest.approx(math.log(2))
    assert replace(measured[0], timings=(even,)).aa_ratio == pytest.approx(2)
    level = PhaseRounds("prefill", 1, 9, (1.0, 1.0))
    assert replace(measured[0], timings=(even, level)).aa_ratio == pytest.approx(math.exp(math.log(2) / math.sqrt(2)))
    assert replace(measured[0], timings=(replace(even, rounds=(1.0,)),)).aa_ratio is None


def test_models_take_turns_in_every_round(small: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, object]] = []

    class Recorded(Conversation):
        def ask(self, *command: object) -> object:
            asked.append((self._task.split()[1], *command))
            return super().ask(*command)

    monkeypatch.setattr(probe, "Conversation", Recorded)
    other = replace(small, name="other")
    sizes = {**SIZES, "prompt_lengths": (16,), "decode_batches": (), "rounds": 3}
    shares: list[float] = []
    first, second = measure_together([small, other], "ctranslate2", "int8", 1, **sizes, on_share=shares.append)
    assert shares == [1 / 5, 2 / 5, 3 / 5, 4 / 5, 1.0]  # the memory of both, and three rounds
    assert [found.model for found in (first, second)] == ["pythia-70m", "other"]
    rounds = [name for name, *command in asked if command == ["round"]]
    assert rounds == ["pythia-70m", "other", "other", "pythia-70m", "pythia-70m", "other"]
    assert all(len(timing.rounds) == 3 for found in (first, second) for timing in found.timings)


# ---- memory beforehand, and other refusals


def test_too_little_memory_is_one_line_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory_needs, "find_linear_algebra", lambda: "MKL")
    needed = estimate_bytes(find_model("12b").architecture, "ctranslate2", "float32", context=2048)
    assert 1.93 * 4 * 11_846_072_320 < needed < 1.94 * 4 * 11_846_072_320  # the peak while loading
    with pytest.raises(TokbenchError) as error:
        check_memory(needed, 8 * 2**30, "pythia-12b as float32 on ctranslate2")
    assert str(error.value) == (
        f"pythia-12b as float32 on ctranslate2 would need about {needed / 2**30:.1f} GiB, and 8.0 GiB are free; "
        "choose a smaller model or type, or close other programs"
    )
    check_memory(needed, needed, "just enough")


def test_the_estimate_is_above_what_was_measured(measured: list[BackendMeasurement]) -> None:
    for found in measured:
        estimate = estimate_bytes(SMALL, found.backend, found.quantization, context=256, batch=2)
        assert found.generated.pss < estimate


def test_a_model_larger_than_this_machine_is_refused_before_its_weights_are_made(small: Checkpoint) -> None:
    huge = replace(small, architecture=replace(SMALL, vocab_rows=10**10))
    with pytest.raises(TokbenchError, match=r"pythia-70m as float32 on ctranslate2 would need about [\d,.]+ GiB"):
        measure_backend(huge, "ctranslate2", "float32", **SIZES)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt_lengths": (300,)}, "300 tokens are more than the model's context of 256"),
        ({"prompt_lengths": (0,)}, "must be at least 1"),
        ({"new_tokens": 1}, "1 new tokens cannot be timed"),
        ({"new_tokens": 250}, "are more than the context of 256"),
        ({"rounds": 0}, "must be at least 1"),
    ],
)
def test_sizes_that_cannot_be_measured(small: Checkpoint, changes: dict[str, object], message: str) -> None:
    with pytest.raises(TokbenchError, match=message):
        measure_backend(small, "ctranslate2", "int8", 1, **(SIZES | changes))


def test_a_backend_that_refuses_is_one_line(small: Checkpoint) -> None:
    with pytest.raises(TokbenchError, match="ctranslate2 cannot run q4_0"):
        measure_backend(small, "ctranslate2", "q4_0", 1, **SIZES)
    with pytest.raises(TokbenchError, match="q4_3 cannot be run"):
        measure_backend(small, "llamacpp", "q4_3", 1, **SIZES)


def test_an_error_within_the_process_comes_back(
    small: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = shutil.copytree(BACKENDS["ctranslate2"].prepare(small, "int8"), tmp_path / "copied")
    content = (copied / "model.bin").read_bytes()
    (copied / "model.bin").write_bytes(content[: len(content) // 2] + content[len(content) // 2 + 1 :])
    damaged = replace(small, path=copied, format="ctranslate2")
    with pytest.raises(TokbenchError, match="CTranslate2 cannot load"):
        measure_backend(damaged, "ctranslate2", "int8", 1, prompt_lengths=(), decode_batches=())
    monkeypatch.setattr("sys.executable", shutil.which("false"))
    with pytest.raises(TokbenchError, match=r"on ctranslate2 failed: its process ended with status 1"):
        measure_backend(small, "ctranslate2", "int8", 1, prompt_lengths=(), decode_batches=())


def test_memory_of_this_process_and_machine() -> None:
    import psutil

    memory = read_memory()
    assert memory.rss == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
    peak = read_peak()
    assert peak is not None
    assert peak >= 0.9 * memory.rss
    block = np.ones(8 * 2**20)  # 64 MiB
    assert read_memory().rss - memory.rss > 50 * 2**20
    del block
    assert 0 < read_available() <= psutil.virtual_memory().total


def test_without_a_cuda_device_one_is_told_so(small: Checkpoint) -> None:
    import ctranslate2

    if ctranslate2.get_cuda_device_count():
        used, free = read_device_memory()
        assert used >= 0
        assert free > 0
        return
    with pytest.raises(TokbenchError, match="use the device cpu"):
        measure_backend(small, "ctranslate2", "int8", 1, device="cuda", **SIZES)


# ---- bits per byte


def fair_coin(ids: Sequence[int]) -> np.ndarray:
    """Every token but the first costs one bit."""
    return np.full(len(ids) - 1, -math.log(2), dtype=np.float32)


@given(st.lists(st.integers(0, 9), max_size=60), st.integers(2, 20), st.data(), st.booleans())
def test_every_token_is_counted_once_whatever_the_windows(
    ids: list[int], window: int, data: st.DataObject, bos: bool
) -> None:
    stride = data.draw(st.integers(1, window - 1))
    bits = count_bits(ids, fair_coin, Windows(window, stride, bos), vocab_rows=1024)
    first = 0 if bos or not ids else 10 - 1  # log2 1024 in place of one bit
    assert bits == pytest.approx(len(ids) + first, abs=1e-4)


@given(st.integers(1, 60), st.integers(2, 20), st.data())
def test_no_token_sees_less_than_the_overlap_of_windows(length: int, window: int, data: st.DataObject) -> None:
    stride = data.draw(st.integers(1, window - 1))
    seen: list[int] = []

    def scorer(part: Sequence[int]) -> np.ndarray:
        assert len(part) <= window
        return -np.arange(1, len(part), dtype=np.float64) * math.log(2)  # bits: how many tokens are before it

    bits = count_bits(list(range(length)), scorer, Windows(window, stride), 10)
    for position in range(1, length + 1):  # position 0 is the beginning
        begin = 0 if position < window else stride * math.ceil((position - window + 1) / stride)
        seen.append(position - begin)
        assert position - begin >= min(position, window - stride)
    assert bits == pytest.approx(sum(seen))


def test_windows_that_leave_a_token_without_context_are_refused() -> None:
    for stride in (0, 8, 9):
        with pytest.raises(TokbenchError, match=f"a stride of {stride} with a window of 8"):
            Windows(8, stride)
    assert str(Windows(8, 7, bos=False)) == "win:8|stride:7|bos:none"


def test_bits_per_byte_are_those_of_the_forward_pass(small: Checkpoint) -> None:
    texts = ["the quick brown fox", "läuft über 你好", "x", ""]
    tokenizer = load_vocabulary(small)
    sequences = [tokenizer.encode_batch([text]).ids.tolist() for text in texts]
    runner = run(small, "ctranslate2", "float32", threads=1)
    for bos in (True, False):
        found = score_texts(texts, tokenizer, runner, Windows(256, 128, bos), SMALL.vocab_rows)
        bits = 0.0
        for ids in filter(None, sequences):
            whole = [0, *ids] if bos else ids
            chances = log_softmax(forward(small, whole))
            bits -= sum(chances[i, token] for i, token in enumerate(whole[1:])) / math.log(2)
            bits += 0 if bos else math.log2(420)
        assert found.bits == pytest.approx(bits, rel=1e-5)
        assert (found.bytes, found.texts) == (19 + 19 + 1, 4)
        assert found.tokens == sum(map(len, sequences))
        assert found.bits_per_byte == pytest.approx(bits / 39, rel=1e-5)
    runner.close()


def test_windows_change_the_bits_as_in_the_forward_pass(small: Checkpoint) -> None:
    """Nine tokens in windows of 4 that overlap by 2, worked out window by window."""
    ids = [7, 8, 9, 10, 11, 12, 13, 14, 15]
    whole = [0, *ids]
    runner = run(small, "ctranslate2", "float32", threads=1)
    found = count_bits(ids, runner.score, Windows(4, 2), SMALL.vocab_rows)
    runner.close()
    bits = 0.0
    for begin, first_new in ((0, 1), (2, 2), (4, 2), (6, 2)):
        part = whole[begin : begin + 4]
        chances = log_softmax(forward(small, part))
        bits -= sum(chances[i - 1, part[i]] for i in range(first_new, 4)) / math.log(2)
    assert found == pytest.approx(bits, rel=1e-5)


def test_probabilities_that_are_no_numbers_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    (file,) = make(SMALL, tmp_path / "large").glob("*.safetensors")
    weights = {name: values.astype(np.float32) for name, values in load_file(file).items()}
    weights["gpt_neox.final_layer_norm.weight"][:] = 3e38
    weights["embed_out.weight"][:] = 3e38
    save_file(weights, file, {"format": "pt"})
    train_byte_level(400).save(str(file.with_name("tokenizer.json")))
    large = open_checkpoint(file.parent)
    runner = run(large, "ctranslate2", "float32", threads=1)
    with pytest.raises(TokbenchError, match="the model's probabilities for text 2 are not finite numbers"):
        score_texts(["", "the fox"], load_vocabulary(large), runner, Windows(8, 4), SMALL.vocab_rows)
    runner.close()


def test_nothing_has_no_bits_per_byte(small: Checkpoint) -> None:
    runner = run(small, "ctranslate2", "float32", threads=1)
    found = score_texts(["", ""], load_vocabulary(small), runner, Windows(8, 4), SMALL.vocab_rows)
    runner.close()
    assert (found.bits, found.bytes, found.bits_per_byte, found.bits_per_token) == (0.0, 0, None, None)


def test_a_tokenizer_with_more_ids_than_rows_is_refused(tmp_path: Path) -> None:
    folder = make(replace(SMALL, vocab_rows=300), tmp_path / "narrow")
    train_byte_level(400).save(str(folder / "tokenizer.json"))
    with pytest.raises(TokbenchError, match="narrow has 300 rows, fewer than the 401 ids"):
        load_vocabulary(open_checkpoint(folder))


def test_the_signature_changes_with_every_choice(small: Checkpoint) -> None:
    def sign(windows: Windows = Windows(8, 4), quantization: str = "int8", language: str = "en") -> str:  # noqa: B008
        names = {"tokenizer": ("t", "aa"), "corpus": ("c", "bb")}
        return sign_score(small, "ctranslate2", quantization, windows, **names, language=language, texts=3)

    others = [
        sign(),
        sign(Windows(8, 3)),
        sign(Windows(8, 4, bos=False)),
        sign(quantization="float32"),
        sign(language="zh"),
    ]
    assert len(set(others)) == 5
    assert "|weights:random|" in sign()
    assert "|win:8|stride:4|bos:endoftext|" in sign()
    assert f"model:pythia-70m@sha256:{small.sha256}" in sign()


# ---- commands

app = typer.Typer()
app.command("make")(model_run.make)
app.command("measure")(model_run.measure)


def invoke(*arguments: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False, env={"COLUMNS": "1000"})
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def test_make_writes_a_folder_and_says_what_its_weights_are(tmp_path: Path) -> None:
    config = tmp_path / "config.json"
    config.write_text(json.dumps(describe(replace(SMALL, layers=1))), "utf-8")
    out, _ = invoke("make", str(config), "--random-weights", str(tmp_path / "new"), "--vocab-rows", "64")
    assert "weights: random" in out
    assert open_checkpoint(tmp_path / "new").architecture == replace(SMALL, layers=1, vocab_rows=64)


SHORT = ("--prompts", "16", "--batches", "1", "--new-tokens", "120", "--rounds", "1", "--threads", "1")


def test_measure_writes_tables_and_files(small: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Processor time, which other programs do not change.
    monkeypatch.setattr(probe, "measure_backend", partial(measure_backend, timer="process_time"))
    files = [tmp_path / "m.json", tmp_path / "m.csv", tmp_path / "m.md"]
    outputs = [word for file in files for word in ("-o", str(file))]
    out, err = invoke("measure", str(small.path), *SHORT, *outputs)
    assert "pythia-70m: weights: random" in err
    assert "measuring pythia-70m as q4_0 on llamacpp" in err
    assert [line for line in out.splitlines() if "weights: random" in line]
    assert "generation, 2023" in out
    assert "267.8" in out
    assert [found["quantization"] for found in json.loads(files[0].read_text("utf-8"))["measurements"]] == [
        "int8",
        "q4_0",
    ]
    rows = list(csv.DictReader(io.StringIO(files[1].read_text("utf-8"))))
    assert {row["weights"] for row in rows} == {"random"}
    assert files[2].read_text("utf-8").startswith("### Resident memory, MiB")


def test_measure_refuses_in_one_line_before_measuring(small: Checkpoint, tmp_path: Path) -> None:
    path = str(small.path)
    for arguments, message in (
        (("--quantization", "q4_2"), "q4_2 cannot be run"),
        (("--backend", "ctranslate2,llamacpp", "--quantization", "int8"), "llamacpp supports none of int8"),
        (("--backend", "llamacpp", "--quantization", "q4_0,int8"), "llamacpp cannot run int8"),
        (("--backend", "vllm"), "no backend is called 'vllm'"),
        (("--prompts", "16,x"), "--prompts is 'x'; use a whole number from 1"),
        (("-o", str(tmp_path / "m.xyz")), "cannot tell the format"),
    ):
        with pytest.raises(TokbenchError, match=message):
            invoke("measure", path, *arguments)
    with pytest.raises(TokbenchError, match="no model is called"):
        invoke("measure", "pythia-33m")
