"""Models built as LLaMA is: their config.json, and their tensors by name.

LLaMA, Mistral and Qwen2 compute the same, up to biases of queries, keys and values.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from tokbench.pythia.formats.checkpoint import Computation
from tokbench.pythia.model.architecture import Architecture

Shape = tuple[int, ...]

LLAMA_LIKE: Mapping[str, str] = {
    "llama": "LlamaForCausalLM",
    "mistral": "MistralForCausalLM",
    "qwen2": "Qwen2ForCausalLM",
}
"""Classes of transformers by model_type."""

UNEMBEDDING = "lm_head.weight"

_HONOURED = """
model_type architectures num_hidden_layers hidden_size intermediate_size num_attention_heads num_key_value_heads
head_dim vocab_size max_position_embeddings rms_norm_eps tie_word_embeddings attention_bias mlp_bias hidden_act
rope_theta rope_scaling rope_parameters sliding_window use_sliding_window max_window_layers layer_types
"""
_IRRELEVANT = """
use_mrope
"""
_ROPE_KEYS = {"rope_type", "type", "rope_theta"}


def find_obstacle(config: Mapping[str, Any], irrelevant: frozenset[str]) -> str | None:
    """Return the first key that changes what our forward pass computes, with its value; None if there is none.

    irrelevant: keys that change nothing, whatever the model.
    """
    activation = config.get("hidden_act", "silu")
    if activation not in ("silu", "swish"):
        return f"hidden_act is {activation!r}"
    for name in ("rope_scaling", "rope_parameters"):
        table = config.get(name) or {}
        if not isinstance(table, Mapping) or _is_scaled(table):
            return f"{name} is {table!r}"
    window = config.get("sliding_window") if config.get("use_sliding_window", True) else None
    if window is not None and (type(window) is not int or window < config.get("max_position_embeddings", math.inf)):
        return f"sliding_window is {window!r}"
    known = {*_HONOURED.split(), *_IRRELEVANT.split(), *irrelevant}
    unknown = [key for key, value in config.items() if not (key in known or key.startswith("_") or value is None)]
    return f"{unknown[0]} is {config[unknown[0]]!r}, an unknown key" if unknown else None


def _is_scaled(table: Mapping[str, Any]) -> bool:
    kinds = {table.get("rope_type"), table.get("type")}
    others = {key for key, value in table.items() if value is not None} - _ROPE_KEYS
    return bool(others) or not kinds <= {None, "default"}


def read_llama_computation(config: Mapping[str, Any], end_of_text: int) -> Computation:
    """Read what a forward pass needs beyond the shape, where there is no obstacle."""
    tables = [config.get(name) or {} for name in ("rope_parameters", "rope_scaling")]
    bases = [table["rope_theta"] for table in (*tables, config) if table.get("rope_theta") is not None]
    return Computation("silu", float(bases[0]) if bases else 10000.0, end_of_text)


def list_llama_shapes(architecture: Architecture) -> dict[str, Shape]:
    """List the tensor shapes of a model by name, in model order; tied embeddings are one tensor."""
    width, hidden, rows = architecture.width, architecture.mlp_width, architecture.vocab_rows
    attention, mlp = architecture.attention, architecture.mlp
    shapes: dict[str, Shape] = {"model.embed_tokens.weight": (rows, width)}

    def add(name: str, output: int, inputs: int, bias: bool) -> None:
        shapes[f"{name}.weight"] = (output, inputs)
        if bias:
            shapes[f"{name}.bias"] = (output,)

    for i in range(architecture.layers):
        layer = f"model.layers.{i}"
        shapes[f"{layer}.input_layernorm.weight"] = (width,)
        add(f"{layer}.self_attn.q_proj", architecture.query_width, width, attention.bias)
        add(f"{layer}.self_attn.k_proj", architecture.kv_width, width, attention.bias)
        add(f"{layer}.self_attn.v_proj", architecture.kv_width, width, attention.bias)
        add(f"{layer}.self_attn.o_proj", width, architecture.query_width, attention.output_bias)
        shapes[f"{layer}.post_attention_layernorm.weight"] = (width,)
        add(f"{layer}.mlp.gate_proj", hidden, width, mlp.bias)
        add(f"{layer}.mlp.up_proj", hidden, width, mlp.bias)
        add(f"{layer}.mlp.down_proj", width, hidden, mlp.output_bias)
    shapes["model.norm.weight"] = (width,)
    if not architecture.embeddings.tied:
        shapes[UNEMBEDDING] = (rows, width)
    return shapes


def describe_llama(architecture: Architecture, dtype: str) -> dict[str, Any]:
    """Build the config.json of a model, with the keys of the hub."""
    attention = architecture.attention
    config: dict[str, Any] = {
        "architectures": [LLAMA_LIKE[architecture.family]],
        "bos_token_id": 0,
        "eos_token_id": 0,
        "hidden_act": "silu",
        "hidden_size": architecture.width,
        "initializer_range": 0.02,
        "intermediate_size": architecture.mlp_width,
        "max_position_embeddings": architecture.context,
        "model_type": architecture.family,
        "num_attention_heads": architecture.heads,
        "num_hidden_layers": architecture.layers,
        "num_key_value_heads": architecture.kv_heads,
        "rms_norm_eps": architecture.layer_norm_epsilon,
        "rope_theta": 10000.0,
        "tie_word_embeddings": architecture.embeddings.tied,
        "torch_dtype": dtype,
        "use_cache": True,
        "vocab_size": architecture.vocab_rows,
    }
    if attention.head_width is not None:
        config["head_dim"] = attention.head_width
    if architecture.family == "llama":
        return config | {"attention_bias": attention.bias, "mlp_bias": architecture.mlp.bias}
    return config | {"sliding_window": None}
