"""Models beyond Pythia on the backends: logits, choices of type and backend, and what cannot be run in one line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import llama
from helpers.commands import run as run_command
from helpers.neox import relative_error
from tokbench.cli.model_run import pair_up
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.backends import BACKENDS, UnsupportedCheckpointError, run
from tokbench.pythia.formats.checkpoint import Checkpoint, Computation
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make
from tokbench.pythia.model.architecture import Architecture, Attention, Embeddings, Experts, Mlp, Norms
from tokbench.pythia.model.arithmetic import parameters
from tokbench.pythia.model.memory import weight_bytes
from tokbench.pythia.model.quantization import QUANTIZATIONS, find_quantization

IDS = [5, 9, 33, 77, 120, 300, 0, 44, 251, 13, 13, 199]


def needs(*libraries: str) -> pytest.MarkDecorator:
    missing = [library for library in libraries if find_spec(library) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


pytestmark = needs("safetensors")
needs_transformers = needs("transformers", "torch")
needs_llamacpp = needs("xllamacpp", "gguf")


def shape(family: str, **changes: Any) -> Architecture:
    plain = Architecture(
        layers=2,
        width=64,
        heads=4,
        vocab_rows=320,
        context=256,
        rotary_fraction=1,
        parallel_residual=False,
        family=family,
        attention=Attention(kv_heads=2, bias=False, output_bias=False),
        mlp=Mlp(160, gated=True, bias=False, output_bias=False),
        norms=Norms(values=1),
    )
    return replace(plain, **changes)


LLAMA = shape("llama")
SHAPES = {
    "llama": LLAMA,
    "llama with biases, tied": shape(
        "llama", attention=Attention(kv_heads=4), mlp=Mlp(160, gated=True), embeddings=Embeddings(tied=True)
    ),
    "mistral": shape("mistral", attention=Attention(2, 32, bias=False, output_bias=False)),
    "qwen2": shape("qwen2", attention=Attention(1, bias=True, output_bias=False), embeddings=Embeddings(tied=True)),
}


def edit(folder: Path, **changes: object) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | changes), "utf-8")
    return folder


def compare(checkpoint: Checkpoint, backend: str, kind: str, expected: Any) -> float:
    loaded = run(checkpoint, backend, kind, threads=1, context=64)
    try:
        return relative_error(loaded.logits(IDS), expected)
    finally:
        loaded.close()


# ---- LLaMA-like models, without torch


@pytest.mark.parametrize("name", SHAPES)
@pytest.mark.parametrize(
    ("backend", "kind", "tolerance"),
    [
        pytest.param("ctranslate2", "float32", 1e-5, marks=needs("ctranslate2")),
        pytest.param("llamacpp", "f32", 2e-3, marks=needs_llamacpp),
        pytest.param("llamacpp", "bf16", 2e-2, marks=needs_llamacpp),
    ],
)
def test_llama_like_models_give_the_logits_of_the_definition(
    tmp_path: Path, name: str, backend: str, kind: str, tolerance: float
) -> None:
    folder = edit(make(SHAPES[name], tmp_path / "model", seed=4), rope_theta=500.0, rms_norm_eps=1e-3)
    checkpoint = open_checkpoint(folder)
    assert checkpoint.architecture == replace(SHAPES[name], layer_norm_epsilon=1e-3)
    assert checkpoint.computation == Computation("silu", 500.0, 0)
    assert checkpoint.weights == "random"
    read = llama.read_weights(checkpoint)
    expected = llama.forward(read, checkpoint.architecture, IDS, base=500.0)
    assert compare(checkpoint, backend, kind, expected) < tolerance
    other = llama.forward(read, replace(checkpoint.architecture, layer_norm_epsilon=1e-5), IDS, base=10000.0)
    assert compare(checkpoint, backend, kind, other) > 2 * tolerance


def test_random_weights_of_other_families_have_the_counted_parameters(tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    for index, architecture in enumerate(SHAPES.values()):
        tensors = load_file(make(architecture, tmp_path / str(index)) / "model.safetensors")
        assert sum(tensor.size for tensor in tensors.values()) == parameters(architecture)
    with pytest.raises(TokbenchError, match="no random weights of the family opt; they are made for: gpt_neox, llama"):
        make(shape("opt"), tmp_path / "opt")
    assert not list((tmp_path / "opt").glob("*.json"))


@pytest.mark.parametrize(
    ("changes", "obstacle"),
    [
        ({"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_scaling is {'type': 'linear', 'factor': 2.0}"),
        ({"rope_parameters": {"rope_type": "default", "factor": 2.0}}, "rope_parameters is"),
        ({"rope_scaling": "yarn"}, "rope_scaling is 'yarn'"),
        ({"sliding_window": 8}, "sliding_window is 8"),
        ({"query_pre_attn_scalar": 3}, "query_pre_attn_scalar is 3, an unknown key"),
    ],
)
def test_what_our_conversion_lacks_is_named_by_key_and_value(
    tmp_path: Path, changes: dict[str, Any], obstacle: str
) -> None:
    checkpoint = open_checkpoint(edit(make(LLAMA, tmp_path / "model"), **changes))
    assert checkpoint.computation is None
    assert checkpoint.obstacle is not None
    assert checkpoint.obstacle.startswith(obstacle)
    with pytest.raises(UnsupportedCheckpointError) as caught:
        BACKENDS["llamacpp"].list_quantizations("cpu", checkpoint)
    assert obstacle in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_changes_nothing_for_llama_is_passed_over(tmp_path: Path) -> None:
    folder = make(LLAMA, tmp_path / "model")
    edit(folder, sliding_window=4096, use_sliding_window=False, rope_scaling=None, pretraining_tp=1, _name="x")
    edit(folder, rope_parameters={"rope_type": "default", "rope_theta": 7.0}, eos_token_id=[3, 4])
    assert open_checkpoint(folder).computation == Computation("silu", 7.0, 3)
    with pytest.raises(TokbenchError, match="eos_token_id is 320, expected an id below vocab_size"):
        open_checkpoint(edit(folder, eos_token_id=320))
    with pytest.raises(TokbenchError, match="rms_norm_eps is 0, expected a number above 0"):
        open_checkpoint(edit(folder, eos_token_id=0, rms_norm_eps=0))


# ---- against transformers, by its own classes with random weights


def save_random(config: Any, folder: Path) -> tuple[Checkpoint, Any]:
    """Write a random model of transformers; return it opened, and its logits in float32."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(1)
    model = AutoModelForCausalLM.from_config(config).float().eval()
    with torch.no_grad():
        for tensor in model.parameters():
            tensor.add_(torch.randn_like(tensor) * (0.1 if tensor.ndim == 1 else tensor.shape[-1] ** -0.5))
    model.save_pretrained(folder)
    with torch.inference_mode():
        return open_checkpoint(folder), model(torch.tensor([IDS])).logits[0].numpy()


