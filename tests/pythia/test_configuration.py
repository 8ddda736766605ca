"""Keys of config.json and types of weights: honoured, irrelevant or refused in one line, never passed over."""

from __future__ import annotations

import json
import struct
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers.neox import forward, relative_error
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import run
from tokbench.pythia.formats.configuration import FIXED, HONOURED, IRRELEVANT, read_architecture
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import describe, make
from tokbench.pythia.formats.weights import Weights, list_shapes
from tokbench.pythia.model.architecture import Architecture

pytestmark = pytest.mark.skipif(find_spec("safetensors") is None, reason="not installed: safetensors")

TINY = Architecture(layers=2, width=64, heads=2, vocab_rows=320, context=64)
IDS = [5, 9, 33, 7, 0, 39]
SOURCE = Path("config.json")
NEW = {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.5}


def read(drop: tuple[str, ...] = (), **changes: Any) -> Architecture:
    config = {key: value for key, value in describe(TINY).items() if key not in drop}
    return read_architecture(config | changes, SOURCE)


def refuse(message: str, drop: tuple[str, ...] = (), **changes: Any) -> None:
    with pytest.raises(TokbenchError) as caught:
        read(drop, **changes)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


OLD_NAMES = ("rotary_pct", "rotary_emb_base")


def test_the_part_of_a_head_that_is_rotated_under_each_name() -> None:
    half = replace(TINY, rotary_fraction=0.5)
    assert read(rotary_pct=0.5) == half
    assert read(OLD_NAMES, rope_parameters=NEW) == half
    assert read(OLD_NAMES, rope_scaling=NEW) == half
    assert read(rope_parameters=NEW, rotary_pct=0.5, partial_rotary_factor=0.5, rope_theta=10000) == half
    assert read(OLD_NAMES) == read(OLD_NAMES, rope_parameters={}, rope_scaling=None) == TINY
    assert read(rope_parameters={"rope_type": "default", "rope_theta": 1e4}) == TINY


def test_names_that_contradict_each_other_are_refused() -> None:
    refuse("rotary_pct is 0.25, but rope_parameters.partial_rotary_factor is 0.5", rope_parameters=NEW)
    refuse("partial_rotary_factor is 0.5, but rotary_pct is 0.25", partial_rotary_factor=0.5)
    refuse("partial_rotary_factor is 0.5, but the default of rotary_pct is 0.25", OLD_NAMES, partial_rotary_factor=0.5)
    refuse("rope_theta is 500.0, but rotary_emb_base is 10000.0", rope_theta=500)
    other = {**NEW, "partial_rotary_factor": 0.25}
    refuse(
        "rope_parameters.partial_rotary_factor is 0.25, but rope_scaling.partial_rotary_factor is 0.5",
        OLD_NAMES,
        rope_scaling=NEW,
        rope_parameters=other,
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rotary_emb_base": 0}, "rotary_emb_base is 0, expected a number above 0"),
        ({"rope_parameters": {"rope_theta": -1}, "rotary_emb_base": None}, "rope_parameters.rope_theta is -1"),
        ({"rotary_dim": 16}, "rotary_dim is 16, expected 8"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_scaling.type is 'linear', expected 'default'"),
        ({"rope_parameters": {**NEW, "rope_type": "yarn"}}, "rope_parameters.rope_type is 'yarn'"),
        ({"rope_parameters": {"rope_type": "default", "factor": 4.0}}, "rope_parameters.factor is 4.0, expected None"),
        ({"rope_parameters": {"full_attention": {}}}, "rope_parameters.full_attention is {}"),
        ({"rope_parameters": [1]}, "rope_parameters is [1], expected None"),
        ({"rope_scaling": "dynamic"}, "rope_scaling is 'dynamic'"),
        ({"rotary_pct": 0}, "rotary_pct is 0, expected a number above 0"),
        ({"rotary_pct": "0.25"}, "rotary_pct is '0.25', expected a number"),
        ({"rotary_pct": 1.5}, "rotary_pct is 1.5, expected at most 1"),
        ({"rotary_pct": 1e308}, "rotary_pct is 1e+308, expected at most 1"),
        ({"rotary_pct": 0.1}, "rotary_pct is 0.1, which rotates 3 of the 32 dimensions of a head"),
        ({"use_parallel_residual": "false"}, "use_parallel_residual is 'false', expected true or false"),
        ({"use_parallel_residual": None}, "use_parallel_residual is None"),
        ({"layer_norm_eps": 0}, "layer_norm_eps is 0, expected a number above 0"),
        ({"layer_norm_eps": float("nan")}, "layer_norm_eps is nan"),
        ({"num_hidden_layers": 2.5}, "num_hidden_layers is 2.5, expected a positive integer"),
        ({"num_attention_heads": True}, "num_attention_heads is True"),
        ({"vocab_size": "320"}, "vocab_size is '320'"),
        ({"max_position_embeddings": 0}, "max_position_embeddings is 0"),
        ({"head_dim": 16}, "head_dim is 16, expected 32"),
        ({"hidden_act": "relu"}, "hidden_act is 'relu', expected 'gelu'"),
        ({"hidden_act": None}, "hidden_act is None"),
        ({"attention_bias": False}, "attention_bias is False, expected True"),
        ({"is_causal": False}, "is_causal is False"),
        ({"is_encoder_decoder": True}, "is_encoder_decoder is True"),
        ({"pruned_heads": {"0": [1]}}, "pruned_heads is {'0': [1]}"),
        ({"quantization_config": {"bits": 4}}, "quantization_config is {'bits': 4}, an unknown key"),
        ({"auto_map": {"AutoModel": "x.Y"}}, "auto_map is {'AutoModel': 'x.Y'}, an unknown key"),
        ({"sliding_window": 128}, "sliding_window is 128, an unknown key"),
        ({"architectures": "GPTNeoXForCausalLM"}, "not a GPT-NeoX model, but 'gpt_neox', 'GPTNeoXForCausalLM'"),
    ],
)
def test_what_is_computed_otherwise_is_refused_by_key_and_value(changes: dict[str, Any], message: str) -> None:
    refuse(message, **changes)


