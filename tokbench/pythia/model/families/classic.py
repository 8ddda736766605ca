"""Families with an MLP of two matrices: GPT-2 and its relatives, OPT, BLOOM, MPT, Falcon, Phi, StarCoder2."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from tokbench.pythia.model.architecture import Architecture, Attention, Embeddings, Mlp, Norms
from tokbench.pythia.model.families._keys import Keys, shorten


def read_neox(keys: Keys) -> Architecture:
    """Read GPT-NeoX: parallel residual, rotary positions on a part of each head."""
    width = keys.whole("hidden_size")
    bias = keys.flag("attention_bias", default=True)
    hidden = keys.whole("intermediate_size", default=4 * width)
    tied = keys.flag("tie_word_embeddings", default=False)
    return Architecture(
        layers=keys.layers("num_hidden_layers"),
        width=width,
        heads=keys.heads(width, "num_attention_heads"),
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("max_position_embeddings", default=2048),
        rotary_fraction=keys.fraction("rotary_pct", "partial_rotary_factor", default=0.25),
        parallel_residual=keys.flag("use_parallel_residual", default=True),
        attention=Attention(bias=bias, output_bias=bias),
        mlp=Mlp(None if hidden == 4 * width else hidden),
        embeddings=Embeddings(tied),
    )


def read_gpt2(keys: Keys) -> Architecture:
    """Read GPT-2: learned positions, one matrix for both embeddings."""
    keys.require("add_cross_attention", False)
    width = keys.whole("n_embd", "hidden_size")
    context = keys.whole("n_positions", "n_ctx", "max_position_embeddings", default=1024)
    return Architecture(
        layers=keys.layers("n_layer", "num_hidden_layers"),
        width=width,
        heads=keys.heads(width, "n_head", "num_attention_heads"),
        vocab_rows=keys.whole("vocab_size"),
        context=context,
        rotary_fraction=0,
        parallel_residual=False,
        family="gpt2",
        mlp=Mlp(keys.whole_or_none("n_inner")),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=True), positions=context),
    )


def read_gpt_bigcode(keys: Keys) -> Architecture:
    """Read GPT-BigCode (StarCoder): GPT-2 with multi-query attention."""
    keys.require("add_cross_attention", False)
    shape = read_gpt2(keys)
    queries = 1 if keys.flag("multi_query", default=True) else None
    return replace(shape, family="gpt_bigcode", attention=Attention(kv_heads=queries))


def read_gpt_neo(keys: Keys) -> Architecture:
    """Read GPT-Neo: learned positions, a window in every second layer, no biases of queries, keys and values."""
    width, layers = keys.whole("hidden_size"), keys.layers("num_layers", "num_hidden_layers")
    context, window = keys.whole("max_position_embeddings", default=2048), keys.whole("window_size", default=256)
    types = keys.kinds("attention_layers", layers, ("global", "local")) or _expand(keys, layers)
    return Architecture(
        layers=layers,
        width=width,
        heads=keys.heads(width, "num_heads", "num_attention_heads"),
        vocab_rows=keys.whole("vocab_size"),
        context=context,
        rotary_fraction=0,
        parallel_residual=False,
        family="gpt_neo",
        attention=Attention(bias=False, windows=shorten([window if kind == "local" else None for kind in types])),
        mlp=Mlp(keys.whole_or_none("intermediate_size")),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=True), positions=context),
    )


def _expand(keys: Keys, layers: int) -> list[str]:
    """Return each layer's kind from `attention_types`, such as [[["global", "local"], 12]]."""
    types = keys.entries("attention_types") or [[["global", "local"], layers // 2]]
    found: list[str] = []
    for entry in types:
        match entry:
            case [list(kinds), int(times)] if 0 <= times <= layers and set(map(str, kinds)) <= {"global", "local"}:
                found += kinds * times
            case _:
                raise keys.refuse("attention_types", types, "lists of global and local with how often they repeat")
        if len(found) > layers:
            break
    if len(found) != layers:
        raise keys.refuse("attention_types", types, f"kinds of {layers} layers")
    return found


def read_gptj(keys: Keys) -> Architecture:
    """Read GPT-J: attention and MLP in parallel on one norm, no biases in attention, a bias of the logits."""
    width = keys.whole("n_embd", "hidden_size")
    heads = keys.heads(width, "n_head", "num_attention_heads")
    tied = keys.flag("tie_word_embeddings", default=False)
    return Architecture(
        layers=keys.layers("n_layer", "num_hidden_layers"),
        width=width,
        heads=heads,
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("n_positions", "max_position_embeddings", default=2048),
        rotary_fraction=min(keys.whole("rotary_dim", default=64) / (width // heads), 1),
        family="gptj",
        attention=Attention(bias=False, output_bias=False),
        mlp=Mlp(keys.whole_or_none("n_inner")),
        norms=Norms(per_layer=1),
        embeddings=Embeddings(tied, output_bias=True),
    )


def read_opt(keys: Keys) -> Architecture:
    """Read OPT: learned positions from row 2 on; in the 350M, embeddings narrower than the layers and no final norm."""
    width = keys.whole("hidden_size")
    narrow = keys.whole("word_embed_proj_dim", default=width)
    context, bias = keys.whole("max_position_embeddings", default=2048), keys.flag("enable_bias", default=True)
    before = keys.flag("do_layer_norm_before", default=True)
    return Architecture(
        layers=keys.layers("num_hidden_layers"),
        width=width,
        heads=keys.heads(width, "num_attention_heads"),
        vocab_rows=keys.whole("vocab_size"),
        context=context,
        rotary_fraction=0,
        parallel_residual=False,
        family="opt",
        attention=Attention(bias=bias, output_bias=bias),
        mlp=Mlp(keys.whole("ffn_dim"), bias=bias, output_bias=bias),
        norms=Norms(
            values=2 if keys.flag("layer_norm_elementwise_affine", default=True) else 0,
            final=before and not keys.flag("_remove_final_layer_norm", default=False),
        ),
        embeddings=Embeddings(
            keys.flag("tie_word_embeddings", default=True), None if narrow == width else narrow, positions=context + 2
        ),
    )


def read_bloom(keys: Keys) -> Architecture:
    """Read BLOOM: ALiBi, a norm after the embedding."""
    width = keys.whole("n_embed", "hidden_size")
    return Architecture(
        layers=keys.layers("n_layer", "num_hidden_layers"),
        width=width,
        heads=keys.heads(width, "n_head", "num_attention_heads"),
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("seq_length", default=2048),
        rotary_fraction=0,
        parallel_residual=False,
        family="bloom",
        norms=Norms(embedding=True),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=True)),
    )


def read_mpt(keys: Keys) -> Architecture:
    """Read MPT: ALiBi, neither biases nor shifts of norms."""
    width, attention = keys.whole("d_model", "hidden_size"), keys.table("attn_config")
    heads = keys.heads(width, "n_heads", "num_attention_heads")
    keys.require("no_bias", True)
    keys.require("norm_type", "low_precision_layernorm")
    attention.require("qk_ln", False)
    attention.require("alibi", True)
    keys.require("alibi", True)
    attention.require("attn_type", "multihead_attention", "multiquery_attention", "grouped_query_attention")
    single = 1 if "attn_type" in attention and attention.text("attn_type") == "multiquery_attention" else None
    ratio = keys.whole("expansion_ratio", default=4)
    return Architecture(
        layers=keys.layers("n_layers", "num_hidden_layers"),
        width=width,
        heads=heads,
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("max_seq_len", default=2048),
        rotary_fraction=0,
        parallel_residual=False,
        family="mpt",
        attention=Attention(attention.kv_heads(heads, "kv_n_heads", default=single), bias=False, output_bias=False),
        mlp=Mlp(ratio * width, bias=False, output_bias=False),
        norms=Norms(values=1),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=True)),
    )