SIZES = {"vocab_size": 320, "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
NEOX = SIZES | {"max_position_embeddings": 128}
WITH_GGUF = ("ctranslate2 float32", "llamacpp f32", "transformers float32")
WITHOUT_GGUF = ("ctranslate2 float32", "transformers float32")
CONFIGS: dict[str, tuple[str, dict[str, Any], Sequence[str]]] = {
    "gpt-neox-20b": (
        "GPTNeoX",
        NEOX | {"intermediate_size": 256, "hidden_act": "gelu_fast", "eos_token_id": 2},
        WITH_GGUF,
    ),
    "RedPajama-INCITE": (
        "GPTNeoX",
        NEOX | {"intermediate_size": 256, "rotary_pct": 1.0, "use_parallel_residual": False},
        WITH_GGUF,
    ),
    "Polyglot": (
        "GPTNeoX",
        NEOX | {"intermediate_size": 128, "rotary_pct": 0.5, "rotary_emb_base": 500, "layer_norm_eps": 1e-3},
        WITH_GGUF,
    ),
    "LLaMA": (
        "Llama",
        NEOX | {"intermediate_size": 160, "num_key_value_heads": 2, "rope_parameters": {"rope_theta": 5e5}},
        WITH_GGUF,
    ),
    "Qwen2": ("Qwen2", NEOX | {"intermediate_size": 160, "num_key_value_heads": 1}, WITH_GGUF),
    "OPT": (
        "OPT",
        NEOX | {"ffn_dim": 160, "word_embed_proj_dim": 32, "do_layer_norm_before": False},
        WITHOUT_GGUF,
    ),
    "BLOOM": ("Bloom", SIZES, WITHOUT_GGUF),
}


@needs_transformers
@needs("ctranslate2", "xllamacpp", "gguf")
@pytest.mark.parametrize("name", CONFIGS)
def test_logits_equal_those_of_transformers(tmp_path: Path, name: str) -> None:
    import transformers

    family, sizes, runs = CONFIGS[name]
    checkpoint, expected = save_random(getattr(transformers, f"{family}Config")(**sizes), tmp_path / "model")
    for pair in runs:
        backend, kind = pair.split()
        assert kind in BACKENDS[backend].list_quantizations("cpu", checkpoint)
        assert compare(checkpoint, backend, kind, expected) < (2e-3 if backend == "llamacpp" else 1e-5), pair
    if runs == WITHOUT_GGUF:
        assert checkpoint.computation is None
        assert list(pair_up(None, None, "cpu", checkpoint)) == [("ctranslate2", "int8")]
        with pytest.raises(UnsupportedCheckpointError, match=r"its model_type is \w+, which our conversion to GGUF"):
            run(checkpoint, "llamacpp", "f16", threads=1)


@needs_transformers
@needs("ctranslate2")
@pytest.mark.parametrize("kind", ["float32", "int8"])
def test_a_conversion_that_changes_the_logits_is_refused(kind: str, tmp_path: Path) -> None:
    """CTranslate2 4.8 takes 8,192 for the context that LLaMA 3 was trained with before its positions were scaled."""
    from transformers import LlamaConfig

    scaled = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8.0, "low_freq_factor": 1.0}
    scaled |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 64}
    config = LlamaConfig(**NEOX, intermediate_size=160, rope_parameters=scaled)
    checkpoint, expected = save_random(config, tmp_path / "model")
    with pytest.raises(UnsupportedCheckpointError, match=r"the logits of the result differ by 0\.\d+ from those of tr"):
        run(checkpoint, "ctranslate2", kind, threads=1)
    assert compare(checkpoint, "transformers", "float32", expected) < 1e-5


