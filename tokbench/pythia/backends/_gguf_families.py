"""What a GGUF file says of a model, and how its tensors are ordered, for the families that we write."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import Computation
from tokbench.pythia.formats.gguf_reading import NEOX, name_architecture
from tokbench.pythia.formats.weights import split_heads
from tokbench.pythia.model.architecture import Architecture

_FUSED = "attention.query_key_value."


def add_metadata(writer: Any, architecture: Architecture, computation: Computation) -> None:
    """Add the shape, and what the forward pass needs beyond it, to a GGUF writer."""
    writer.add_context_length(architecture.context)
    writer.add_embedding_length(architecture.width)
    writer.add_block_count(architecture.layers)
    writer.add_feed_forward_length(architecture.mlp_width)
    writer.add_rope_dimension_count(architecture.rotary_width)
    writer.add_rope_freq_base(computation.rotary_base)
    writer.add_head_count(architecture.heads)
    if name_architecture(architecture) == NEOX:
        writer.add_parallel_residual(architecture.parallel_residual)
        writer.add_layer_norm_eps(architecture.layer_norm_epsilon)
        return
    writer.add_head_count_kv(architecture.kv_heads)
    writer.add_key_length(architecture.head_width)
    writer.add_value_length(architecture.head_width)
    writer.add_layer_norm_rms_eps(architecture.layer_norm_epsilon)
    writer.add_vocab_size(architecture.vocab_rows)


def check_tensors(architecture: Architecture, name: str) -> None:
    """Raise TokbenchError for a model with biases that llama.cpp's version of it lacks."""
    kind = name_architecture(architecture)
    if kind != NEOX and architecture.mlp.bias and kind != "llama":
        raise TokbenchError(f"{name}: llama.cpp's {kind} has no biases in the MLP", "use the backend ctranslate2")


def reorder(name: str, tensor: npt.NDArray[Any], architecture: Architecture) -> npt.NDArray[Any]:
    """Return a tensor in the order of llama.cpp.

    Its GPT-NeoX has all queries, all keys, all values; its LLaMA rotates adjacent dimensions, where transformers
    rotates the two halves of a head.
    """
    if _FUSED in name:
        return split_heads(tensor, architecture.heads)
    if name_architecture(architecture) == "llama":
        if ".q_proj." in name:
            return interleave_halves(tensor, architecture.heads)
        if ".k_proj." in name:
            return interleave_halves(tensor, architecture.kv_heads)
    return tensor


def interleave_halves(tensor: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """Interleave the two halves of each head's rows.

    >>> import numpy as np
    >>> interleave_halves(np.arange(8), 2).tolist()
    [0, 2, 1, 3, 4, 6, 5, 7]
    """
    per_head = tensor.shape[0] // heads
    return tensor.reshape(heads, 2, per_head // 2, *tensor.shape[1:]).swapaxes(1, 2).reshape(tensor.shape)
