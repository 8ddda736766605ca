"""Families with RMSNorm and an MLP of three matrices: LLaMA and its relatives, Mistral, Qwen, Gemma, Phi-3, OLMo."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tokbench.pythia.model.architecture import Architecture, Attention, Embeddings, Mlp, Norms
from tokbench.pythia.model.families._keys import Keys, shorten

_KINDS = ("full_attention", "sliding_attention")


def read_llama(keys: Keys, *, tied: bool = False, head_width: int | None = None) -> Architecture:
    """Read LLaMA, and what all families here have in common with it.

    tied, head_width: what the family has if the keys are absent.
    """
    width = keys.whole("hidden_size")
    heads = keys.heads(width, "num_attention_heads") if head_width is None else keys.whole("num_attention_heads")
    bias, mlp_bias = keys.flag("attention_bias", default=False), keys.flag("mlp_bias", default=False)
    return Architecture(
        layers=keys.layers("num_hidden_layers"),
        width=width,
        heads=heads,
        vocab_rows=keys.whole("vocab_size"),
        context=keys.whole("max_position_embeddings", default=2048),
        rotary_fraction=1,
        parallel_residual=False,
        family=keys.text("model_type"),
        attention=Attention(
            kv_heads=keys.kv_heads(heads, "num_key_value_heads"),
            head_width=keys.whole_or_none("head_dim") or head_width,
            bias=bias,
            output_bias=bias,
        ),
        mlp=Mlp(keys.whole("intermediate_size"), gated=True, bias=mlp_bias, output_bias=mlp_bias),
        norms=Norms(values=1),
        embeddings=Embeddings(keys.flag("tie_word_embeddings", default=tied)),
    )


def read_mistral(keys: Keys) -> Architecture:
    """Read Mistral: every layer has the same window, if there is one."""
    return attend(read_llama(keys), windows=(keys.whole_or_none("sliding_window"),))


def read_qwen2(keys: Keys) -> Architecture:
    """Read Qwen2: biases of queries, keys and values alone; windows only if `use_sliding_window` says so."""
    shape = read_llama(keys)
    return attend(shape, bias=True, output_bias=False, windows=find_late_windows(keys, shape.layers))


def read_qwen3(keys: Keys) -> Architecture:
    """Read Qwen3: norms of each head's queries and keys."""
    shape = read_llama(keys, head_width=128)
    return attend(shape, norm_values=2 * shape.head_width, windows=find_late_windows(keys, shape.layers))


def read_gemma(keys: Keys) -> Architecture:
    """Read Gemma: wide heads, one matrix for both embeddings."""
    return read_llama(keys, tied=True, head_width=256)


def read_gemma2(keys: Keys) -> Architecture:
    """Read Gemma 2: norms before and after attention and MLP, a window in every second layer."""
    shape = replace(read_gemma(keys), norms=Norms(per_layer=4, values=1))
    window = keys.whole("sliding_window", default=4096)
    return attend(shape, windows=find_windows(keys, shape.layers, window, (window, None)))


def read_gemma3(keys: Keys) -> Architecture:
    """Read the text part of Gemma 3: as Gemma 2, norms of queries and keys, a window in five of six layers.

    The files of the larger sizes leave out heads and vocabulary, which then are 8, 4 and 262,208.
    """
    filled = keys.fill(vocab_size=262208, num_attention_heads=8, num_key_value_heads=4, max_position_embeddings=131072)
    shape = replace(read_gemma(filled), norms=Norms(per_layer=4, values=1))
    window, every = keys.whole("sliding_window", default=4096), keys.whole("sliding_window_pattern", default=6)
    pattern = tuple(None if (index + 1) % every == 0 else window for index in range(min(every, shape.layers)))
    windows = find_windows(keys, shape.layers, window, pattern)
    return attend(shape, norm_values=2 * shape.head_width, windows=windows)


def read_phi3(keys: Keys) -> Architecture:
    """Read Phi-3: as LLaMA, with a window in every layer, if there is one."""
    return attend(read_llama(keys), windows=(keys.whole_or_none("sliding_window"),))


def read_stablelm(keys: Keys) -> Architecture:
    """Read StableLM: LayerNorm; biases of queries, keys and values, and a parallel residual on one norm, as options."""
    keys.require("qk_layernorm", False)
    parallel = keys.flag("use_parallel_residual", default=False)
    shape = replace(read_llama(keys), parallel_residual=parallel, norms=Norms(per_layer=1 if parallel else 2))
    return attend(shape, bias=keys.flag("use_qkv_bias", default=False), output_bias=False)


def read_olmo(keys: Keys) -> Architecture:
    """Read OLMo 1: norms without parameters."""
    return replace(read_llama(keys), norms=Norms(values=0))


def read_olmo2(keys: Keys) -> Architecture:
    """Read OLMo 2: norms over all heads' queries and over all their keys."""
    shape = read_llama(keys)
    return attend(shape, norm_values=shape.query_width + shape.kv_width)


def read_smollm3(keys: Keys) -> Architecture:
    """Read SmolLM3: as LLaMA, one matrix for both embeddings."""
    shape = read_llama(keys, tied=True)
    window = keys.whole_or_none("sliding_window") if keys.flag("use_sliding_window", default=False) else None
    return attend(shape, windows=find_windows(keys, shape.layers, window, (window,)))


def attend(
    shape: Architecture,
    *,
    bias: bool | None = None,
    output_bias: bool | None = None,
    norm_values: int = 0,
    windows: tuple[int | None, ...] = (None,),
) -> Architecture:
    """Return the shape with changed attention; biases stay as they are if they are None."""
    attention = replace(
        shape.attention,
        bias=shape.attention.bias if bias is None else bias,
        output_bias=shape.attention.output_bias if output_bias is None else output_bias,
        norm_values=norm_values,
        windows=windows,
    )
    return replace(shape, attention=attention)


def find_windows(keys: Keys, layers: int, window: int | None, pattern: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the windows that `layer_types` gives, or the pattern if it is absent."""
    kinds = keys.kinds("layer_types", layers, _KINDS)
    if kinds is None:
        return tuple(pattern)
    return shorten([window if kind == "sliding_attention" else None for kind in kinds])


def find_late_windows(keys: Keys, layers: int) -> tuple[int | None, ...]:
    """Return the windows of Qwen: those of the layers from `max_window_layers` on, if `use_sliding_window` is true."""
    if not keys.flag("use_sliding_window", default=False):
        return (None,)
    window, first = keys.whole("sliding_window", default=4096), keys.count("max_window_layers", default=28)
    windows = [None if index < first else window for index in range(layers)]
    return shorten(find_windows(keys, layers, window, windows))


READERS: Mapping[str, Callable[[Keys], Architecture]] = {
    "gemma": read_gemma,
    "gemma2": read_gemma2,
    "gemma3_text": read_gemma3,
    "llama": read_llama,
    "mistral": read_mistral,
    "olmo": read_olmo,
    "olmo2": read_olmo2,
    "phi3": read_phi3,
    "qwen2": read_qwen2,
    "qwen3": read_qwen3,
    "smollm3": read_smollm3,
    "stablelm": read_stablelm,
}
