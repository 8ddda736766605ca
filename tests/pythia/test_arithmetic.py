"""What models cost: figures worked out by hand, sums against closed forms, published tables, the what-if."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from tokbench.cli.model import app
from tokbench.errors import TokbenchError
from tokbench.pythia.cost.whatif import what_if
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import (
    attention_flops,
    break_even_nsl,
    decode_flops,
    embedding_parameters,
    flops_per_token,
    generation_flops,
    kv_cache_bytes,
    logits_flops,
    logits_share,
    non_embedding_parameters,
    pad_vocabulary,
    parameters,
    prefill_flops,
    prompt_attention_flops,
    request_flops,
    scoring_flops,
    training_flops,
    training_flops_of_text,
)
from tokbench.pythia.model.memory import estimate_memory, weigh, weight_bytes, weight_table
from tokbench.pythia.model.models import Model, find_model, models
from tokbench.pythia.model.quantization import QUANTIZATIONS, find_quantization, require_runnable

TINY = Architecture(layers=2, width=32, heads=4, vocab_rows=128)
SMALL = find_model("70m").architecture

architectures = st.builds(
    lambda layers, heads, size, rows: Architecture(layers, 32 * heads * size, heads, rows),
    st.integers(1, 40),
    st.integers(1, 8),
    st.integers(1, 4),
    st.integers(1, 300_000),
)

# Share of the logits at 2048, break-even NSL against 100,277, 128,256, 151,936 and 250,680 rows.
BREAK_EVEN = {
    "70M": (50.6, 0.636, 0.528, 0.462, 0.303),
    "160M": (27.1, 0.763, 0.674, 0.613, 0.445),
    "410M": (12.8, 0.874, 0.816, 0.773, 0.633),
    "1B": (10.6, 0.899, 0.851, 0.814, 0.689),
    "1.4B": (7.3, 0.928, 0.891, 0.863, 0.762),
    "2.8B": (4.6, 0.954, 0.930, 0.910, 0.838),
    "6.9B": (3.0, 0.970, 0.954, 0.941, 0.890),
    "12B": (2.2, 0.979, 0.967, 0.957, 0.919),
}


def test_a_tiny_model_by_hand() -> None:
    # Layer: 3*32*32 + 32*32 + 2*4*32*32 = 12,288 in matrices; 96 + 32 + 128 + 32 biases and 4*32 in norms = 416.
    assert non_embedding_parameters(TINY) == 2 * (12_288 + 416) + 64 == 25_472
    assert embedding_parameters(TINY) == 2 * 32 * 128 == 8_192
    assert parameters(TINY) == 33_664
    # Matrices 2 * 2 * 12,288 = 49,152 FLOPs a token; logits 2*32*128 = 8,192; a token attended to 2 * 2*32 * 2 = 256.
    assert attention_flops(TINY, 3) == 768
    assert prompt_attention_flops(TINY, 3) == 256 * (1 + 2 + 3)
    assert prefill_flops(TINY, 3) == 3 * 49_152 + 1_536 + 8_192
    assert scoring_flops(TINY, 3) == 3 * 49_152 + 1_536 + 3 * 8_192
    assert decode_flops(TINY, 3) == 49_152 + 768 + 8_192
    assert generation_flops(TINY, 3, 3) == decode_flops(TINY, 4) + decode_flops(TINY, 5)
    assert kv_cache_bytes(TINY, 3) == 2 * 2 * 32 * 3 * 2


def test_costs_of_nothing() -> None:
    assert prefill_flops(TINY, 0) == scoring_flops(TINY, 0) == kv_cache_bytes(TINY, 0) == 0
    assert generation_flops(TINY, 5, 0) == generation_flops(TINY, 5, 1) == 0


@given(architectures, st.integers(0, 60), st.integers(0, 40))
def test_closed_forms_equal_the_sums(architecture: Architecture, prompt: int, new_tokens: int) -> None:
    steps = [decode_flops(architecture, prompt + step) for step in range(1, new_tokens)]
    assert generation_flops(architecture, prompt, new_tokens) == sum(steps)
    attended = [attention_flops(architecture, context) for context in range(1, prompt + 1)]
    assert prompt_attention_flops(architecture, prompt) == sum(attended)
    # A text that is read token by token costs what it costs at once, but for the logits in between.
    assert sum(decode_flops(architecture, s) for s in range(1, prompt + 1)) == scoring_flops(architecture, prompt)
    if prompt and new_tokens:
        whole = prefill_flops(architecture, prompt + new_tokens - 1)
        later_logits = (new_tokens - 1) * logits_flops(architecture)
        assert request_flops(architecture, prompt, new_tokens) == whole + later_logits


@given(architectures)
def test_matrices_take_two_flops_a_weight(architecture: Architecture) -> None:
    vectors = 13 * architecture.layers * architecture.width + 2 * architecture.width
    matrices = non_embedding_parameters(architecture) - vectors
    assert decode_flops(architecture, 0) == 2 * matrices + embedding_parameters(architecture)


def test_flops_of_the_smallest_model() -> None:
    assert flops_per_token(SMALL, 2048) / 1e9 == pytest.approx(0.102, abs=5e-4)
    assert 2 * parameters(SMALL) / 1e9 == pytest.approx(0.141, abs=5e-4)
    assert 2 * non_embedding_parameters(SMALL) / 1e9 == pytest.approx(0.038, abs=5e-4)


def test_training() -> None:
    assert training_flops(SMALL, 2048, 2048) == 3 * scoring_flops(SMALL, 2048)
    assert training_flops_of_text(SMALL, 4096, 2.0, 2048) == training_flops(SMALL, 2048, 2048)
    with pytest.raises(TokbenchError, match="bytes per token"):
        training_flops_of_text(SMALL, 10, 0.0)


@pytest.mark.parametrize(("size", "published"), [("70m", 12_288), ("1.4b", 196_608), ("12b", 737_280)])
def test_kv_cache_of_a_token(size: str, published: int) -> None:
    assert kv_cache_bytes(find_model(size).architecture, 1) == published
    assert kv_cache_bytes(find_model(size).architecture, 7, bytes_per_value=4) == 14 * published


@pytest.mark.parametrize("size", BREAK_EVEN)
def test_the_table_of_break_even_nsl(size: str) -> None:
    architecture = find_model(size).architecture
    share, *evens = BREAK_EVEN[size]
    assert round(100 * logits_share(architecture, 2048), 1) == share
    assert [round(break_even_nsl(architecture, rows), 3) for rows in (100_277, 128_256, 151_936, 250_680)] == evens


@given(architectures, st.integers(1, 300_000))
def test_break_even_is_where_costs_meet(architecture: Architecture, rows: int) -> None:
    other = Architecture(architecture.layers, architecture.width, architecture.heads, rows)
    even = break_even_nsl(architecture, rows)
    assert even * decode_flops(other, 0) == pytest.approx(decode_flops(architecture, 0))
    assert (even < 1) is (rows > architecture.vocab_rows)


def test_padding_gives_the_rows_of_every_model() -> None:
    assert [pad_vocabulary(50_277, multiple) for multiple in (128, 256, 512)] == [50_304, 50_432, 50_688]
    assert {model.size: model.vocab_multiple for model in models() if model.vocab_multiple != 128} == {
        "6.9B": 256,
        "12B": 512,
    }
    assert pad_vocabulary(128) == 128
    assert pad_vocabulary(129) == 256


@pytest.mark.parametrize(
    "call",
    [
        lambda: prefill_flops(TINY, -1),
        lambda: decode_flops(TINY, -1),
        lambda: generation_flops(TINY, 1, -1),
        lambda: kv_cache_bytes(TINY, -1),
        lambda: flops_per_token(TINY, 0),
        lambda: pad_vocabulary(0),
        lambda: pad_vocabulary(5, 0),
        lambda: break_even_nsl(TINY, 0),
        lambda: what_if(TINY, 0),
    ],
)
def test_impossible_counts_are_refused(call: Callable[[], object]) -> None:
    with pytest.raises(TokbenchError, match="is below"):
        call()


# ---------------------------------------------------------------- types of weights

BITS = {"f32": 32, "f16": 16, "bf16": 16, "q8_0": 8.5, "q6_k": 6.5625, "q5_1": 6, "q5_0": 5.5, "q4_1": 5, "q4_0": 4.5}
OLD_BITS = {("q4_0", 1): 5, ("q4_1", 1): 6, ("q8_0", 1): 9, ("q5_0", 0): 5.5, ("q5_1", 0): 6}


def test_bits_of_a_weight() -> None:
    assert {name: find_quantization(name).bits_per_weight for name in BITS} == BITS
    assert {key: find_quantization(*key).bits_per_weight for key in OLD_BITS} == OLD_BITS
    assert find_quantization("q4_2").bits_per_weight == 5
    assert find_quantization("q4_3").bits_per_weight == 6


@pytest.mark.parametrize("name", BITS)
def test_blocks_equal_those_of_the_gguf_package(name: str) -> None:
    gguf = pytest.importorskip("gguf")
    sizes = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name.upper()]]
    entry = find_quantization(name)
    assert (entry.block_size, entry.block_bytes) == tuple(sizes)


def test_versions_of_a_type() -> None:
    assert find_quantization("Q4_0") is find_quantization("q4_0", 2)
    assert find_quantization("q4_0", 0) is find_quantization("q4_0", 1) is find_quantization("q4_0@1")
    assert find_quantization("q5_1", 1) is find_quantization("q5_1")
    assert find_quantization("q5_1", 0).historic
    for entry in QUANTIZATIONS:
        assert find_quantization(entry.label) is entry
    for name, version in (("q4_2", 1), ("q4_0", 3), ("f16", 1), ("int8", 2)):
        with pytest.raises(TokbenchError, match=f"{name} has no version {version}"):
            find_quantization(name, version)
    for wrong in ("q4_0@", "q4_0@x", "q4_0@-1"):
        with pytest.raises(TokbenchError, match="not a type with a version"):
            find_quantization(wrong)
    with pytest.raises(TokbenchError, match=r"'q4_7'.*did you mean"):
        find_quantization("q4_7")


def test_historic_types_are_refused_for_running() -> None:
    for entry in QUANTIZATIONS:
        if entry.historic:
            with pytest.raises(TokbenchError, match=r"cannot be run: .*ggml .* 2023-.*pull request \d+.*today"):
                require_runnable(entry)
        else:
            require_runnable(entry)
    with pytest.raises(TokbenchError, match=r"q4_3 cannot be run.*use today.s q5_1"):
        require_runnable(find_quantization("q4_3"))
    with pytest.raises(TokbenchError, match=r"q4_0@1 cannot be run.*2023-05-20.*use today.s q4_0"):
        require_runnable(find_quantization("q4_0", 1))


def test_weights_by_hand() -> None:
    # 24,576 weights in the matrices of the layers, 896 in vectors, 4,096 in the embedding and in the unembedding.
    for name, layers, embedding in (
        ("f32", 4 * 24_576 + 4 * 896, 4 * 4_096),
        ("f16", 2 * 24_576 + 4 * 896, 2 * 4_096),
        ("float16", 2 * 24_576 + 2 * 896, 2 * 4_096),
        ("q4_0", 24_576 // 32 * 18 + 4 * 896, 128 * 18),
        ("q4_2", 24_576 // 16 * 10 + 4 * 896, 256 * 10),
        # A scale for each row: 96 + 32 + 128 + 32 rows in a layer, 128 in the embedding.
        ("int8", 24_576 + 4 * 2 * 288 + 4 * 896, 4_096 + 4 * 128),
        ("int8_float16", 24_576 + 4 * 2 * 288 + 2 * 896, 4_096 + 4 * 128),
    ):
        weights = weigh(TINY, find_quantization(name))
        assert (weights.layers, weights.embedding, weights.unembedding) == (layers, embedding, embedding)
        assert weights.embedding_row * 128 == weights.embedding
        assert weight_bytes(TINY, find_quantization(name)) == weights.total


@given(architectures)
def test_four_bytes_a_parameter(architecture: Architecture) -> None:
    assert weight_bytes(architecture, find_quantization("f32")) == 4 * parameters(architecture)
    assert weight_bytes(architecture, find_quantization("float16")) == 2 * parameters(architecture)


def test_an_embedding_of_its_own_type() -> None:
    plain = weigh(SMALL, find_quantization("q4_0"))
    mixed = weigh(SMALL, find_quantization("q4_0"), unembedding=find_quantization("q6_k"))
    assert mixed.unembedding == 50_304 * 2 * 210
    assert (mixed.layers, mixed.embedding) == (plain.layers, plain.embedding)
    assert weigh(SMALL, find_quantization("q4_0"), embedding=find_quantization("f16")).embedding == 2 * 50_304 * 512


def test_rows_that_are_not_whole_blocks_are_refused() -> None:
    with pytest.raises(TokbenchError, match="rows of 48 weights cannot be stored as q4_0, in blocks of 32"):
        weight_bytes(Architecture(1, 48, 4, 100), find_quantization("q4_0"))
    table = weight_table(Architecture(1, 48, 4, 100))
    assert "q4_2" in table["quantization"].to_list()
    assert "q4_0" not in table["quantization"].to_list()


# Not the types with bfloat16: ctranslate2 needs torch to write them.
@pytest.mark.parametrize("name", ["int8", "int8_float32", "int8_float16", "float16", "float32"])
def test_weights_equal_what_ctranslate2_stores(tmp_path: Path, name: str) -> None:
    specs = pytest.importorskip("ctranslate2.specs")
    numpy = pytest.importorskip("numpy")
    spec = specs.TransformerDecoderModelSpec.from_config(
        TINY.layers,
        TINY.heads,
        pre_norm=True,
        activation=specs.common_spec.Activation.GELU,
        rotary_dim=TINY.rotary_width,
        rotary_interleave=False,
        parallel_residual=True,
    )
    random = numpy.random.default_rng(0)

    def fill(part: object, *shape: int) -> None:
        part.weight = random.standard_normal(shape, dtype=numpy.float32)  # type: ignore[attr-defined]
        if hasattr(part, "bias"):
            part.bias = random.standard_normal(shape[0], dtype=numpy.float32)

    def fill_norm(part: object) -> None:
        part.gamma, part.beta = random.standard_normal((2, TINY.width), dtype=numpy.float32)  # type: ignore[attr-defined]

    decoder, width = spec.decoder, TINY.width
    fill(decoder.embeddings, TINY.vocab_rows, width)
    fill(decoder.projection, TINY.vocab_rows, width)
    decoder.projection.bias = specs.model_spec.OPTIONAL
    fill_norm(decoder.layer_norm)
    for layer in decoder.layer:
        fill_norm(layer.input_layer_norm)
        fill_norm(layer.post_attention_layer_norm)
        fill(layer.self_attention.linear[0], 3 * width, width)
        fill(layer.self_attention.linear[1], width, width)
        fill(layer.ffn.linear_0, 4 * width, width)
        fill(layer.ffn.linear_1, width, 4 * width)
    spec.register_vocabulary([str(number) for number in range(TINY.vocab_rows)])
    spec.validate()
    spec.optimize(quantization=name)
    stored = sum(
        value.num_bytes() for _, value in spec.variables(ordered=True) if not isinstance(value, str) and value.shape
    )
    assert stored == weight_bytes(TINY, find_quantization(name))


# Resident MiB after loading under KoboldCpp, which held 41.3 MiB without a model (ggml card of 2023, 2023-05-15).
CARD = {
    ("70m", "q4_0"): 113.3,
    ("70m", "q5_1"): 121.5,
    ("160m", "q4_0"): 199.4,
    ("160m", "q5_1"): 227.5,
    ("410m", "q4_0"): 399.2,
    ("410m", "q5_1"): 455.7,
    ("1b", "q4_0"): 803.0,
    ("1b", "q5_1"): 921.5,
}


@pytest.mark.parametrize(("size", "name"), CARD)
def test_weights_are_plausible_beside_the_card_of_2023(size: str, name: str) -> None:
    unloaded, mebibyte = 41.3, 2**20
    weights = weight_bytes(find_model(size).architecture, find_quantization(name, 1)) / mebibyte
    loaded = CARD[size, name] - unloaded
    # A lower bound: the program also held a cache of 512 to 2,048 tokens and its scratch memory.
    cache = kv_cache_bytes(find_model(size).architecture, 2048) / mebibyte
    assert weights < loaded < weights + cache + 64


def test_memory_of_running() -> None:
    estimate = estimate_memory(TINY, find_quantization("f16"), tokens=10, batch=3, bytes_per_value=4, overhead=1000)
    assert estimate.weights == weight_bytes(TINY, find_quantization("f16"))
    assert estimate.kv_cache == 3 * 2 * 2 * 32 * 10 * 4
    assert estimate.total == estimate.weights + estimate.kv_cache + 1000
    with pytest.raises(TokbenchError, match="batch"):
        estimate_memory(TINY, find_quantization("f16"), tokens=10, batch=0)


# ---------------------------------------------------------------- what if


@pytest.mark.parametrize("model", models(), ids=lambda model: model.name)
def test_the_own_tokenizer_changes_nothing(model: Model) -> None:
    same = what_if(model.architecture, model.vocabulary, multiple=model.vocab_multiple)
    assert same.changed == same.original == model.architecture
    assert same.break_even_nsl == 1
    verdict = same.judge(1)
    assert (verdict.word, verdict.relative_flops) == ("equal", 1)
    assert (same.costs()["ratio"] == 1).all()
    assert (same.weights()["ratio"] == 1).all()


def test_a_larger_vocabulary() -> None:
    change = what_if(SMALL, 250_680)
    assert change.changed == Architecture(6, 512, 8, 250_752)
    assert change.changed.vocab_rows % 128 == 0
    costs = {row["quantity"]: row for row in change.costs().to_dicts()}
    assert costs["parameters"]["changed"] == 18_915_328 + 2 * 512 * 250_752
    assert costs["kv_cache"]["ratio"] == 1
    weights = {row["quantization"]: row for row in change.weights().to_dicts()}
    assert weights["q4_0"]["changed"] - weights["q4_0"]["original"] == 2 * (250_752 - 50_304) * 512 // 32 * 18
    even = change.break_even_nsl
    assert even == pytest.approx(0.303, abs=5e-4)
    assert change.judge(even * 0.99).word == "cheaper"
    assert change.judge(even).word == "equal"
    assert change.judge(1.0).word == "dearer"
    assert change.judge(1.0).relative_flops == pytest.approx(decode_flops(change.changed, 0) / decode_flops(SMALL, 0))
    for wrong in (-0.1, float("nan")):
        with pytest.raises(TokbenchError, match="NSL is"):
            change.judge(wrong)


def test_a_smaller_vocabulary_pays_with_more_tokens() -> None:
    change = what_if(SMALL, 256)
    assert change.changed.vocab_rows == 256
    assert change.break_even_nsl > 2
    assert change.judge(2.0).word == "cheaper"


# ---------------------------------------------------------------- command line


def test_listing_models() -> None:
    lines = CliRunner().invoke(app, ["list"], env={"COLUMNS": "200"}).stdout.splitlines()
    assert len(lines) == 17
    shown = "pythia-1.4b 24 2048 16 50304 1414647808 1208602624 2097152 2.0e-04 GPT-Neo 1.3B, OPT-1.3B pythia-1.3b"
    assert " ".join(lines[9].split()) == shown
    listed = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)
    assert [row["hub_id"] for row in listed][-1] == "EleutherAI/pythia-12b-deduped"


def test_showing_a_model() -> None:
    shown = json.loads(CliRunner().invoke(app, ["show", "1.3b", "--json"]).stdout)
    assert shown["name"] == "pythia-1.4b"
    assert shown["parameters"] == 1_414_647_808
    assert shown["kv_bytes_per_token_16_bit"] == 196_608
    assert shown["tokens_seen"] == 299_892_736_000
    weights = {row["quantization"]: row["weight_bytes"] for row in shown["weights"]}
    assert weights["f32"] == 4 * 1_414_647_808
    assert set(weights) == {entry.label for entry in QUANTIZATIONS}
    text = CliRunner().invoke(app, ["show", "1.4b"]).stdout
    assert "1,414,647,808" in text
    assert "q4_0@1" in text
    with pytest.raises(TokbenchError, match="no model is called '3b'"):
        CliRunner().invoke(app, ["show", "3b"], catch_exceptions=False)
