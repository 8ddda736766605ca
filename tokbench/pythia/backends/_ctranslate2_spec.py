"""Build a CTranslate2 model from the tensors of a GPT-NeoX or LLaMA-like checkpoint.

Uses CTranslate2's own model specification.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench.pythia.backends._ctranslate2_library import import_ctranslate2, without_torch
from tokbench.pythia.backends._ctranslate2_llama import fill_llama
from tokbench.pythia.backends._gguf_writing import list_tokens
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.ctranslate2_reading import CONTEXT_KEY, WEIGHTS_KEY
from tokbench.pythia.formats.llama import LLAMA_LIKE
from tokbench.pythia.formats.weights import Weights, as_float32, split_heads

VERSION = 2
"""Version of the written files; changing it invalidates converted folders."""

TYPES = ("float32", "bfloat16", "float16", "int8", "int8_float32", "int8_float16", "int8_bfloat16")
"""Compute types."""

_END_OF_TEXT = "<|endoftext|>"


def choose_stored(quantization: str, checkpoint: Checkpoint) -> str:
    """Return the type on disk for a compute type.

    bfloat16, which numpy lacks, is rounded from the stored type on loading.
    """
    if quantization == "bfloat16":
        return "float32" if checkpoint.stored == "bfloat16" else checkpoint.stored
    return "int8_float32" if quantization == "int8" else quantization


def write_folder(checkpoint: Checkpoint, stored: str, folder: Path) -> None:
    """Write a checkpoint as a CTranslate2 folder in the type `stored`.

    Files: model.bin, config.json and vocabulary.json.
    """
    import_ctranslate2("converting a checkpoint to CTranslate2")
    with without_torch():
        from ctranslate2.specs import common_spec, transformer_spec
    architecture, computation = checkpoint.architecture, checkpoint.computation
    assert computation is not None, "converted by _ctranslate2_converters"
    llama = architecture.family in LLAMA_LIKE
    activations = {"gelu": "GELU", "gelu_tanh": "GELUTanh", "silu": "SWISH"}
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        architecture.layers,
        architecture.heads,
        pre_norm=True,
        activation=common_spec.Activation[activations[computation.activation]],
        ffn_glu=architecture.mlp.gated,
        rms_norm=llama,
        rotary_dim=architecture.rotary_width,
        rotary_interleave=False,
        rotary_base=computation.rotary_base,
        parallel_residual=architecture.parallel_residual,
        shared_layer_norm=False,
        num_heads_kv=architecture.attention.kv_heads,
        head_dim=architecture.attention.head_width,
    )
    with Weights(checkpoint.weight_files, architecture) as weights:
        if llama:
            fill_llama(spec.decoder, weights, architecture, stored)
        else:
            _fill(spec.decoder, weights, architecture.heads, stored)
    spec.register_vocabulary(list_vocabulary(checkpoint))
    config = spec.config
    config.bos_token = config.eos_token = config.unk_token = spec._vocabulary[computation.end_of_text]
    config.layer_norm_epsilon = architecture.layer_norm_epsilon
    config.add_attribute(WEIGHTS_KEY, checkpoint.weights)
    config.add_attribute(CONTEXT_KEY, architecture.context)
    spec.validate()
    spec.save(str(folder))


def _fill(decoder: Any, weights: Weights, heads: int, stored: str) -> None:
    """Set the tensors of a decoder.

    Each part is quantised before the next is read, so that only one is in memory twice.
    """

    def finish(part: Any) -> None:
        part.validate()
        part._quantize(stored)

    decoder.scale_embeddings = False
    decoder.embeddings.weight = weights.read("gpt_neox.embed_in.weight")
    finish(decoder.embeddings)
    decoder.projection.weight = weights.read("embed_out.weight")
    finish(decoder.projection)
    _fill_norm(decoder.layer_norm, weights, "gpt_neox.final_layer_norm")
    finish(decoder.layer_norm)
    for i, layer in enumerate(decoder.layer):
        name = f"gpt_neox.layers.{i}"
        parallel = hasattr(layer, "input_layer_norm")
        before_attention = layer.input_layer_norm if parallel else layer.self_attention.layer_norm
        before_mlp = layer.post_attention_layer_norm if parallel else layer.ffn.layer_norm
        _fill_norm(before_attention, weights, f"{name}.input_layernorm")
        _fill_norm(before_mlp, weights, f"{name}.post_attention_layernorm")
        fused, output = layer.self_attention.linear
        fused.weight = split_heads(weights.read(f"{name}.attention.query_key_value.weight"), heads)
        fused.bias = split_heads(weights.read(f"{name}.attention.query_key_value.bias"), heads)
        _fill_linear(output, weights, f"{name}.attention.dense")
        _fill_linear(layer.ffn.linear_0, weights, f"{name}.mlp.dense_h_to_4h")
        _fill_linear(layer.ffn.linear_1, weights, f"{name}.mlp.dense_4h_to_h")
        finish(layer)


def _fill_linear(spec: Any, weights: Weights, name: str) -> None:
    spec.weight = weights.read(f"{name}.weight")
    spec.bias = weights.read(f"{name}.bias")


def _fill_norm(spec: Any, weights: Weights, name: str) -> None:
    spec.gamma = as_float32(weights.read(f"{name}.weight"))
    spec.beta = as_float32(weights.read(f"{name}.bias"))


def list_vocabulary(checkpoint: Checkpoint) -> list[str]:
    rows = checkpoint.architecture.vocab_rows
    if checkpoint.tokenizer is not None:
        return list_tokens(read_json_object(checkpoint.tokenizer), checkpoint.tokenizer, rows)
    return [_END_OF_TEXT, *(f"<extra_id_{i}>" for i in range(rows - 1))]
