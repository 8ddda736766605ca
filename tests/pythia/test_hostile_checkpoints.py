"""Checkpoints whose settings and weights do not fit one another: one line, and no memory for what is not there."""

from __future__ import annotations

import json
import random
import struct
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokbench.errors import TokbenchError
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.formats.weights import Weights, check_finite
from tokbench.pythia.measure._conversation import Conversation
from tokbench.pythia.measure._limited_process import find_limit, run_limited
from tokbench.pythia.measure._probe_process import Request
from tokbench.pythia.model.architecture import Architecture

pytestmark = pytest.mark.skipif(find_spec("safetensors") is None, reason="not installed: safetensors")
needs_gguf = pytest.mark.skipif(find_spec("gguf") is None, reason="not installed: gguf")
needs_ctranslate2 = pytest.mark.skipif(find_spec("ctranslate2") is None, reason="not installed: ctranslate2")

TINY = Architecture(layers=2, width=32, heads=2, vocab_rows=40, context=64)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(TINY, tmp_path / "tiny", seed=5)


@pytest.fixture
def gguf(folder: Path, tmp_path: Path) -> Path:
    from tokbench.pythia.backends._gguf_writing import write_gguf

    write_gguf(open_checkpoint(folder), "f16", tmp_path / "tiny.gguf")
    return tmp_path / "tiny.gguf"


@pytest.fixture
def converted(folder: Path, tmp_path: Path) -> Path:
    from tokbench.pythia.backends._ctranslate2_spec import write_folder

    (tmp_path / "converted").mkdir()
    write_folder(open_checkpoint(folder), "int8_float32", tmp_path / "converted")
    return tmp_path / "converted"


def refuse(path: Path, says: str) -> None:
    with pytest.raises(TokbenchError) as caught:
        open_checkpoint(path)
    assert "\n" not in str(caught.value)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("num_hidden_layers", 10**9, "num_hidden_layers is 1,000,000,000, but the weights have only"),
        ("num_hidden_layers", 10**400, "expected a positive integer below 2,147,483,648"),
        ("num_hidden_layers", float("nan"), "num_hidden_layers is nan"),
        ("hidden_size", 10**8, "the tensor gpt_neox.embed_in.weight has the wrong shape"),
        ("vocab_size", 10**9, "the tensor gpt_neox.embed_in.weight has the wrong shape"),
        ("vocab_size", 1 << 31, "vocab_size is 2147483648, expected a positive integer below"),
        ("max_position_embeddings", 1 << 40, "max_position_embeddings is 1099511627776"),
        ("layer_norm_eps", float("nan"), "layer_norm_eps is nan, expected a number above 0"),
        ("layer_norm_eps", float("inf"), "layer_norm_eps is inf, expected a number above 0"),
        ("rotary_pct", float("nan"), "rotary_pct is nan, expected a number above 0"),
    ],
)
def test_settings_that_the_files_do_not_bear_out(folder: Path, key: str, value: Any, says: str) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {key: value}), "utf-8")
    refuse(folder, says)


def test_settings_that_are_no_settings(folder: Path) -> None:
    for content, says in ((b"[" * 100_000, "is damaged"), (b"[]", "is damaged"), (b'{"a": "\xff"}', "is damaged")):
        (folder / "config.json").write_bytes(content)
        refuse(folder, says)
    refuse(folder / "config.json", "is not a checkpoint")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_weights_that_are_no_numbers_are_named(folder: Path, value: float, dtype: type) -> None:
    from safetensors.numpy import load_file, save_file

    file, name = folder / "model.safetensors", "gpt_neox.layers.1.attention.dense.weight"
    tensors = {key: tensor.astype(dtype) for key, tensor in load_file(file).items()}
    tensors[name][3, 5] = value
    save_file(tensors, file)
    with Weights([file], TINY) as weights:
        assert weights.read("embed_out.weight").dtype == dtype
        with pytest.raises(TokbenchError, match=rf"{name} holds {value} at \[3, 5\], and 1 such values in all"):
            weights.read(name)


def test_the_first_of_several_places() -> None:
    check_finite(np.zeros(0, np.float32), "empty", Path("x"))
    with pytest.raises(TokbenchError, match=r"b holds nan at \[1\], and 2 such values"):
        check_finite(np.array([1, np.nan, np.inf, 2], np.float32), "b", Path("x"))


def set_metadata(path: Path, key: str, layout: str, value: float) -> None:
    """Write a number of the metadata of a GGUF file, behind its key and type."""
    content = bytearray(path.read_bytes())
    at = content.index(key.encode()) + len(key) + 4
    struct.pack_into(layout, content, at, value)
    path.write_bytes(content)


