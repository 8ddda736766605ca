"""Write a GPT-NeoX or LLaMA-like model as a GGUF file, with the gguf package and numpy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench._shared.files import read_json_object
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.backends import UnsupportedCheckpointError
from tokbench.pythia.backends._gguf_families import add_metadata, check_tensors, reorder
from tokbench.pythia.formats.checkpoint import Checkpoint, Computation
from tokbench.pythia.formats.gguf_reading import NEOX, WEIGHTS_KEY, map_names, name_architecture
from tokbench.pythia.formats.special_ids import END_OF_TEXT, PLACEHOLDERS
from tokbench.pythia.formats.weights import Weights, as_float32, list_shapes
from tokbench.pythia.model.architecture import Architecture

VERSION = 4
"""Version of the written files; changing it invalidates converted files."""

TYPES = ("f16", "q8_0", "q5_1", "q5_0", "q4_1", "q4_0", "bf16", "f32")
_UNBLOCKED = ("f16", "bf16", "f32")
_BLOCK = 32
_NORMAL, _CONTROL, _USER_DEFINED, _UNUSED = 1, 3, 4, 5
_CHARACTERS = [*range(33, 127), *range(161, 173), *range(174, 256)]
_SPACE = "\u0120"


def write_gguf(checkpoint: Checkpoint, kind: str, path: Path) -> None:
    """Write a checkpoint as GGUF: all matrices in the type `kind`, vectors in f32.

    One tensor is in memory at a time. Raises TokbenchError if rows are not whole blocks of the type, or the vocabulary
    does not fit.
    """
    try:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType, GGUFWriter, quants
    except ModuleNotFoundError as error:
        raise MissingExtraError("gguf", "llamacpp", "converting a checkpoint to GGUF") from error
    architecture = checkpoint.architecture
    check_tensors(architecture, checkpoint.name)
    shapes = list_shapes(architecture)
    odd = [shape[-1] for shape in shapes.values() if len(shape) > 1 and shape[-1] % _BLOCK]
    if kind not in _UNBLOCKED and odd:
        message = f"{checkpoint.name}: rows of {odd[0]} values are not whole blocks of {_BLOCK} for {kind}"
        raise TokbenchError(message, "choose f16")
    matrix_type = GGMLQuantizationType[kind.upper()]
    names = map_names(architecture.layers, name_architecture(architecture))
    writer = GGUFWriter(path, name_architecture(architecture))
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
                tensor = reorder(name, weights.read(name), architecture)
                if len(shape) > 1:
                    writer.write_tensor_data(quants.quantize(_prepare(tensor, kind), matrix_type))
                else:
                    writer.write_tensor_data(as_float32(tensor))
    finally:
        writer.close()


def _prepare(tensor: npt.NDArray[Any], kind: str) -> npt.NDArray[Any]:
    return tensor if kind == "f16" else as_float32(tensor)


def require_computation(checkpoint: Checkpoint) -> Computation:
    """Return what our conversion needs; UnsupportedCheckpointError, with the obstacle, for a model that it lacks."""
    if checkpoint.computation is None:
        message = f"{checkpoint.name}: {checkpoint.obstacle}, which our conversion to GGUF does not have"
        raise UnsupportedCheckpointError(
            message, "llama.cpp's convert_hf_to_gguf.py makes a GGUF file, which runs as it is"
        )
    return checkpoint.computation


def _add_metadata(writer: Any, checkpoint: Checkpoint, kind: str) -> None:
    from gguf import LlamaFileType

    writer.add_name(checkpoint.name)
    writer.add_string(WEIGHTS_KEY, checkpoint.weights)
    add_metadata(writer, checkpoint.architecture, require_computation(checkpoint))
    writer.add_file_type(LlamaFileType.ALL_F32 if kind == "f32" else LlamaFileType[f"MOSTLY_{kind.upper()}"])


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary as a GGUF file describes it.

    tokens, types: one per row (V_rows).
    merges: BPE merges.
    pre: llama.cpp's name for how text is split.
    """

    tokens: list[str]
    types: list[int]
    merges: list[str]
    pre: str


