"""Families with a mixture of experts: Mixtral, Qwen, DeepSeek, gpt-oss."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tokbench.pythia.model.architecture import Architecture, Experts, Latent
from tokbench.pythia.model.families._keys import Keys
from tokbench.pythia.model.families.gated import attend, find_late_windows, find_windows, read_llama, read_mistral


def read_mixtral(keys: Keys) -> Architecture:
    """Read Mixtral: experts as wide as the MLP that they replace."""
    return _add(
        read_mistral(keys), keys, Experts(*count_experts(keys, "num_local_experts"), keys.whole("intermediate_size"))
    )


def read_qwen2_moe(keys: Keys) -> Architecture:
    """Read Qwen2 with experts: shared ones behind a gate."""
    shape = read_llama(keys)
    bias = keys.flag("qkv_bias", default=True)
    shape = attend(shape, bias=bias, output_bias=False, windows=find_late_windows(keys, shape.layers))
    experts = Experts(
        *count_experts(keys, "num_experts", "num_local_experts"),
        keys.whole("moe_intermediate_size"),
        shared_width=keys.whole("shared_expert_intermediate_size"),
        shared_gate=True,
        first_dense=count_dense(keys),
        every=keys.whole("decoder_sparse_step", default=1),
    )
    return _add(shape, keys, experts)


def read_qwen3_moe(keys: Keys) -> Architecture:
    """Read Qwen3 with experts: no shared ones."""
    shape = read_llama(keys)
    windows = find_late_windows(keys, shape.layers)
    shape = attend(shape, norm_values=2 * shape.head_width, windows=windows)
    experts = Experts(
        *count_experts(keys, "num_experts", "num_local_experts"),
        keys.whole("moe_intermediate_size"),
        first_dense=count_dense(keys),
        every=keys.whole("decoder_sparse_step", default=1),
    )
    return _add(shape, keys, experts)


def read_gpt_oss(keys: Keys) -> Architecture:
    """Read gpt-oss: biases, sinks, a window in every second layer."""
    shape = read_llama(keys, head_width=64)
    window, bias = keys.whole("sliding_window", default=128), keys.flag("attention_bias", default=True)
    shape = attend(shape, bias=bias, output_bias=bias, windows=find_windows(keys, shape.layers, window, (window, None)))
    experts = Experts(
        *count_experts(keys, "num_local_experts"), keys.whole("intermediate_size"), router_bias=True, bias=True
    )
    return _add(replace(shape, attention=replace(shape.attention, sinks=True)), keys, experts)


def read_deepseek(keys: Keys) -> Architecture:
    """Read DeepSeek V2 and V3, and Kimi K2: latent attention, shared experts, plain MLPs in the first layers.

    The correction of the router's balance in V3, one value per expert, is no parameter. Layers for predicting several
    tokens are not part of the model.
    """
    keys.require("moe_layer_freq", 1)
    rotary, value = keys.whole("qk_rope_head_dim"), keys.whole("v_head_dim")
    latent = Latent(
        query_rank=keys.whole_or_none("q_lora_rank"),
        rank=keys.whole("kv_lora_rank"),
        plain_width=keys.whole("qk_nope_head_dim"),
        rotary_width=rotary,
        value_width=value,
    )
    head = latent.plain_width + rotary
    shape = read_llama(keys, head_width=head)  # the key `head_dim`, if there, is the rotary part
    attention = replace(shape.attention, kv_heads=None, head_width=head, latent=latent)
    experts = Experts(
        *count_experts(keys, "n_routed_experts"),
        keys.whole("moe_intermediate_size"),
        shared_width=keys.whole("moe_intermediate_size") * keys.count("n_shared_experts"),
        first_dense=count_dense(keys),
    )
    return _add(replace(shape, rotary_fraction=rotary / head, attention=attention), keys, experts)


def _add(shape: Architecture, keys: Keys, experts: Experts) -> Architecture:
    return replace(shape, mlp=replace(shape.mlp, experts=experts))


def count_experts(keys: Keys, *names: str) -> tuple[int, int]:
    """Return the number of experts, and how many of them a token uses."""
    experts = keys.whole(*names, most=1 << 20)
    return experts, keys.whole("num_experts_per_tok", "experts_per_token", most=experts)


def count_dense(keys: Keys) -> int:
    """Return how many of the first layers have a plain MLP."""
    first = keys.count("first_k_dense_replace")
    layers = keys.layers("num_hidden_layers")
    plain = keys.entries("mlp_only_layers")
    if plain:
        if plain != list(range(len(plain))):
            raise keys.refuse("mlp_only_layers", plain, "the first layers")
        first = len(plain)
    kinds = keys.kinds("mlp_layer_types", layers, ("dense", "sparse"))
    if kinds is not None:
        first = kinds.index("sparse") if "sparse" in kinds else layers
        if "dense" in kinds[first:]:
            raise keys.refuse("mlp_layer_types", kinds, "dense layers before all sparse ones")
    return first


READERS: Mapping[str, Callable[[Keys], Architecture]] = {
    "deepseek_v2": read_deepseek,
    "deepseek_v3": read_deepseek,
    "kimi_k2": read_deepseek,
    "gpt_oss": read_gpt_oss,
    "mixtral": read_mixtral,
    "qwen2_moe": read_qwen2_moe,
    "qwen3_moe": read_qwen3_moe,
}