@needs_transformers
def test_incomplete_weights_of_other_families_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import load_file, save_file
    from transformers import OPTConfig

    save_random(OPTConfig(**NEOX, ffn_dim=160, word_embed_proj_dim=64), tmp_path / "model")
    tensors = load_file(tmp_path / "model" / "model.safetensors")
    del tensors["model.decoder.layers.1.fc1.weight"]
    save_file(tensors, tmp_path / "model" / "model.safetensors")
    with pytest.raises(TokbenchError, match=r"the weights hold [\d,]+ values, but a opt model of this shape has"):
        open_checkpoint(tmp_path / "model")


@needs("ctranslate2")
def test_families_without_transformers_name_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tokbench.pythia.backends import _ctranslate2_converters

    checkpoint = open_checkpoint(edit(make(LLAMA, tmp_path / "model"), hidden_act="gelu"))
    monkeypatch.setattr(_ctranslate2_converters, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="transformers"):
        BACKENDS["ctranslate2"].prepare(checkpoint, "float32")


# ---- pickles


@pytest.mark.parametrize("name", ["pytorch_model.bin", "pytorch_model.bin.index.json"])
def test_a_pickle_says_how_to_convert_it_and_is_not_loaded(tmp_path: Path, name: str) -> None:
    folder = make(LLAMA, tmp_path / "it's")
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(b"cos\nsystem\n(S'touch /tmp/never'\ntR.")
    done = run_command("model", "measure", str(folder), "--prompts", "8")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert f"its weights in {name}, a pickle, which could run code and is never loaded" in done.stderr
    assert "python -c 'from transformers import AutoModelForCausalLM as M; M.from_pretrained(\"" in done.stderr
    assert '.save_pretrained("it' in done.stderr


# ---- GGUF files


