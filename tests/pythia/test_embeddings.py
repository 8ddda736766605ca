"""Embedding matrices are read alone, whatever the family and the format; damage is one line."""

from __future__ import annotations

import json
import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.embeddings import draw, write_model, write_safetensors
from tokbench.errors import TokbenchError, UnavailableError
from tokbench.pythia.formats.embedding_names import NAMES, find_names
from tokbench.pythia.formats.embeddings import open_embeddings

pytestmark = pytest.mark.skipif(find_spec("safetensors") is None, reason="not installed: safetensors")
needs_gguf = pytest.mark.skipif(find_spec("gguf") is None, reason="not installed: gguf")

LLAMA = ("model.embed_tokens.weight", "lm_head.weight")
IN, OUT = draw(40, 32, 1), draw(40, 32, 2)


def refuse(path: Path | str, says: str, **options: Any) -> None:
    with pytest.raises(TokbenchError) as caught:
        open_embeddings(path, **options)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("names", NAMES, ids=lambda names: names.input)
def test_each_family_is_known_by_the_names_of_its_tensors(names: Any, tmp_path: Path) -> None:
    write_model(tmp_path / "untied", {"other": OUT, names.input: IN, names.output: OUT})
    found = open_embeddings(tmp_path / "untied")
    assert not found.tied
    assert np.array_equal(found.input.read(slice(None)), IN)
    assert np.array_equal(found.output.read(slice(None)), OUT)
    write_model(tmp_path / "tied", {names.input: IN})
    found = open_embeddings(tmp_path / "tied")
    assert found.tied_by == f"there is no {names.output}"
    assert np.array_equal(found.output.read(np.array([3, 1])), IN[[3, 1]])


@pytest.mark.parametrize("code", ["F16", "BF16", "F32", "F64"])
def test_values_are_those_of_the_file_in_every_type(code: str, tmp_path: Path) -> None:
    whole = np.arange(-40, 40, dtype=np.float32).reshape(20, 4) / 4  # exact in all of them
    path = write_safetensors(tmp_path / "m.safetensors", dict(zip(LLAMA, (whole, 2 * whole), strict=True)), code)
    found = open_embeddings(path)
    assert found.name == "m"
    assert np.array_equal(found.input.read(slice(None)), whole)
    blocks = list(found.output.read_blocks())
    assert np.array_equal(np.concatenate([rows for _, rows in blocks]), 2 * whole)
    assert blocks[-1][0].stop == 20
    assert all(rows.dtype == np.float32 for _, rows in blocks)


def test_of_a_sharded_checkpoint_only_the_shards_with_embeddings_are_opened(tmp_path: Path) -> None:
    write_safetensors(tmp_path / "a.safetensors", {LLAMA[0]: IN})
    write_safetensors(tmp_path / "c.safetensors", {LLAMA[1]: OUT, "norm": OUT[0]})
    index = {LLAMA[0]: "a.safetensors", "layers.0": "b.safetensors", LLAMA[1]: "c.safetensors"}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    found = open_embeddings(tmp_path)  # b is not there
    assert (found.input.file.name, found.output.file.name) == ("a.safetensors", "c.safetensors")
    assert np.array_equal(found.output.read(slice(None)), OUT)
    (tmp_path / "c.safetensors").unlink()
    refuse(tmp_path, "c.safetensors is missing")


@pytest.mark.parametrize("name", ["../out.safetensors", "/etc/passwd", "a\\b", 3, ""])
def test_an_index_names_files_of_its_folder_only(name: Any, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {LLAMA[0]: name}}))
    refuse(tmp_path, "weight_map names")


def test_the_configuration_decides_whether_embeddings_are_tied(tmp_path: Path) -> None:
    both = dict(zip(LLAMA, (IN, OUT), strict=True))
    assert open_embeddings(write_model(tmp_path / "a", both, tie_word_embeddings=False)).tied_by is None
    found = open_embeddings(write_model(tmp_path / "b", both, tie_word_embeddings=True))
    assert found.tied_by == "config.json: tie_word_embeddings"
    assert np.array_equal(found.output.read(slice(None)), IN)
    nested = write_model(tmp_path / "c", both, text_config={"tie_word_embeddings": True})
    assert open_embeddings(nested).tied
    refuse(write_model(tmp_path / "d", {LLAMA[0]: IN}, tie_word_embeddings=False), "lm_head.weight is missing")


