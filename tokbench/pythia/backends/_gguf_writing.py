"""A GGUF file of a GPT-NeoX model, written from its tensors with the gguf package and numpy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia._gguf_reading import WEIGHTS_KEY, map_names
from tokbench.pythia.architecture import Architecture
from tokbench.pythia.backends import END_OF_TEXT
from tokbench.pythia.checkpoint import Checkpoint
from tokbench.pythia.weights import Weights, as_float32, list_shapes, split_heads

VERSION = 1
"""Of what is written: another one means that converted files are made anew."""

TYPES = ("f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0")
_BLOCK = 32
_NORMAL, _CONTROL = 1, 3
_FUSED = "attention.query_key_value."
_CHARACTERS = [*range(33, 127), *range(161, 173), *range(174, 256)]
_SPACE = "\u0120"


def write_gguf(checkpoint: Checkpoint, kind: str, path: Path) -> None:
    """Write a checkpoint as GGUF: matrices in the type `kind`, all of them, vectors in f32; one tensor in memory.

    TokbenchError where rows are no whole blocks of the type, or the vocabulary does not fit.
    """
    try:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter, quants
    except ModuleNotFoundError as error:
        raise MissingExtraError("gguf", "llamacpp", "converting a checkpoint to GGUF") from error
    architecture = checkpoint.architecture
    if kind != "f16" and architecture.width % _BLOCK:
        message = f"{checkpoint.name}: rows of {architecture.width} values are no whole blocks of {_BLOCK} for {kind}"
        raise TokbenchError(message, "choose f16")
    matrix_type = GGMLQuantizationType[kind.upper()]
    names = map_names(architecture.layers)
    shapes = list_shapes(architecture)
    writer = GGUFWriter(path, "gptneox")
    _add_metadata(writer, checkpoint, kind)
    _add_vocabulary(writer, checkpoint)
    for name, shape in shapes.items():
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        found = matrix_type if len(shape) > 1 else GGMLQuantizationType.F32
        block, block_bytes = GGML_QUANT_SIZES[found]
        size = int(np.prod(shape)) // block * block_bytes
        writer.add_tensor_info(stored, shape, np.dtype(np.float32), size, raw_dtype=found)
    try:
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_ti_data_to_file()
        with Weights(checkpoint.weight_files, architecture) as weights:
            for name, shape in shapes.items():
                tensor = weights.read(name)
                if _FUSED in name:
                    tensor = split_heads(tensor, architecture.heads)
                if len(shape) > 1:
                    writer.write_tensor_data(quants.quantize(_prepare(tensor, kind), matrix_type))
                else:
                    writer.write_tensor_data(as_float32(tensor))
    finally:
        writer.close()


def _prepare(tensor: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    return tensor if kind == "f16" else as_float32(tensor)


def _add_metadata(writer: Any, checkpoint: Checkpoint, kind: str) -> None:
    from gguf import LlamaFileType

    architecture = checkpoint.architecture
    writer.add_name(checkpoint.name)
    writer.add_string(WEIGHTS_KEY, checkpoint.weights)
    writer.add_context_length(architecture.context)
    writer.add_embedding_length(architecture.width)
    writer.add_block_count(architecture.layers)
    writer.add_feed_forward_length(architecture.mlp_width)
    writer.add_rope_dimension_count(architecture.rotary_width)
    writer.add_head_count(architecture.heads)
    writer.add_parallel_residual(architecture.parallel_residual)
    writer.add_layer_norm_eps(architecture.layer_norm_epsilon)
    writer.add_file_type(LlamaFileType[f"MOSTLY_{kind.upper()}"])


def _add_vocabulary(writer: Any, checkpoint: Checkpoint) -> None:
    if checkpoint.tokenizer is None:
        tokens, merges, special, pre = _name_placeholders(checkpoint.architecture), [f"{_SPACE} {_SPACE}"], {0}, "gpt-2"
    else:
        tokens, merges, special, pre = read_vocabulary(checkpoint.tokenizer, checkpoint.architecture)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([_CONTROL if i in special else _NORMAL for i in range(len(tokens))])
    writer.add_token_merges(merges)
    for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_unk_token_id):
        add(END_OF_TEXT)
    writer.add_add_bos_token(False)


def _name_placeholders(architecture: Architecture) -> list[str]:
    """A vocabulary for a model without one: end of text, the bytes as byte-level BPE writes them, placeholders."""
    printable = {byte: chr(byte) for byte in _CHARACTERS}
    hidden = (byte for byte in range(256) if byte not in printable)
    names = printable | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    tokens = ["<|endoftext|>", *(names[byte] for byte in range(256)), _SPACE * 2]
    tokens += [f"<extra_id_{i}>" for i in range(architecture.vocab_rows - len(tokens))]
    return tokens[: architecture.vocab_rows]


def read_vocabulary(path: Path, architecture: Architecture) -> tuple[list[str], list[str], set[int], str]:
    """Tokens by id filled up to V_rows, merges, special ids, and llama.cpp's name for how a tokenizer.json splits text.

    TokbenchError where it is no byte-level BPE, or has more tokens than the model has rows.
    """
    from tokbench.pythia.checkpoint import read_json

    content = read_json(path)
    model = content.get("model", {})
    if model.get("type") != "BPE":
        raise TokbenchError(f"{path}: a vocabulary of the type {model.get('type')}, expected BPE", "remove the file")
    rows = list_tokens(content, path, architecture.vocab_rows)
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model.get("merges", [])]
    special = {token["id"] for token in content.get("added_tokens", []) if token.get("special")}
    # llama.cpp knows the pattern of GPT-2 with NFC before it, which is GPT-NeoX's, as that of OLMo.
    composes = '"NFC"' in json.dumps(content.get("normalizer"))
    return rows, merges, special, "olmo" if composes else "gpt-2"


def list_tokens(content: dict[str, Any], path: Path, rows: int) -> list[str]:
    """The tokens of a tokenizer.json by id, rows without one filled with placeholders."""
    by_id = {number: token for token, number in content.get("model", {}).get("vocab", {}).items()}
    by_id |= {token["id"]: token["content"] for token in content.get("added_tokens", [])}
    if by_id and max(by_id) >= rows:
        message = f"{path}: the highest id is {max(by_id)}, and the model has {rows} rows"
        raise TokbenchError(message, "the tokenizer does not belong to the model: remove it or replace it")
    return [by_id.get(i, f"<extra_id_{i}>") for i in range(rows)]
