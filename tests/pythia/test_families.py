"""Shapes of other families: published counts, transformers on the meta device, torch's counter, figures by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokbench.errors import TokbenchError
from tokbench.pythia.cost.whatif import swap_tokenizer, what_if
from tokbench.pythia.model.architecture import Architecture, Attention, Embeddings
from tokbench.pythia.model.arithmetic import (
    active_parameters,
    attention_flops,
    break_even_nsl,
    decode_flops,
    embedding_parameters,
    generation_flops,
    kv_cache_bytes,
    logits_flops,
    matrix_flops,
    pad_vocabulary,
    parameters,
    prefill_flops,
    prompt_attention_flops,
    scoring_flops,
)
from tokbench.pythia.model.families import READERS, read_shape
from tokbench.pythia.model.memory import weigh, weight_table
from tokbench.pythia.model.models import find_model
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.model.relatives import Relative, relatives
from tokbench.pythia.model.resolution import resolve_model
from tokbench.pythia.model.work import count_work

UNITS = {"M": 10**6, "B": 10**9}

# Exact numbers of parameters, as the safetensors files on the hub have them.
EXACT = {
    "gpt-neox-20b": 20_554_567_680,
    "llama-7b": 6_738_415_616,
    "llama-13b": 13_015_864_320,
    "llama-30b": 32_528_943_616,
    "llama-65b": 65_285_660_672,
    "llama-2-70b": 68_976_648_192,
    "llama-3-8b": 8_030_261_248,
    "llama-3.1-405b": 405_853_388_800,
    "llama-3.2-1b": 1_235_814_400,
    "llama-3.2-3b": 3_212_749_824,
    "tinyllama-1.1b": 1_100_048_384,
    "smollm2-135m": 134_515_008,
    "mpt-7b": 6_649_286_656,
    "opt-125m": 125_239_296,
    "opt-350m": 331_196_416,
    "gpt2": 124_439_808,
    "gpt2-xl": 1_557_611_200,
    "gpt-neo-125m": 125_198_592,
    "gpt-j-6b": 6_050_882_784,
    "bloom-560m": 559_214_592,
    "bloom-176b": 176_247_271_424,
    "falcon-7b": 6_921_720_704,
    "qwen1.5-moe-a2.7b": 14_315_784_192,
    "qwen2-7b": 7_615_616_512,
    "qwen3-8b": 8_190_735_360,
    "qwen3-30b-a3b": 30_532_122_624,
    "gemma-2b": 2_506_172_416,
    "gemma-2-9b": 9_241_705_984,
    "gemma-3-1b": 999_885_952,
    "mistral-7b-v0.1": 7_241_732_096,
    "mixtral-8x7b": 46_702_792_704,
    "deepseek-v2-lite": 15_706_484_224,
    "gpt-oss-20b": 20_914_757_184,
    "phi-2": 2_779_683_840,
    "rwkv-4-169m": 169_342_464,
}

STANDARD = {
    "hidden_size": 96,
    "intermediate_size": 200,
    "num_hidden_layers": 4,
    "num_attention_heads": 6,
    "num_key_value_heads": 2,
    "vocab_size": 500,
    "max_position_embeddings": 64,
    "pad_token_id": None,
}
EARLY = {"n_embd": 96, "n_layer": 3, "n_head": 6, "vocab_size": 500, "n_positions": 64}
FALCON = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 6, "vocab_size": 500}
NEO = {"hidden_size": 96, "num_layers": 4, "num_heads": 6, "vocab_size": 500}
OPT = {**FALCON, "ffn_dim": 111, "max_position_embeddings": 64}
SPARSE = {"num_experts": 5, "num_experts_per_tok": 2, "moe_intermediate_size": 40}
LATENT = {
    **STANDARD,
    "num_key_value_heads": 6,
    "moe_intermediate_size": 40,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 2,
    "first_k_dense_replace": 1,
    "kv_lora_rank": 24,
    "q_lora_rank": 20,
    "qk_nope_head_dim": 12,
    "qk_rope_head_dim": 8,
    "v_head_dim": 10,
}
DEEP = {
    **STANDARD,
    "moe_intermediate_size": 40,
    "n_routed_experts": 8,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "first_k_dense_replace": 1,
}

# Every way in which a key changes a shape, as configurations small enough for a test.
CONFIGURATIONS: list[tuple[str, dict[str, Any]]] = [
    ("arcee", STANDARD),
    ("arcee", {**STANDARD, "mlp_bias": True, "attention_bias": True}),
    ("bloom", {"hidden_size": 96, "n_layer": 3, "n_head": 6, "vocab_size": 500}),
    ("cohere", STANDARD),
    ("cohere", {**STANDARD, "use_qk_norm": True, "attention_bias": True}),
    ("cohere2", STANDARD),
    ("deepseek_v2", LATENT),
    ("deepseek_v2", {**LATENT, "q_lora_rank": None, "attention_bias": True}),
    ("deepseek_v3", {**LATENT, "n_shared_experts": 1, "first_k_dense_replace": 2, "n_group": 2, "topk_group": 1}),
    ("dots1", DEEP),
    ("ernie4_5", {**STANDARD, "head_dim": 24}),
    ("ernie4_5", {**STANDARD, "use_bias": True, "tie_word_embeddings": False}),
    ("exaone4", STANDARD),
    ("falcon", FALCON),
    ("falcon", {**FALCON, "multi_query": False, "bias": True}),
    ("falcon", {**FALCON, "new_decoder_architecture": True, "num_kv_heads": 2}),
    ("falcon", {**FALCON, "new_decoder_architecture": True, "num_kv_heads": 2, "num_ln_in_parallel_attn": 1}),
    ("falcon", {**FALCON, "parallel_attn": False, "ffn_hidden_size": 77}),
    ("gemma", {**STANDARD, "head_dim": 24}),
    ("gemma2", {**STANDARD, "head_dim": 24}),
    ("gemma3_text", {**STANDARD, "head_dim": 24}),
    ("glm", {**STANDARD, "head_dim": 24, "attention_bias": True}),
    ("glm4", {**STANDARD, "head_dim": 24}),
    ("glm4_moe", DEEP),
    ("glm4_moe", {**DEEP, "use_qk_norm": True, "attention_bias": True, "head_dim": 24}),
    ("gpt2", EARLY),
    ("gpt2", {**EARLY, "n_inner": 77}),
    ("gpt_bigcode", EARLY),
    ("gpt_bigcode", {**EARLY, "multi_query": False}),
    ("gpt_neo", {**NEO, "attention_types": [[["global", "local"], 2]]}),
    ("gpt_neox", {**STANDARD, "intermediate_size": 384}),
    ("gpt_neox", {**STANDARD, "attention_bias": False, "tie_word_embeddings": True}),
    ("gpt_oss", {**STANDARD, "head_dim": 32, "num_local_experts": 4, "num_experts_per_tok": 2}),
    ("gptj", {**EARLY, "rotary_dim": 8}),
    ("granite", {**STANDARD, "attention_bias": True, "mlp_bias": True}),
    ("granitemoe", {**STANDARD, "num_local_experts": 5, "num_experts_per_tok": 2}),
    ("helium", {**STANDARD, "head_dim": 16}),
    ("hunyuan_v1_dense", {**STANDARD, "head_dim": 24}),
    ("llama", STANDARD),
    ("llama", {**STANDARD, "head_dim": 32, "attention_bias": True, "mlp_bias": True, "tie_word_embeddings": True}),
    ("mistral", STANDARD),
    ("mixtral", {**STANDARD, "num_local_experts": 4, "num_experts_per_tok": 2}),
    ("mpt", {"d_model": 96, "n_layers": 3, "n_heads": 6, "vocab_size": 500}),
    ("nemotron", STANDARD),
    ("nemotron", {**STANDARD, "mlp_bias": True, "attention_bias": True}),
    ("olmo", STANDARD),
    ("olmo2", STANDARD),
    ("olmo3", STANDARD),
    ("olmoe", {**STANDARD, "num_experts": 5, "num_experts_per_tok": 2}),
    ("opt", OPT),
    ("opt", {**OPT, "word_embed_proj_dim": 48, "do_layer_norm_before": False}),
    ("opt", {**OPT, "enable_bias": False, "layer_norm_elementwise_affine": False}),
    ("phi", STANDARD),
    ("phi3", STANDARD),
    ("qwen2", {**STANDARD, "tie_word_embeddings": True}),
    ("qwen2_moe", {**STANDARD, **SPARSE, "shared_expert_intermediate_size": 60}),
    ("qwen2_moe", {**STANDARD, **SPARSE, "shared_expert_intermediate_size": 60, "decoder_sparse_step": 2}),
    ("qwen2_moe", {**STANDARD, **SPARSE, "shared_expert_intermediate_size": 60, "mlp_only_layers": [0]}),
    ("qwen3", {**STANDARD, "head_dim": 24}),
    ("qwen3_moe", {**STANDARD, **SPARSE, "head_dim": 24}),
    ("rwkv", {"hidden_size": 96, "num_hidden_layers": 3, "vocab_size": 500}),
    ("rwkv", {"hidden_size": 96, "num_hidden_layers": 3, "vocab_size": 500, "attention_hidden_size": 64}),
    ("seed_oss", {**STANDARD, "head_dim": 24}),
    ("smollm3", STANDARD),
    ("stablelm", {**STANDARD, "use_qkv_bias": True}),
    ("stablelm", {**STANDARD, "use_parallel_residual": True}),
    ("starcoder2", STANDARD),
    ("starcoder2", {**STANDARD, "use_bias": False}),
]
shapes = st.sampled_from([relative.architecture for relative in relatives()])


def read(kind: str, **keys: Any) -> Architecture:
    return read_shape({"model_type": kind, **keys}, "config.json")


def round_as(number: int, published: str) -> bool:
    """Whether a number is the published one to its last digit."""
    digits, unit = published[:-1], UNITS[published[-1]]
    last = unit * 10 ** -len(digits.partition(".")[2])
    return bool(abs(number - float(digits) * unit) < last)


@pytest.mark.parametrize("relative", relatives(), ids=lambda relative: relative.name)
def test_named_models_have_the_published_parameters(relative: Relative) -> None:
    assert round_as(parameters(relative.architecture), relative.published)
    if relative.active is not None:
        assert round_as(active_parameters(relative.architecture), relative.active)
    if relative.vocabulary is not None:
        assert pad_vocabulary(relative.vocabulary, relative.vocab_multiple) == relative.architecture.vocab_rows
    assert relative.source.startswith("https://")


def test_parameters_equal_the_files_on_the_hub() -> None:
    assert {name: parameters(resolve_model(name).architecture) for name in EXACT} == EXACT
    correction = 58 * 256  # of the router's balance: in the files, but nothing that is trained by gradients
    assert parameters(resolve_model("deepseek-v3").architecture) + correction == 671_026_419_200


def test_active_parameters_of_gpt_oss_are_published_without_the_embedding() -> None:
    for name, published in (("gpt-oss-20b", "3.6B"), ("gpt-oss-120b", "5.1B")):
        shape = resolve_model(name).architecture
        assert round_as(active_parameters(shape) - shape.width * shape.vocab_rows, published)


@pytest.mark.parametrize(("kind", "keys"), CONFIGURATIONS, ids=lambda value: value if isinstance(value, str) else "")
def test_parameters_equal_transformers_on_the_meta_device(kind: str, keys: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    config = transformers.AutoConfig.for_model(kind, **keys)
    with torch.device("meta"):
        model = transformers.AutoModelForCausalLM.from_config(config)
    counted = sum(parameter.numel() for parameter in model.parameters())
    assert parameters(read(kind, **keys)) == counted
    assert parameters(read_shape(config.to_dict(), "config.json")) == counted


def test_later_families_have_the_published_parameters() -> None:
    """Shapes and counts as their makers publish them; all of them and those that a token uses, in billions."""
    gated = {"tie_word_embeddings": True}
    for kind, keys, published, active in (
        ("cohere2", wide(4096, 32, 32, 8, 14336, 256000, sliding_window=4096), "8.03B", "8.03B"),
        ("granite", wide(4096, 40, 32, 8, 12800, 49155, **gated), "8.17B", "8.17B"),
        ("nemotron", wide(3072, 32, 24, 8, 9216, 256000, head_dim=128), "4.19B", "4.19B"),
        ("olmoe", wide(2048, 16, 16, 16, 1024, 50304, num_experts=64, num_experts_per_tok=8), "6.92B", "1.28B"),
        ("olmo3", wide(4096, 32, 32, 32, 11008, 100278), "7.30B", "7.30B"),
        ("glm4_moe", {**wide(4096, 46, 96, 8, 10944, 151552, head_dim=128, attention_bias=True), **AIR}, "107B", "13B"),
        ("kimi_k2", {**wide(7168, 61, 64, 64, 18432, 163840), **KIMI}, "1026B", "33B"),
    ):
        shape = read(kind, **keys)
        assert round_as(parameters(shape), published), (kind, parameters(shape))
        assert round_as(active_parameters(shape), active), (kind, active_parameters(shape))
    with pytest.raises(TokbenchError, match="head_dim is 128, expected the width 96 divided by 6 heads"):
        read("helium", **STANDARD)
    named = read("exaone4", **STANDARD, sliding_window=9, sliding_window_pattern="LLLG", layer_types=LLLG)
    assert named.attention.windows == (9, 9, 9, None)
    command = read("cohere2", **wide(4096, 32, 32, 8, 14336, 256000, sliding_window=4096))
    assert command.attention.windows == (4096, 4096, 4096, None)
    # 8 of 32 layers cache everything; keys and values of 8 heads of 128, in 16 bits
    assert kv_cache_bytes(command, 100_000, 2) == 2 * 2 * 8 * 128 * (8 * 100_000 + 24 * 4096)


def wide(width: int, layers: int, heads: int, kv_heads: int, hidden: int, rows: int, **more: Any) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "intermediate_size": hidden,
        "vocab_size": rows,
        **more,
    }


LLLG = [*["sliding_attention"] * 3, "full_attention"]
AIR = {
    "moe_intermediate_size": 1408,
    "n_routed_experts": 128,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 1,
}
KIMI = {
    "moe_intermediate_size": 2048,
    "n_routed_experts": 384,
    "n_shared_experts": 1,
    "num_experts_per_tok": 8,
    "first_k_dense_replace": 1,
    "q_lora_rank": 1536,
    "kv_lora_rank": 512,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "v_head_dim": 128,
}


def test_every_family_that_transformers_has_is_compared_with_it() -> None:
    apart = {"RefinedWeb", "RefinedWebModel", "kimi_k2", "rwkv5", "rwkv6"}  # other names, and code of their own
    assert set(READERS) - {kind for kind, _ in CONFIGURATIONS} == apart


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        ("llama", STANDARD),
        ("opt", {**OPT, "word_embed_proj_dim": 48, "do_layer_norm_before": False}),
        ("mixtral", {**STANDARD, "num_local_experts": 4, "num_experts_per_tok": 2}),
    ],
)
def test_flops_equal_those_that_torch_counts(kind: str, keys: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    from torch.utils.flop_counter import FlopCounterMode

    tokens, shape = 12, read(kind, **keys)
    config = transformers.AutoConfig.for_model(kind, **keys)
    config._attn_implementation = "eager"
    config._experts_implementation = "eager"
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.arange(tokens)[None], use_cache=False)
    # torch multiplies whole squares of queries and keys, and masks the upper half; we count what a token attends to.
    whole_square = tokens * attention_flops(shape, tokens)
    assert (
        whole_square - prompt_attention_flops(shape, tokens) == attention_flops(shape, 1) * tokens * (tokens - 1) // 2
    )
    causal = scoring_flops(shape, tokens) - prompt_attention_flops(shape, tokens) + whole_square
    assert counter.get_total_flops() == causal


def test_llama_7b_by_hand() -> None:
    shape = resolve_model("llama-7b").architecture
    layer = 4 * 4096**2 + 3 * 4096 * 11008
    assert matrix_flops(shape) == 2 * 32 * layer
    assert parameters(shape) == 32 * (layer + 2 * 4096) + 4096 + 2 * 32000 * 4096
    assert prefill_flops(shape, 10) == 640 * layer + 2 * 32 * 4096 * 10 * 11 + 2 * 32000 * 4096
    assert kv_cache_bytes(shape, 1) == 2 * 32 * 4096 * 2


def test_grouped_queries_shrink_the_cache_and_not_the_attention() -> None:
    many, few = (resolve_model(name).architecture for name in ("llama-7b", "mistral-7b-v0.3"))
    assert kv_cache_bytes(many, 100) == 4 * kv_cache_bytes(few, 100)
    assert attention_flops(many, 100) == attention_flops(few, 100)


def test_windows_bound_cache_and_attention() -> None:
    shape = Architecture(4, 64, 4, 100, attention=Attention(windows=(3, None)))  # 2 layers see 3 tokens, 2 all
    assert attention_flops(shape, 10) == 4 * 64 * (2 * 3 + 2 * 10)
    assert prompt_attention_flops(shape, 5) == 4 * 64 * (2 * (1 + 2 + 3 + 3 + 3) + 2 * 15)
    assert kv_cache_bytes(shape, 10) == 2 * 64 * 2 * (2 * 3 + 2 * 10)
    assert kv_cache_bytes(resolve_model("mistral-7b").architecture, 100_000) == 4096 * 131_072
    assert len(set(resolve_model("gemma-3-1b").architecture.attention.windows)) == 2


def test_latent_attention_caches_70_kilobytes_a_token_in_deepseek_v3() -> None:
    shape = resolve_model("deepseek-v3").architecture
    assert kv_cache_bytes(shape, 1) == 61 * (512 + 64) * 2 == 70_272
    assert prompt_attention_flops(shape, 1) == 61 * 2 * 128 * (192 + 128)
    assert attention_flops(shape, 1) == 61 * 2 * 128 * (576 + 512)


def test_rwkv_keeps_a_state() -> None:
    old, new = (resolve_model(name).architecture for name in ("rwkv-4-169m", "rwkv-6-7b"))
    assert kv_cache_bytes(old, 1, 4) == kv_cache_bytes(old, 5000, 4) == 12 * 5 * 768 * 4
    assert kv_cache_bytes(new, 9) == 32 * (64 * 4096 + 2 * 4096) * 2
    assert kv_cache_bytes(old, 0) == 0
    assert attention_flops(old, 1000) == 0
    assert decode_flops(old, 1) == decode_flops(old, 9999) == 12 * (26 * 768**2 + 8 * 768) + 2 * 768 * 50277


def test_tied_embeddings_are_stored_once_and_multiplied_all_the_same() -> None:
    tied = Architecture(2, 64, 4, 1000, embeddings=Embeddings(tied=True))
    untied = replace(tied, embeddings=Embeddings())
    assert embedding_parameters(untied) == 2 * embedding_parameters(tied) == 2 * 64_000
    assert decode_flops(tied, 5) == decode_flops(untied, 5)
    assert break_even_nsl(tied, 3000) == break_even_nsl(untied, 3000)
    kind = find_quantization("f16")
    assert weigh(untied, kind).total - weigh(tied, kind).total == 128_000
    assert weigh(tied, kind).unembedding == weigh(tied, kind).embedding == 128_000
    assert (
        count_work(tied, kind, "decode", tokens=5).moved_bytes
        == count_work(untied, kind, "decode", tokens=5).moved_bytes
    )
    changed = what_if(tied, 2000, multiple=1)
    assert parameters(changed.changed) - parameters(tied) == 64_000
    one = weigh(
        Architecture(2, 256, 4, 1000, embeddings=Embeddings(tied=True)), kind, unembedding=find_quantization("q6_k")
    )
    assert one.embedding == one.unembedding == 1000 * 210
    with pytest.raises(TokbenchError, match="one matrix, which cannot be f16 and f32"):
        weigh(tied, kind, embedding=kind, unembedding=find_quantization("f32"))


def test_its_own_tokenizer_changes_nothing_whatever_the_padding() -> None:
    spec = resolve_model("gpt-j-6b")  # 50,400 rows for 50,257 tokens
    assert swap_tokenizer(spec, "gpt2", 50257).changed == spec.architecture
    assert swap_tokenizer(spec, "llama", 32000).changed.vocab_rows == 32000


def test_positions_and_narrow_embeddings_of_opt() -> None:
    shape = resolve_model("opt-350m").architecture
    assert embedding_parameters(shape) == 50272 * 512 + 2050 * 1024
    assert logits_flops(shape) == 2 * 512 * 50272
    row = weigh(shape, find_quantization("f16")).embedding_row
    assert row == 2 * (512 + 1024)


def test_experts_read_by_a_step() -> None:
    weights = weigh(resolve_model("mixtral-8x7b").architecture, find_quantization("float16"))
    expert = 32 * 3 * 4096 * 14336 * 2
    assert weights.routed == 8 * expert
    assert weights.layers - weights.layers_read(1) == 6 * expert
    assert weights.layers - weights.layers_read(2) == round(8 * expert * 0.75**2)
    assert weights.layers_read(10_000) == weights.layers
    biased = weigh(resolve_model("gpt-oss-20b").architecture, find_quantization("float16"))
    assert biased.routed == 24 * 32 * (3 * 2880**2 + 3 * 2880) * 2


def test_fewer_layers_keep_the_dense_ones_and_the_pattern() -> None:
    shape = resolve_model("deepseek-v2-lite").architecture
    dense = replace(shape, layers=1)
    assert active_parameters(dense) == parameters(dense)
    more = parameters(replace(shape, layers=3)) - parameters(replace(shape, layers=2))
    assert parameters(shape) == parameters(dense) + 26 * more


@given(shapes, st.integers(0, 5000), st.integers(0, 5000))
def test_closed_forms_equal_the_sums(shape: Architecture, prompt: int, new: int) -> None:
    steps = [decode_flops(shape, prompt + step) for step in range(1, min(new, 50))]
    assert generation_flops(shape, prompt, min(new, 50)) == sum(steps)
    if shape.attention.latent is None:
        total = sum(attention_flops(shape, context) for context in range(1, min(prompt, 50) + 1))
        assert prompt_attention_flops(shape, min(prompt, 50)) == total
    assert kv_cache_bytes(shape, prompt) <= kv_cache_bytes(shape, prompt + 1)


@given(shapes)
def test_weights_take_four_bytes_a_parameter(shape: Architecture) -> None:
    assert weigh(shape, find_quantization("f32")).total == 4 * parameters(shape)
    assert active_parameters(shape) <= parameters(shape)
    assert "f16" in weight_table(shape)["quantization"].to_list()


@pytest.mark.parametrize(
    ("kind", "changes", "says"),
    [
        ("lama", {}, "model_type 'lama' is not known.*did you mean 'llama'.*known: RefinedWeb"),
        (5, {}, "model_type is 5, expected a text"),
        ("x\x1b[31m", {}, r"'x\\\\x1b\[31m' is not known"),
        ("llama", {"hidden_size": None}, "hidden_size is missing"),
        ("llama", {"num_attention_heads": 7}, "num_attention_heads is 7, expected a divisor"),
        ("llama", {"num_key_value_heads": 4}, "num_key_value_heads is 4, expected a divisor"),
        ("llama", {"hidden_size": float("nan")}, "hidden_size is nan, expected a whole"),
        ("llama", {"hidden_size": True}, "hidden_size is True, expected a whole"),
        ("llama", {"hidden_size": 6 * 2**28}, "no model has so many"),
        ("llama", {"num_hidden_layers": 10**9}, "num_hidden_layers is 1000000000"),
        ("llama", {"tie_word_embeddings": "yes"}, "tie_word_embeddings is 'yes'"),
        ("gemma2", {"layer_types": ["odd"] * 4}, "layer_types is 'odd', expected full_att"),
        ("gemma2", {"layer_types": [[]] * 4}, "layer_types is .*expected full_att"),
        ("gemma2", {"layer_types": []}, "layer_types is .., expected 4 entries"),
        ("gpt_neo", {"attention_types": [[["global"], 10**9]]}, "attention_types is"),
        ("bloom", {"n_embed": 16}, "hidden_size is 96, expected 16 as n_embed says"),
        ("qwen2_moe", {**SPARSE, "shared_expert_intermediate_size": 6, "mlp_only_layers": [2]}, "mlp_only_layers is"),
        ("deepseek_v2", {**LATENT, "moe_layer_freq": 2}, "moe_layer_freq is 2, expected 1"),
        ("mixtral", {"num_local_experts": 2, "num_experts_per_tok": 3}, "num_experts_per_tok is 3"),
        ("mpt", {"d_model": 96, "n_heads": 6, "no_bias": False}, "no_bias is False"),
    ],
)
def test_what_cannot_be_counted_is_refused(kind: object, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(TokbenchError, match=says) as caught:
        read_shape({"model_type": kind, **STANDARD, **changes}, "config.json")
    assert "\n" not in str(caught.value)


def test_keys_that_change_nothing_are_ignored_and_the_text_part_is_read() -> None:
    plain = read("llama", **STANDARD)
    assert read("llama", **STANDARD, quantization_config={"bits": 4}, vision_tower="x", hidden_act="silu") == plain
    nested = {"model_type": "llava", "text_config": {"model_type": "llama", **STANDARD}, "vision_config": {}}
    assert read_shape(nested, "config.json") == plain


def test_gemma_3_as_its_file_on_the_hub_describes_it() -> None:
    part = {"hidden_size": 2560, "intermediate_size": 10240, "model_type": "gemma3_text", "num_hidden_layers": 34}
    nested = {"model_type": "gemma3", "text_config": {**part, "sliding_window": 1024}, "vision_config": {}}
    assert read_shape(nested, "config.json") == resolve_model("gemma-3-4b").architecture


def test_pythia_is_read_as_it_is_in_the_suite() -> None:
    shape = find_model("410m").architecture
    keys = {
        "hidden_size": 1024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4096,
        "vocab_size": 50304,
        "max_position_embeddings": 2048,
    }
    assert read("gpt_neox", **keys) == shape
    assert shape.has_pythia_layers
    assert not read("gpt_neox", **keys, tie_word_embeddings=True).has_pythia_layers