def write_llama_gguf(path: Path, tensors: dict[str, tuple[Any, Any]], **fields: Any) -> Path:
    """A GGUF file of two layers; tensors: bytes or values and type by name."""
    from gguf import GGUFWriter

    writer = GGUFWriter(path, "llama")
    sizes = {"block_count": 2, "embedding_length": 256, "feed_forward_length": 512, "context_length": 128}
    sizes |= {"attention.head_count": 4, "attention.head_count_kv": 2, "rope.dimension_count": 64, "vocab_size": 320}
    for key, value in (sizes | fields).items():
        writer.add_uint32(f"llama.{key}", value)
    writer.add_layer_norm_rms_eps(1e-5)
    characters = [chr(code) for code in (*range(33, 127), *range(161, 173), *range(174, 256))]
    characters += [chr(256 + index) for index in range(68)]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(["<|endoftext|>", *characters, *(f"[PAD{row}]" for row in range(257, 320))])
    writer.add_token_types([3, *[1] * 256, *[5] * 63])
    writer.add_token_merges(["\u0120 \u0120"])
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    for name, (values, kind) in tensors.items():
        writer.add_tensor(name, values, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


GGUF_NAMES = {"self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v"}
GGUF_NAMES |= {"self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up"}
GGUF_NAMES |= {"mlp.down_proj": "ffn_down", "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm"}
WIDE = shape("llama", width=256, context=128, mlp=Mlp(512, gated=True, bias=False, output_bias=False))


def draw_blocks(rows: int, columns: int, kind: str, generator: np.random.Generator) -> Any:
    """Random blocks of a K-quant: random bits, scales that give values of about 1 / sqrt(columns)."""
    size, scales = {"q4_k": (144, (0, 2)), "q6_k": (210, (208,)), "q3_k": (110, (108,)), "q2_k": (84, (80, 82))}[kind]
    blocks = generator.integers(0, 256, (rows * columns // 256, size), dtype=np.uint8)
    scale = {"q4_k": (1.5e-4, 1e-3), "q6_k": (4e-5,), "q3_k": (8e-4,), "q2_k": (3e-3, 5e-3)}[kind]
    for at, value in zip(scales, scale, strict=True):
        blocks[:, at : at + 2] = np.frombuffer(np.float16(value).tobytes(), np.uint8)
    return blocks.reshape(rows, -1)


def draw_file(path: Path, kind: str, other: str) -> tuple[Path, dict[str, Any]]:
    """Write a GGUF file of random blocks, the unembedding of another type; return it and its values."""
    from gguf import GGMLQuantizationType, quants

    from tokbench.pythia.formats.weights import list_shapes

    generator = np.random.default_rng(3)
    tensors: dict[str, tuple[Any, Any]] = {}
    values: dict[str, Any] = {}
    for name, extent in list_shapes(WIDE).items():
        bare = name.removeprefix("model.").removesuffix(".weight")
        parts = bare.split(".", 2)
        stored = {"embed_tokens": "token_embd", "norm": "output_norm", "lm_head": "output"}.get(bare)
        stored = stored or f"blk.{parts[1]}.{GGUF_NAMES[parts[2]]}"
        if len(extent) == 1:
            values[name] = np.ones(extent, np.float32)
            tensors[f"{stored}.weight"] = values[name], None
            continue
        named = GGMLQuantizationType[(other if stored == "output" else kind).upper()]
        blocks = draw_blocks(*extent, named.name.lower(), generator)
        values[name] = quants.dequantize(blocks, named).astype(np.float64)
        if ".q_proj." in name or ".k_proj." in name:  # llama.cpp rotates neighbours: back to halves
            heads = extent[0] // WIDE.head_width
            values[name] = values[name].reshape(heads, -1, 2, 256).swapaxes(1, 2).reshape(extent)
        tensors[f"{stored}.weight"] = blocks, named
    return write_llama_gguf(path, tensors), values


@needs_llamacpp
@pytest.mark.parametrize(("kind", "other"), [("q4_k", "q6_k"), ("q2_k", "q3_k")])
def test_k_quants_of_a_gguf_file_run_as_they_are(tmp_path: Path, kind: str, other: str) -> None:
    path, values = draw_file(tmp_path / "made.gguf", kind, other)
    checkpoint = open_checkpoint(path)
    assert checkpoint.architecture == replace(WIDE, attention=replace(WIDE.attention, kv_heads=2))
    assert checkpoint.stored == kind
    assert list(pair_up(None, None, "cpu", checkpoint)) == [("llamacpp", kind)]
    expected = llama.forward(values.__getitem__, WIDE, IDS)
    assert compare(checkpoint, "llamacpp", kind, expected) < 0.05
    with pytest.raises(TokbenchError, match=rf"made\.gguf holds {kind}, not q8_0; use {kind}, or a checkpoint in saf"):
        BACKENDS["llamacpp"].prepare(checkpoint, "q8_0")
    with pytest.raises(UnsupportedCheckpointError, match="ctranslate2 does not run a checkpoint in the format gguf"):
        list(pair_up(["ctranslate2"], None, "cpu", checkpoint))


@needs_llamacpp
def test_a_gguf_file_is_weighed_exactly_by_type(tmp_path: Path) -> None:
    path, _ = draw_file(tmp_path / "made.gguf", "q4_k", "q6_k")
    checkpoint = open_checkpoint(path)
    found = {kind.name: (kind.tensors, kind.values, kind.bytes) for kind in checkpoint.types}
    body = 320 * 256 + 2 * (2 * 256 * 256 + 2 * 128 * 256 + 3 * 512 * 256)
    assert found == {
        "q4_k": (15, body, body // 256 * 144),
        "q6_k": (1, 320 * 256, 320 * 210),
        "f32": (5, 5 * 256, 5 * 256 * 4),
    }
    assert [kind.name for kind in checkpoint.types] == ["q4_k", "q6_k", "f32"]
    assert sum(kind.values for kind in checkpoint.types) == parameters(checkpoint.architecture)
    q4, q6 = find_quantization("q4_k"), find_quantization("q6_k")
    assert checkpoint.stored_bytes == weight_bytes(checkpoint.architecture, q4, unembedding=q6)
    shown = json.loads(run_command("model", "show", str(path), "--json").stdout)
    assert (shown["architecture"], shown["quantization"], shown["kv_heads"]) == ("llama", "q4_k", 2)
    assert shown["types"][0]["bytes"] == body // 256 * 144
    assert shown["types"][1]["runs"] == "llamacpp, from a GGUF file of it"
    assert "q6_k" in run_command("model", "show", str(path)).stdout


@needs("gguf")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"expert_count": 4}, "the metadata has no llama.expert_used_count"),
        ({"attention.head_count": 0}, "llama has no attention heads; recurrent models are not supported"),
        ({"attention.head_count_kv": 8}, "4 heads, 8 of keys and values, do not fit the width 256"),
        ({"block_count": 1 << 31}, "llama.block_count is 2147483648, expected a positive integer"),
        ({"block_count": 10**6}, "llama.block_count is 1,000,000, but the weights have only 2 tensors"),
        ({"embedding_length": 0}, "llama.embedding_length is 0, expected a positive integer"),
    ],
)
def test_wrong_metadata_of_any_architecture_is_one_line(tmp_path: Path, fields: dict[str, int], says: str) -> None:
    tensors = {name: (np.zeros((320, 256), np.float32), None) for name in ("token_embd.weight", "output.weight")}
    with pytest.raises(TokbenchError) as caught:
        open_checkpoint(write_llama_gguf(tmp_path / "wrong.gguf", tensors, **fields))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@needs("gguf")