def test_what_is_no_pair_of_matrices_is_refused(tmp_path: Path) -> None:
    refuse(write_model(tmp_path / "a", {"layers.0.weight": IN}), "none of its 1 tensors is an embedding matrix")
    refuse(write_model(tmp_path / "b", {LLAMA[0]: IN, LLAMA[1]: OUT[:30]}), "has the shape (30, 32)")
    refuse(write_model(tmp_path / "c", {LLAMA[0]: IN[0]}), "expected rows and columns")
    with pytest.raises(TokbenchError) as caught:
        find_names(["x"], "y")
    assert "gpt_neox.embed_in.weight, model.embed_tokens.weight" in str(caught.value)


def test_an_unsupported_type_is_named(tmp_path: Path) -> None:
    path = write_safetensors(tmp_path / "m.safetensors", {LLAMA[0]: IN}, "F16")
    path.write_bytes(path.read_bytes().replace(b'"F16"', b'"I16"'))
    refuse(path, "is of the type I16")


def test_what_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    refuse(tmp_path, "has no safetensors files")
    refuse(tmp_path / "pytorch_model.bin", "must be a safetensors or GGUF file")
    refuse(tmp_path / "not-here", "no such checkpoint")
    refuse("gone.safetensors", "no such checkpoint")
    refuse("pythia-3b", "no Pythia model")
    refuse(tmp_path, "has no revisions", revision="step1000")
    (tmp_path / "model.safetensors").write_bytes(b"\xff" * 100)
    refuse(tmp_path, "not a readable safetensors file")
    os.mkfifo(tmp_path / "pipe.safetensors")
    refuse(tmp_path / "pipe.safetensors", "is a pipe")


def test_the_hub_is_asked_only_where_that_is_allowed() -> None:
    with pytest.raises(UnavailableError, match="offline"):
        open_embeddings("nobody/nothing", offline=True)
    with pytest.raises(UnavailableError, match="EleutherAI/pythia-70m@step1000 is not in the Hugging Face cache"):
        open_embeddings("pythia-70m", revision="step1000", offline=True)
    refuse("nobody/nothing@main", "two revisions", revision="step1")


def test_a_cached_model_needs_the_shards_with_embeddings_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = "0" * 40
    snapshot = tmp_path / "models--some--model" / "snapshots" / commit
    write_model(snapshot, {LLAMA[0]: IN})
    (snapshot / "model.safetensors").rename(snapshot / "one.safetensors")
    index = {LLAMA[0]: "one.safetensors", "layers.0": "two.safetensors"}
    (snapshot / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    (tmp_path / "models--some--model" / "refs").mkdir()
    (tmp_path / "models--some--model" / "refs" / "main").write_text(commit)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    found = open_embeddings("some/model", offline=True)
    assert (found.name, found.tied) == ("model", True)
    (snapshot / "one.safetensors").unlink()
    with pytest.raises(UnavailableError, match="not in the Hugging Face cache"):
        open_embeddings("some/model", offline=True)


@needs_gguf
@pytest.mark.parametrize(
    ("kind", "tolerance"), [("F32", 0), ("F16", 1e-3), ("BF16", 1e-2), ("Q8_0", 1e-2), ("Q4_0", 0.1)]
)
def test_gguf_rows_are_dequantised(kind: str, tolerance: float, tmp_path: Path) -> None:
    from gguf import GGMLQuantizationType, GGUFWriter
    from gguf.quants import dequantize, quantize

    quantization = GGMLQuantizationType[kind]
    path = tmp_path / "m.gguf"
    writer = GGUFWriter(path, "llama")
    for name, matrix in (("token_embd.weight", IN), ("output.weight", OUT)):
        content = quantize(matrix, quantization)
        writer.add_tensor(name, content, raw_dtype=quantization)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    found = open_embeddings(path)
    assert (found.name, found.tied, found.output.dtype) == ("m", False, kind.lower())
    assert (found.output.rows, found.output.width) == OUT.shape
    rows = found.output.read(np.array([7, 39, 0]))
    assert np.abs(rows - OUT[[7, 39, 0]]).max() <= tolerance
    assert np.array_equal(rows, dequantize(quantize(OUT, quantization), quantization)[[7, 39, 0]])
    path.write_bytes(path.read_bytes()[:-600])
    refuse(path, "the file is incomplete")