def _add_vocabulary(writer: Any, checkpoint: Checkpoint) -> None:
    # llama.cpp runs on ids here; of other families it would need more of the vocabulary than a tokenizer.json holds.
    if checkpoint.tokenizer is None or name_architecture(checkpoint.architecture) != NEOX:
        vocabulary = _name_placeholders(checkpoint.architecture, require_computation(checkpoint).end_of_text)
        writer.add_bool(PLACEHOLDERS, True)
    else:
        vocabulary = read_vocabulary(checkpoint.tokenizer, checkpoint.architecture)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(vocabulary.pre)
    writer.add_token_list(vocabulary.tokens)
    writer.add_token_types(vocabulary.types)
    writer.add_token_merges(vocabulary.merges)
    for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_unk_token_id):
        add(require_computation(checkpoint).end_of_text)
    writer.add_add_bos_token(False)


def _name_placeholders(architecture: Architecture, end_of_text: int) -> Vocabulary:
    """Build a vocabulary for a model without one.

    It consists of end of text, which llama.cpp knows by its name, the bytes as byte-level BPE writes them, and unused
    rows.
    """
    printable = {byte: chr(byte) for byte in _CHARACTERS}
    hidden = (byte for byte in range(256) if byte not in printable)
    names = printable | {byte: chr(256 + i) for i, byte in enumerate(hidden)}
    tokens = [*(names[byte] for byte in range(256)), _SPACE * 2]
    types = [_NORMAL] * len(tokens)
    spare = range(len(tokens), architecture.vocab_rows)
    tokens += [f"[PAD{row}]" for row in spare]
    types += [_UNUSED] * len(spare)
    tokens.insert(end_of_text, END_OF_TEXT)
    types.insert(end_of_text, _CONTROL)
    rows = architecture.vocab_rows
    return Vocabulary(tokens[:rows], types[:rows], [f"{_SPACE} {_SPACE}"], "gpt-2")


def read_vocabulary(path: Path, architecture: Architecture) -> Vocabulary:
    """Read the vocabulary of a tokenizer.json as llama.cpp's converter describes it.

    Special tokens are CONTROL; other added tokens are USER_DEFINED, which are recognised in text; rows without a token
    are UNUSED. Raises TokbenchError if it is not a byte-level BPE that llama.cpp splits identically, or has more tokens
    than rows.
    """
    content = read_json_object(path)
    model = content.get("model", {})
    if model.get("type") != "BPE":
        raise TokbenchError(f"{path}: the vocabulary type is {model.get('type')}, expected BPE", "remove the file")
    rows = architecture.vocab_rows
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in model.get("merges", [])]
    types = dict.fromkeys(model.get("vocab", {}).values(), _NORMAL)
    types |= {
        token["id"]: _CONTROL if token.get("special") else _USER_DEFINED for token in content.get("added_tokens", [])
    }
    tokens = list_tokens(content, path, rows, "[PAD{}]")
    return Vocabulary(tokens, [types.get(row, _UNUSED) for row in range(rows)], merges, _name_split(content, path))


def _name_split(content: dict[str, Any], path: Path) -> str:
    """Return llama.cpp's name for how a tokenizer.json splits text.

    llama.cpp composes no characters, whatever the name.
    """
    step = content.get("pre_tokenizer") or {}
    steps = step.get("pretokenizers", [step])
    kinds = [one.get("type") for one in steps]
    plain = kinds[-1:] == ["ByteLevel"] and steps[-1].get("use_regex", True) and not steps[-1].get("add_prefix_space")
    if plain and kinds == ["ByteLevel"]:
        return "olmo" if '"NFC"' in json.dumps(content.get("normalizer")) else "gpt-2"
    if plain and kinds == ["Digits", "ByteLevel"] and steps[0].get("individual_digits"):
        return "starcoder"
    message = f"{path}: llama.cpp has no name for how it splits text ({' then '.join(map(str, kinds))})"
    raise TokbenchError(message, "remove the file: the model runs on ids")


def list_tokens(content: dict[str, Any], path: Path, rows: int, spare: str = "<extra_id_{}>") -> list[str]:
    """List the tokens of a tokenizer.json by id; `spare` names the rows without one."""
    by_id = {number: token for token, number in content.get("model", {}).get("vocab", {}).items()}
    by_id |= {token["id"]: token["content"] for token in content.get("added_tokens", [])}
    if by_id and max(by_id) >= rows:
        message = f"{path}: the highest id is {max(by_id)}, but the model has {rows} rows"
        raise TokbenchError(message, "the tokenizer does not belong to the model: remove it or replace it")
    return [by_id[row] if row in by_id else spare.format(row) for row in range(rows)]