def test_experts_and_other_parts_of_a_shape_come_from_metadata_and_tensors(tmp_path: Path) -> None:
    names = ["token_embd.weight", "blk.0.attn_q.bias", "blk.0.attn_norm.bias", "blk.1.ffn_gate_exps.weight"]
    names += ["blk.0.attn_norm.weight", "blk.0.ffn_norm.weight", "blk.1.ffn_gate_inp_shexp.weight"]
    tensors = {name: (np.zeros((320, 256) if name == names[0] else 64, np.float32), None) for name in names}
    sizes = {"expert_count": 8, "expert_used_count": 2, "expert_feed_forward_length": 96, "expert_shared_count": 1}
    found = open_checkpoint(write_llama_gguf(tmp_path / "moe.gguf", tensors, leading_dense_block_count=1, **sizes))
    assert found.architecture.mlp.experts == Experts(8, 2, 96, 96, shared_gate=True, first_dense=1)
    assert found.architecture.mlp.gated
    assert found.architecture.attention == Attention(kv_heads=2, bias=True, output_bias=False)
    assert found.architecture.norms == Norms(per_layer=2, values=2, final=False)
    assert found.architecture.embeddings.tied
    assert found.stored == "f32"


# ---- types


def test_types_have_the_blocks_of_the_gguf_package() -> None:
    gguf = pytest.importorskip("gguf")
    for entry in QUANTIZATIONS:
        if entry.family == "ggml" and not entry.historic:
            assert gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[entry.name.upper()]] == (
                entry.block_size,
                entry.block_bytes,
            )


def test_each_type_says_what_runs_it() -> None:
    rows = json.loads(run_command("model", "show", "70m", "--json").stdout)["weights"]
    runs = {row["quantization"]: row["runs"] for row in rows}
    assert runs["q4_0"] == "llamacpp"
    assert runs["q4_k"] == "llamacpp, from a GGUF file of it"
    assert runs["int8"] == "ctranslate2"
    assert runs["float16"] == "ctranslate2, transformers"
    assert runs["q4_0@1"] == runs["q4_2"] == "no backend"
    assert {row["quantization"] for row in rows if row["runs"] == "no backend"} == {
        entry.label for entry in QUANTIZATIONS if entry.historic
    }


@needs_llamacpp
@needs("ctranslate2")
def test_a_type_that_is_not_made_says_where_it_comes_from(tmp_path: Path) -> None:
    checkpoint = open_checkpoint(make(LLAMA, tmp_path / "model"))
    with pytest.raises(
        TokbenchError, match="llamacpp cannot run q4_k: it takes q4_k from a GGUF file of it, which lla"
    ):
        BACKENDS["llamacpp"].prepare(checkpoint, "q4_k")
    with pytest.raises(TokbenchError, match="ctranslate2 cannot run q4_k: q4_k is run by llamacpp, from a GGUF file"):
        BACKENDS["ctranslate2"].prepare(checkpoint, "q4_k")
    with pytest.raises(TokbenchError, match=r"that is a mixture, .* their main type is q4_k"):
        find_quantization("Q4_K_M")
