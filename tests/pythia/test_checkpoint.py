"""Checkpoints: found whole or refused in one line, and random ones of the hub's shape."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tokbench.errors import TokbenchError, UnavailableError
from tokbench.pythia.formats.configuration import read_architecture
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import describe, find_architecture, make, open_or_make
from tokbench.pythia.formats.weights import Weights, list_shapes, split_heads
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import parameters
from tokbench.pythia.model.models import find_model

pytestmark = pytest.mark.skipif(find_spec("safetensors") is None, reason="not installed: safetensors")

TINY = Architecture(layers=2, width=32, heads=2, vocab_rows=40, context=64)

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make(TINY, tmp_path / "tiny", seed=5)


def edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")


def rewrite(folder: Path, edit: Edit) -> None:
    """Read all tensors, let `edit` change them, and write them again by the library."""
    from safetensors.numpy import load_file, save_file

    tensors = load_file(folder / "model.safetensors")
    edit(tensors)
    save_file(tensors, folder / "model.safetensors")


# ---- shapes


def test_shapes_of_a_small_model_by_hand() -> None:
    shapes = list_shapes(replace(TINY, layers=1))
    assert shapes == {
        "gpt_neox.embed_in.weight": (40, 32),
        "gpt_neox.layers.0.input_layernorm.weight": (32,),
        "gpt_neox.layers.0.input_layernorm.bias": (32,),
        "gpt_neox.layers.0.post_attention_layernorm.weight": (32,),
        "gpt_neox.layers.0.post_attention_layernorm.bias": (32,),
        "gpt_neox.layers.0.attention.query_key_value.weight": (96, 32),
        "gpt_neox.layers.0.attention.query_key_value.bias": (96,),
        "gpt_neox.layers.0.attention.dense.weight": (32, 32),
        "gpt_neox.layers.0.attention.dense.bias": (32,),
        "gpt_neox.layers.0.mlp.dense_h_to_4h.weight": (128, 32),
        "gpt_neox.layers.0.mlp.dense_h_to_4h.bias": (128,),
        "gpt_neox.layers.0.mlp.dense_4h_to_h.weight": (32, 128),
        "gpt_neox.layers.0.mlp.dense_4h_to_h.bias": (32,),
        "gpt_neox.final_layer_norm.weight": (32,),
        "gpt_neox.final_layer_norm.bias": (32,),
        "embed_out.weight": (40, 32),
    }


@pytest.mark.parametrize("size", ["70m", "160m", "410m", "1b", "1.4b", "2.8b", "6.9b", "12b"])
def test_the_shapes_hold_the_parameters_of_each_size(size: str) -> None:
    architecture = find_model(size).architecture
    assert sum(map(math.prod, list_shapes(architecture).values())) == parameters(architecture)


def test_heads_are_split_into_all_q_all_k_all_v() -> None:
    fused = np.array(["q0", "q0", "k0", "k0", "v0", "v0", "q1", "q1", "k1", "k1", "v1", "v1"])
    assert split_heads(fused, 2).tolist() == ["q0", "q0", "q1", "q1", "k0", "k0", "k1", "k1", "v0", "v0", "v1", "v1"]
    assert split_heads(np.stack([fused, fused], axis=1), 2)[:, 0].tolist() == split_heads(fused, 2).tolist()


# ---- random weights


def test_random_weights_are_a_whole_checkpoint_that_says_so(folder: Path) -> None:
    checkpoint = open_checkpoint(folder)
    assert checkpoint.architecture == TINY
    assert (checkpoint.weights, checkpoint.stored, checkpoint.format) == ("random", "float16", "safetensors")
    assert checkpoint.tokenizer is None
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "model.safetensors"]


def test_the_library_reads_what_was_written(folder: Path) -> None:
    from safetensors import safe_open
    from safetensors.numpy import load_file

    tensors = load_file(folder / "model.safetensors")
    assert {name: tensor.shape for name, tensor in tensors.items()} == list_shapes(TINY)
    assert {tensor.dtype for tensor in tensors.values()} == {np.dtype("float16")}
    with safe_open(folder / "model.safetensors", framework="numpy") as shard:
        assert shard.metadata() == {"format": "pt", "weights": "random", "seed": "5"}


def test_the_spread_of_random_weights_is_that_of_the_definition(tmp_path: Path) -> None:
    wide = Architecture(layers=2, width=256, heads=4, vocab_rows=500)
    files = (make(wide, tmp_path / "wide") / "model.safetensors",)
    with Weights(files, wide) as weights:
        expected = {
            "gpt_neox.embed_in.weight": (0, 1 / 16),
            "gpt_neox.layers.1.attention.query_key_value.weight": (0, 1 / 16),
            "gpt_neox.layers.1.attention.dense.weight": (0, 1 / 32),
            "gpt_neox.layers.0.mlp.dense_4h_to_h.weight": (0, 1 / 64),
            "gpt_neox.final_layer_norm.weight": (1, 0.1),
            "gpt_neox.layers.0.mlp.dense_h_to_4h.bias": (0, 0.1),
        }
        for name, (mean, spread) in expected.items():
            tensor = weights.read(name).astype(np.float64)
            assert tensor.mean() == pytest.approx(mean, abs=4 * spread / math.sqrt(tensor.size)), name
            assert tensor.std() == pytest.approx(spread, rel=4 / math.sqrt(2 * tensor.size)), name


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(folder: Path, tmp_path: Path) -> None:
    same, other = make(TINY, tmp_path / "same", seed=5), make(TINY, tmp_path / "other", seed=6)
    assert (same / "model.safetensors").read_bytes() == (folder / "model.safetensors").read_bytes()
    assert open_checkpoint(same).sha256 == open_checkpoint(folder).sha256
    assert open_checkpoint(other).sha256 != open_checkpoint(folder).sha256


def test_float32_weights_and_no_other_types(tmp_path: Path) -> None:
    assert open_checkpoint(make(TINY, tmp_path / "whole", dtype="float32")).stored == "float32"
    with pytest.raises(TokbenchError, match="no random weights of the type 'int8'"):
        make(TINY, tmp_path / "none", dtype="int8")


def test_a_folder_with_a_model_is_left_alone(folder: Path) -> None:
    before = (folder / "model.safetensors").read_bytes()
    with pytest.raises(TokbenchError, match="already holds a model"):
        make(TINY, folder, seed=9)
    assert (folder / "model.safetensors").read_bytes() == before


def test_more_than_the_disk_holds_is_refused_before_writing(tmp_path: Path) -> None:
    huge = replace(TINY, vocab_rows=10**12)
    with pytest.raises(TokbenchError, match=r"the weights take [\d.]+ GiB"):
        make(huge, tmp_path / "huge")
    assert list((tmp_path / "huge").iterdir()) == []


# ---- what is refused


def test_a_missing_tensor_is_named(folder: Path) -> None:
    rewrite(folder, lambda tensors: tensors.pop("gpt_neox.layers.1.attention.dense.bias") is None)
    with pytest.raises(
        TokbenchError, match=r"layers\.1\.attention\.dense\.bias is missing; expected shape \(32,\)"
    ) as e:
        open_checkpoint(folder)
    assert "\n" not in str(e.value)


def test_a_wrong_shape_is_named_with_both(folder: Path) -> None:
    def edit(tensors: dict[str, Any]) -> None:
        tensors["embed_out.weight"] = tensors["embed_out.weight"][:39].copy()

    rewrite(folder, edit)
    with pytest.raises(
        TokbenchError, match=r"embed_out\.weight has the wrong shape: expected \(40, 32\), found \(39, 32\)"
    ):
        open_checkpoint(folder)


def test_a_tensor_of_something_else_is_refused_and_buffers_are_not(folder: Path) -> None:
    def add(name: str) -> Edit:
        return lambda tensors: tensors.update({name: np.zeros((1, 1, 4, 4), np.float16)})

    rewrite(folder, add("gpt_neox.layers.0.attention.bias"))
    rewrite(folder, add("gpt_neox.layers.0.attention.masked_bias"))
    rewrite(folder, add("gpt_neox.layers.0.attention.rotary_emb.inv_freq"))
    assert open_checkpoint(folder).weights == "pretrained"  # the library wrote it without our marker
    rewrite(folder, add("gpt_neox.layers.0.adapter"))
    with pytest.raises(TokbenchError, match=r"layers\.0\.adapter is not part of a GPT-NeoX model"):
        open_checkpoint(folder)


def test_a_type_that_numpy_lacks_is_refused(folder: Path) -> None:
    content = (folder / "model.safetensors").read_bytes().replace(b'"F16"', b'"I16"')
    (folder / "model.safetensors").write_bytes(content)
    with pytest.raises(TokbenchError, match="is of the type I16, which is not supported; convert"):
        open_checkpoint(folder)


def test_a_damaged_file_is_one_line(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"\x10\0\0\0\0\0\0\0{" + b" " * 40)
    with pytest.raises(TokbenchError, match="not a readable safetensors file") as error:
        open_checkpoint(folder)
    assert "\n" not in str(error.value)


def test_shards_are_read_by_their_index(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    whole = open_checkpoint(folder).sha256
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    places = {}
    for number, part in enumerate((names[:10], names[10:]), 1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file({name: tensors[name] for name in part}, folder / file, {"weights": "random"})
        places |= dict.fromkeys(part, file)
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}), "utf-8")
    sharded = open_checkpoint(folder)
    assert (sharded.architecture, sharded.weights, len(sharded.weight_files)) == (TINY, "random", 2)
    assert sharded.sha256 != whole
    with Weights(sharded.weight_files, TINY) as weights:
        np.testing.assert_array_equal(weights.read("embed_out.weight"), tensors["embed_out.weight"])
    (folder / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(TokbenchError, match=r"model-00002-of-00002\.safetensors is missing"):
        open_checkpoint(folder)


def test_the_hash_changes_with_weights_configuration_and_tokenizer(folder: Path) -> None:
    first = open_checkpoint(folder).sha256
    edit_config(folder, layer_norm_eps=1e-6)
    second = open_checkpoint(folder).sha256
    (folder / "tokenizer.json").write_text("{}", "utf-8")
    third = open_checkpoint(folder)
    assert third.tokenizer == folder / "tokenizer.json"
    assert len({first, second, third.sha256}) == 3


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model_type": "llama"}, r"the weights hold 28,\d\d\d values, but a llama model of this shape has 3\d,\d\d\d"),
        ({"model_type": "t5"}, "the shape of model_type 't5' is not known"),
        ({"architectures": ["GPTNeoXForSequenceClassification"]}, "not a GPT-NeoX model"),
        ({"intermediate_size": 100}, r"mlp\.dense_h_to_4h\.weight has the wrong shape: expected \(100, 32\)"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu', expected 'gelu'"),
        ({"tie_word_embeddings": True}, "tie_word_embeddings is True"),
        ({"rotary_emb_base": 0}, "rotary_emb_base is 0, expected a number above 0"),
        ({"num_attention_heads": 3}, "hidden_size modulo num_attention_heads is 2"),
        ({"hidden_size": None}, "config.json"),
    ],
)
def test_other_models_are_refused(folder: Path, changes: dict[str, object], message: str) -> None:
    edit_config(folder, **changes)
    with pytest.raises(TokbenchError, match=message):
        open_checkpoint(folder)


def test_configurations_of_newer_libraries_are_read(tmp_path: Path) -> None:
    config = describe(TINY)
    del config["rotary_pct"], config["rotary_emb_base"]
    config["rope_parameters"] = {"rope_type": "default", "rope_theta": 10000, "partial_rotary_factor": 0.5}
    assert read_architecture(config, tmp_path) == replace(TINY, rotary_fraction=0.5)


def test_places_without_a_checkpoint(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(TokbenchError, match=r"no such checkpoint: \./nowhere"):
        open_checkpoint("./nowhere")
    with pytest.raises(TokbenchError, match=r"it has no config\.json"):
        open_checkpoint(tmp_path)
    with pytest.raises(TokbenchError, match="is not a checkpoint; a file must be a GGUF file"):
        open_checkpoint(folder / "config.json")
    with pytest.raises(TokbenchError, match="has no revisions"):
        open_checkpoint(folder, revision="step3000")
    (folder / "model.safetensors").unlink()
    with pytest.raises(TokbenchError, match=r"model\.safetensors is missing"):
        open_checkpoint(folder)


def test_a_repository_of_the_hub_without_network(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="EleutherAI/pythia-70m@step3000 is not in the Hugging Face cache"):
        open_checkpoint("EleutherAI/pythia-70m", revision="step3000", offline=True)
    with pytest.raises(TokbenchError, match="two revisions"):
        open_checkpoint("EleutherAI/pythia-70m@step1", revision="step3000", offline=True)


def test_a_repository_in_the_hub_cache_is_found(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    commit = "0" * 40
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    place = tmp_path / "hub" / "models--made--tiny"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "step3000").write_text(commit, "utf-8")
    snapshot = place / "snapshots" / commit
    snapshot.parent.mkdir()
    folder.rename(snapshot)
    found = open_checkpoint("hf:made/tiny", revision="step3000", offline=True)
    assert (found.name, found.architecture) == ("tiny@step3000", TINY)
    assert open_checkpoint("made/tiny@step3000", offline=True).sha256 == found.sha256
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(UnavailableError):
        open_checkpoint("made/tiny@step3000", offline=True)


# ---- names of the suite


def test_a_name_of_the_suite_gets_random_weights_once(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(find_model("70m"), architecture=TINY)
    monkeypatch.setattr("tokbench.pythia.model.models.find_model", lambda name: small)  # not 140 MB
    first = open_or_make("pythia-70m", offline=True)
    assert (first.name, first.weights, first.architecture) == ("pythia-70m", "random", TINY)
    written = first.path.stat().st_mtime_ns
    again = open_or_make("pythia-70m", random=True)
    assert (again.path, again.path.stat().st_mtime_ns) == (first.path, written)
    with pytest.raises(UnavailableError, match="step3000"):
        open_or_make("pythia-70m", revision="step3000", offline=True)
    with pytest.raises(TokbenchError, match="random weights have no revisions"):
        open_or_make("pythia-70m", revision="step3000", random=True)


def test_names_and_paths_are_told_apart(folder: Path) -> None:
    assert find_architecture("pythia-1.4b") == find_model("1.4b").architecture
    assert find_architecture(folder) is None
    assert find_architecture("hf:made/tiny") is None
    assert open_or_make(folder).architecture == TINY
    with pytest.raises(TokbenchError, match="no model is called 'pythia-33m'"):
        open_or_make("pythia-33m", offline=True)
    with pytest.raises(TokbenchError, match="is not a model's name, which random weights need"):
        open_or_make(folder, random=True)


# ---- other formats


@pytest.mark.skipif(find_spec("gguf") is None, reason="not installed: gguf")
def test_gguf_files_of_another_architecture_or_damaged(tmp_path: Path) -> None:
    from gguf import GGUFWriter

    path = tmp_path / "other.gguf"
    writer = GGUFWriter(path, "mamba")
    writer.add_block_count(1)
    writer.add_embedding_length(32)
    writer.add_tensor("blk.0.ssm_a", np.zeros(32, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(TokbenchError, match="mamba has no attention heads; recurrent models are not supported"):
        open_checkpoint(path)
    path.write_bytes(b"no GGUF at all")
    with pytest.raises(TokbenchError, match="not a readable GGUF file"):
        open_checkpoint(path)


@pytest.mark.skipif(find_spec("gguf") is None, reason="not installed: gguf")
def test_a_gguf_file_without_a_tensor_is_refused(folder: Path, tmp_path: Path) -> None:
    from tokbench.pythia.backends._gguf_writing import write_gguf

    path = tmp_path / "whole.gguf"
    write_gguf(open_checkpoint(folder), "f16", path)
    assert open_checkpoint(path).architecture == TINY
    content = path.read_bytes()
    assert content.count(b"blk.1.ffn_down.weight") == 1
    path.write_bytes(content.replace(b"blk.1.ffn_down.weight", b"blk.1.ffn_dawn.weight"))
    with pytest.raises(TokbenchError, match=r"blk\.1\.ffn_down\.weight .*expected shape \(32, 128\), found none"):
        open_checkpoint(path)


@pytest.mark.skipif(find_spec("ctranslate2") is None, reason="not installed: ctranslate2")
def test_ctranslate2_folders_that_are_damaged_or_lack_a_variable(folder: Path, tmp_path: Path) -> None:
    from tokbench.pythia.backends._ctranslate2_spec import write_folder

    converted = tmp_path / "converted"
    converted.mkdir()
    write_folder(open_checkpoint(folder), "int8_float32", converted)
    checkpoint = open_checkpoint(converted)
    assert (checkpoint.architecture, checkpoint.weights, checkpoint.stored) == (TINY, "random", "int8")
    whole = (converted / "model.bin").read_bytes()
    (converted / "model.bin").write_bytes(whole.replace(b"layer_1/ffn/linear_0/bias", b"layer_1/ffn/linear_0/blas"))
    with pytest.raises(TokbenchError, match=r"layer_1/ffn/linear_0/bias: expected shape \(128,\), found none"):
        open_checkpoint(converted)
    (converted / "model.bin").write_bytes(whole[:500])
    with pytest.raises(TokbenchError, match="not a readable CTranslate2 model"):
        open_checkpoint(converted)
    (converted / "model.bin").write_bytes(b"\x05\0\0\0" + whole[4:])
    with pytest.raises(TokbenchError, match="version 5 of the format, expected 6"):
        open_checkpoint(converted)