def read_falcon(keys: Keys) -> Architecture:
    """Read Falcon: multi-query attention in parallel on one norm; from 40B on, grouped queries and two norms."""
    width, new = keys.whole("hidden_size"), keys.flag("new_decoder_architecture", default="n_head_kv" in keys)
    heads = keys.heads(width, "num_attention_heads", "n_head")
    single = 1 if keys.flag("multi_query", default=True) else heads
    parallel, bias = keys.flag("parallel_attn", default=True), keys.flag("bias", default=False)
    shared = keys.whole("num_ln_in_parallel_attn", default=2, most=2) == 1 if new else parallel
    return Architecture(
        layers=keys.layers("num_hidden_layers", "n_layer"),
        width=width,
        heads=heads,
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("max_position_embeddings", default=2048),
        rotary_fraction=0 if keys.flag("alibi", default=False) else 1,
        parallel_residual=parallel or new,
        family="falcon",
        attention=Attention(
            keys.kv_heads(heads, "num_kv_heads", "n_head_kv", default=heads) if new else single,
            bias=bias,
            output_bias=bias,
        ),
        mlp=Mlp(keys.whole_or_none("ffn_hidden_size"), bias=bias, output_bias=bias),
        norms=Norms(1 if shared else 2),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=True)),
    )


def read_phi(keys: Keys) -> Architecture:
    """Read Phi 1 to 2: attention and MLP in parallel on one norm, a bias of the logits."""
    width = keys.whole("hidden_size", "n_embd")
    heads = keys.heads(width, "num_attention_heads", "n_head")
    keys.require("qk_layernorm", False)
    return Architecture(
        layers=keys.layers("num_hidden_layers", "n_layer"),
        width=width,
        heads=heads,
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("max_position_embeddings", "n_positions", default=2048),
        rotary_fraction=keys.fraction("partial_rotary_factor", default=0.5),
        family="phi",
        attention=Attention(keys.kv_heads(heads, "num_key_value_heads")),
        mlp=Mlp(keys.whole_or_none("intermediate_size", "n_inner")),
        norms=Norms(per_layer=1),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=False), output_bias=True),
    )


def read_starcoder2(keys: Keys) -> Architecture:
    """Read StarCoder2: grouped queries, biases, a window."""
    width, bias = keys.whole("hidden_size"), keys.flag("use_bias", default=True)
    heads = keys.heads(width, "num_attention_heads")
    return Architecture(
        layers=keys.layers("num_hidden_layers"),
        width=width,
        heads=heads,
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("max_position_embeddings", default=4096),
        rotary_fraction=1,
        parallel_residual=False,
        family="starcoder2",
        attention=Attention(
            keys.kv_heads(heads, "num_key_value_heads", default=2),
            bias=bias,
            output_bias=bias,
            windows=(keys.whole_or_none("sliding_window"),),
        ),
        mlp=Mlp(keys.whole("intermediate_size"), bias=bias, output_bias=bias),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=True)),
    )


READERS: Mapping[str, Callable[[Keys], Architecture]] = {
    "bloom": read_bloom,
    "falcon": read_falcon,
    "RefinedWeb": read_falcon,
    "RefinedWebModel": read_falcon,
    "gpt2": read_gpt2,
    "gpt_bigcode": read_gpt_bigcode,
    "gpt_neo": read_gpt_neo,
    "gpt_neox": read_neox,
    "gptj": read_gptj,
    "mpt": read_mpt,
    "opt": read_opt,
    "phi": read_phi,
    "starcoder2": read_starcoder2,
}