def test_what_changes_nothing_is_passed_over() -> None:
    assert read(**dict.fromkeys(IRRELEVANT, 3), _name_or_path="x", sliding_window=None) == TINY
    assert read(hidden_act="gelu_python", attention_bias=None, dtype="bfloat16") == TINY
    assert read(layer_norm_eps=1e-6, use_parallel_residual=False) == replace(
        TINY, layer_norm_epsilon=1e-6, parallel_residual=False
    )


@pytest.mark.skipif(find_spec("transformers") is None, reason="not installed: transformers")
def test_every_key_of_the_class_of_transformers_is_decided_on() -> None:
    from transformers import GenerationConfig, GPTNeoXConfig

    config = GPTNeoXConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=256,
        vocab_size=320,
        max_position_embeddings=64,
        architectures=["GPTNeoXForCausalLM"],
    )
    keys = {*config.to_dict(), *GenerationConfig._get_default_generation_params()} - {"intermediate_size"}
    assert {key for key in keys if not key.startswith("_")} <= HONOURED | set(FIXED) | IRRELEVANT
    assert read_architecture(json.loads(config.to_json_string()), SOURCE) == TINY
    assert read_architecture(json.loads(config.to_json_string(use_diff=False)), SOURCE) == TINY
    read_back = GPTNeoXConfig(**describe(replace(TINY, rotary_fraction=0.5)))
    assert read_architecture(json.loads(read_back.to_json_string()), SOURCE) == replace(TINY, rotary_fraction=0.5)


# ---- bfloat16