@needs_gguf
@pytest.mark.parametrize(
    ("key", "layout", "value", "says"),
    [
        ("gptneox.block_count", "<I", 10**9, "gptneox.block_count is 1,000,000,000, but the weights have only"),
        ("gptneox.block_count", "<I", 0, "gptneox.block_count is 0, expected a positive integer"),
        ("gptneox.attention.head_count", "<I", 0, "head_count is 0, expected a positive integer"),
        ("gptneox.attention.head_count", "<I", 64, "64 heads do not divide the width of 32"),
        ("gptneox.embedding_length", "<I", 0xFFFFFFFF, "embedding_length is 4294967295, expected"),
        ("gptneox.attention.layer_norm_epsilon", "<f", float("nan"), "layer_norm_epsilon is nan"),
        ("gptneox.attention.layer_norm_epsilon", "<f", float("inf"), "layer_norm_epsilon is inf"),
    ],
)
def test_metadata_of_gguf(gguf: Path, key: str, layout: str, value: float, says: str) -> None:
    set_metadata(gguf, key, layout, value)
    refuse(gguf, says)


@needs_ctranslate2
@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("tokbench_context", "many", "tokbench_context is 'many', expected a positive integer"),
        ("tokbench_context", -1, "tokbench_context is -1, expected a positive integer"),
        ("layer_norm_epsilon", float("nan"), "layer_norm_epsilon is nan, expected a number above 0"),
        ("layer_norm_epsilon", [1], "layer_norm_epsilon is [1], expected a number above 0"),
    ],
)
def test_settings_of_ctranslate2(converted: Path, key: str, value: Any, says: str) -> None:
    path = converted / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {key: value}), "utf-8")
    refuse(converted, says)


def damage(content: bytes, pick: random.Random) -> bytes:
    """Change, cut or lengthen some bytes of the beginning, where the settings are."""
    changed = bytearray(content)
    at = pick.randrange(min(len(changed), 3000))
    kind = pick.randrange(3)
    if kind == 0:
        changed[at] = pick.randrange(256)
    elif kind == 1:
        changed[at : at + 4] = pick.choice((b"\xff" * 4, b"\0" * 4, b"\x7f" * 4, b"\0\0\0\x80"))
    else:
        changed[at : at + pick.randrange(8)] = pick.randbytes(pick.randrange(8))
    return bytes(changed)


@needs_gguf
@needs_ctranslate2
def test_any_damage_is_one_line_or_none(folder: Path, gguf: Path, converted: Path) -> None:
    pick = random.Random(14)
    files = {folder / "model.safetensors": folder, gguf: gguf, converted / "model.bin": converted}
    for file, checkpoint in files.items():
        whole = file.read_bytes()
        for _ in range(80):
            file.write_bytes(damage(whole, pick))
            with suppress(TokbenchError):
                open_checkpoint(checkpoint)


def test_what_ended_the_measured_process() -> None:
    for code, says in (
        ("import os; os.abort()", "measuring x failed: its process was ended by SIGABRT; if it ran out of memory"),
        ("raise MemoryError", "measuring x failed: it ran out of memory"),
        ("raise SystemExit(7)", "measuring x failed: its process ended with status 7"),
    ):
        with pytest.raises(TokbenchError, match=says):
            run_limited([sys.executable, "-c", code], "measuring x", 600)
    with pytest.raises(TokbenchError, match="measuring x was ended after 0 s without a result; choose a smaller model"):
        run_limited([sys.executable, "-c", "import time; time.sleep(600)"], "measuring x", 0.01)


def test_a_measured_process_ends_at_its_limit() -> None:
    request = Request("x", "llamacpp", "f16", "cpu", 1, 64, 40, (128,), (1,), 64, 5, 0)
    with (
        pytest.raises(TokbenchError, match="measuring x was ended after 0 s without a result"),
        Conversation(request, "measuring x", 0.0) as process,
    ):
        process.ask("memory")


def test_the_limit_grows_with_the_work() -> None:
    small = Request("x", "llamacpp", "f16", "cpu", 1, 64, 40, (128,), (1,), 64, 5, 0)
    more = Request("x", "llamacpp", "f16", "cpu", 1, 64, 40, (128, 2048), (1, 8), 64, 5, 0)
    assert find_limit(small, 0) == 600
    assert find_limit(small, 10**9, 1) < find_limit(small, 10**9, 5)
    assert 600 < find_limit(small, 10**9) < find_limit(more, 10**9) < find_limit(more, 2 * 10**9)
    seven_billion_at_two_tokens_a_second = 14e9 / 1e9 + (7 * 65 * 2 + 64) / 2
    assert find_limit(more, 14 * 10**9) > 10 * seven_billion_at_two_tokens_a_second
