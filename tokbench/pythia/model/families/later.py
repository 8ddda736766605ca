"""Later relatives of LLaMA: Cohere, Granite, OLMo 3, ERNIE 4.5, Seed-OSS, GLM-4, EXAONE 4, Nemotron and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tokbench.pythia.model.architecture import Architecture, Experts, Mlp, Norms
from tokbench.pythia.model.families._keys import Keys
from tokbench.pythia.model.families.experts import count_dense, count_experts
from tokbench.pythia.model.families.gated import attend, find_windows, read_llama, read_olmo2


def read_cohere(keys: Keys) -> Architecture:
    """Read Cohere (Command R): attention and MLP in parallel on one norm, one matrix for both embeddings."""
    shape = read_llama(keys, tied=True)
    norms = shape.query_width + shape.kv_width if keys.flag("use_qk_norm", default=False) else 0
    return attend(replace(shape, parallel_residual=True, norms=Norms(per_layer=1, values=1)), norm_values=norms)


def read_cohere2(keys: Keys) -> Architecture:
    """Read Cohere 2 (Command R7B, Command A): as Cohere, with a window in three of four layers."""
    shape = replace(read_llama(keys, tied=True), parallel_residual=True, norms=Norms(per_layer=1, values=1))
    return attend(shape, windows=_alternate(keys, shape.layers, 4))


def read_granite_moe(keys: Keys) -> Architecture:
    """Read Granite with experts."""
    return _add_experts(read_llama(keys), keys, "num_local_experts")


def read_olmoe(keys: Keys) -> Architecture:
    """Read OLMoE: norms over all heads' queries and over all their keys, experts."""
    return _add_experts(read_olmo2(keys), keys, "num_experts")


def read_olmo3(keys: Keys) -> Architecture:
    """Read OLMo 3: as OLMo 2, with a window in three of four layers."""
    shape = read_olmo2(keys)
    return attend(shape, norm_values=shape.attention.norm_values, windows=_alternate(keys, shape.layers, 4))


def read_ernie(keys: Keys) -> Architecture:
    """Read ERNIE 4.5: biases everywhere, if there are any; one matrix for both embeddings."""
    shape, bias = read_llama(keys, tied=True, head_width=128), keys.flag("use_bias", default=False)
    mlp = replace(shape.mlp, bias=bias, output_bias=bias)
    return attend(replace(shape, mlp=mlp), bias=bias, output_bias=bias)


def read_seed_oss(keys: Keys) -> Architecture:
    """Read Seed-OSS: biases of queries, keys and values."""
    shape = read_llama(keys, head_width=128)
    bias, output = keys.flag("attention_bias", default=True), keys.flag("attention_out_bias", default=False)
    return attend(shape, bias=bias, output_bias=output)


def read_glm(keys: Keys) -> Architecture:
    """Read GLM-4 of 2024: biases of queries, keys and values, rotary positions on half of each head."""
    shape = replace(read_llama(keys, head_width=128), rotary_fraction=_read_rotary(keys))
    return attend(shape, bias=keys.flag("attention_bias", default=True), output_bias=False)


def read_glm4(keys: Keys) -> Architecture:
    """Read GLM-4 of 2025: as before, with norms before and after attention and MLP."""
    return replace(read_glm(keys), norms=Norms(per_layer=4, values=1))


def read_glm4_moe(keys: Keys) -> Architecture:
    """Read GLM-4.5: norms of each head's queries and keys as an option, routed and shared experts."""
    shape = replace(read_llama(keys), rotary_fraction=_read_rotary(keys))
    norms = 2 * shape.head_width if keys.flag("use_qk_norm", default=False) else 0
    return _add_deepseek_experts(attend(shape, output_bias=False, norm_values=norms), keys)


def read_dots(keys: Keys) -> Architecture:
    """Read dots.llm1: norms of each head's queries and keys, routed and shared experts."""
    shape = read_llama(keys)
    windows = find_windows(keys, shape.layers, keys.whole_or_none("sliding_window"), (None,))
    return _add_deepseek_experts(attend(shape, norm_values=2 * shape.head_width, windows=windows), keys)


def read_headed_norms(keys: Keys) -> Architecture:
    """Read EXAONE 4 and Hunyuan: norms of each head's queries and keys."""
    shape = read_llama(keys)
    window = keys.whole_or_none("sliding_window")
    windows = _alternate(keys, shape.layers, 4) if window else (None,)
    return attend(shape, norm_values=2 * shape.head_width, windows=windows)


def read_helium(keys: Keys) -> Architecture:
    """Read Helium: heads of 128 dimensions unless the file says otherwise, together as wide as the layers."""
    shape = read_llama(keys, head_width=128)
    if shape.query_width != shape.width:
        raise keys.refuse("head_dim", shape.head_width, f"the width {shape.width} divided by {shape.heads} heads")
    return shape


def read_arcee(keys: Keys) -> Architecture:
    """Read Arcee (AFM): an MLP of two matrices."""
    shape = read_llama(keys)
    return replace(shape, mlp=replace(shape.mlp, gated=False))


def read_nemotron(keys: Keys) -> Architecture:
    """Read Nemotron-4 and Minitron: LayerNorm, an MLP of two matrices, rotary positions on half of each head."""
    shape = read_llama(keys)
    bias = keys.flag("mlp_bias", default=False)
    mlp = Mlp(shape.mlp.width, bias=bias, output_bias=bias)
    return replace(shape, mlp=mlp, norms=Norms(), rotary_fraction=_read_rotary(keys))


def _read_rotary(keys: Keys) -> float:
    return keys.fraction("partial_rotary_factor", default=0.5)


def _alternate(keys: Keys, layers: int, every: int) -> tuple[int | None, ...]:
    """Return windows in all layers but each `every`-th, unless `layer_types` or the pattern's length say otherwise."""
    window = keys.whole("sliding_window", default=4096)
    named = "layer_types" in keys  # the pattern may then be a name, such as LLLG
    length = every if named else keys.whole("sliding_window_pattern", default=every, most=1 << 14)
    return find_windows(keys, layers, window, (*[window] * (length - 1), None))


def _add_experts(shape: Architecture, keys: Keys, name: str) -> Architecture:
    experts = Experts(*count_experts(keys, name), keys.whole("intermediate_size"))
    return replace(shape, mlp=replace(shape.mlp, experts=experts))


def _add_deepseek_experts(shape: Architecture, keys: Keys) -> Architecture:
    width = keys.whole("moe_intermediate_size")
    experts = Experts(
        *count_experts(keys, "n_routed_experts"),
        width,
        shared_width=width * keys.count("n_shared_experts"),
        first_dense=count_dense(keys),
    )
    return replace(shape, mlp=replace(shape.mlp, experts=experts))


READERS: Mapping[str, Callable[[Keys], Architecture]] = {
    "arcee": read_arcee,
    "cohere": read_cohere,
    "cohere2": read_cohere2,
    "dots1": read_dots,
    "ernie4_5": read_ernie,
    "exaone4": read_headed_norms,
    "glm": read_glm,
    "glm4": read_glm4,
    "glm4_moe": read_glm4_moe,
    "granite": read_llama,
    "granitemoe": read_granite_moe,
    "helium": read_helium,
    "hunyuan_v1_dense": read_headed_norms,
    "nemotron": read_nemotron,
    "olmo3": read_olmo3,
    "olmoe": read_olmoe,
    "seed_oss": read_seed_oss,
}