def write_tensors(file: Path, tensors: dict[str, np.ndarray[Any, Any]], dtype: str) -> None:
    """A safetensors file, its header written out."""
    head: dict[str, Any] = {}
    begin = 0
    for name, tensor in tensors.items():
        end = begin + tensor.nbytes
        head[name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [begin, end]}
        begin = end
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    file.write_bytes(struct.pack("<Q", len(text)) + text + b"".join(t.tobytes() for t in tensors.values()))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The same model twice: in bfloat16, and its values in float32."""
    narrow, wide = make(TINY, tmp_path / "narrow", seed=3, dtype="float32"), tmp_path / "wide"
    wide.mkdir()
    (wide / "config.json").write_bytes((narrow / "config.json").read_bytes())
    with Weights([narrow / "model.safetensors"], TINY) as weights:
        halves = {n: (weights.read(n).view(np.uint32) >> 16).astype("<u2") for n in list_shapes(TINY)}
    write_tensors(narrow / "model.safetensors", halves, "BF16")
    whole = {n: (half.astype(np.uint32) << 16).view(np.float32) for n, half in halves.items()}
    write_tensors(wide / "model.safetensors", whole, "F32")
    return narrow, wide


def test_bfloat16_is_the_upper_half_of_float32(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    narrow, wide = map(open_checkpoint, pair)
    assert (narrow.stored, wide.stored) == ("bfloat16", "float32")
    with Weights(narrow.weight_files, TINY) as ours, Weights(wide.weight_files, TINY) as theirs:
        for name in list_shapes(TINY):
            assert ours.read(name).dtype == np.float32
            np.testing.assert_array_equal(ours.read(name), theirs.read(name))
    np.testing.assert_array_equal(forward(narrow, IDS), forward(wide, IDS))
    tensors = {n: np.zeros(s, "<u2") for n, s in list_shapes(TINY).items()}
    # Sign, 8 bits of exponent, 7 of fraction: 1, -2, 1.5, the largest and the smallest number.
    tensors["gpt_neox.final_layer_norm.bias"][:5] = [0x3F80, 0xC000, 0x3FC0, 0x7F7F, 0x0001]
    write_tensors(pair[0] / "model.safetensors", tensors, "BF16")
    with Weights([pair[0] / "model.safetensors"], TINY) as weights:
        found = weights.read("gpt_neox.final_layer_norm.bias")[:5].tolist()
    assert found == [1.0, -2.0, 1.5, (2 - 2.0**-7) * 2.0**127, 2.0**-133]


@pytest.mark.parametrize(
    ("backend", "quantization", "library"),
    [
        ("ctranslate2", "float32", "ctranslate2"),
        ("llamacpp", "f16", "xllamacpp"),
        ("ctranslate2", "bfloat16", "ctranslate2"),
    ],
)
def test_bfloat16_runs_on_the_backends(pair: tuple[Path, Path], backend: str, quantization: str, library: str) -> None:
    if find_spec(library) is None:
        pytest.skip(f"not installed: {library}")
    from tokbench.pythia.backends import BACKENDS

    if quantization not in BACKENDS[backend].list_quantizations():
        pytest.skip(f"{quantization} does not run on this machine")
    checkpoint = open_checkpoint(pair[0])
    loaded = run(checkpoint, backend, quantization, threads=1)
    try:
        error = relative_error(loaded.logits(IDS), forward(checkpoint, IDS))
    finally:
        loaded.close()
    assert error < (0.05 if quantization == "bfloat16" else 1e-3)


@pytest.mark.parametrize(("dtype", "width"), [("F64", "<f8"), ("I16", "<i2"), ("F8_E4M3", "u1")])
def test_other_types_are_one_line(pair: tuple[Path, Path], dtype: str, width: str) -> None:
    tensors = {n: np.zeros(s, width) for n, s in list_shapes(TINY).items()}
    write_tensors(pair[0] / "model.safetensors", tensors, dtype)
    with pytest.raises(TokbenchError, match=f"is of the type {dtype}, which is not supported; convert") as caught:
        open_checkpoint(pair[0])
    assert "float16, float32, bfloat16" in str(caught.value)


@pytest.mark.parametrize("content", ['{"weight_map": []}', '{"weight_map": {}}', "{}", "[]", "{"])
def test_a_damaged_index_is_one_line(pair: tuple[Path, Path], content: str) -> None:
    (pair[0] / "model.safetensors.index.json").write_text(content)
    with pytest.raises(TokbenchError, match=r"index\.json") as caught:
        open_checkpoint(pair[0])
    assert "\n" not in str(caught.value)
