"""Read a GPT-NeoX model in a GGUF file.

Architecture from the metadata, tensors checked.
"""

from __future__ import annotations

from collections import Counter
from math import inf, prod
from pathlib import Path
from typing import Any

from tokbench.catalog.gguf_header import Header, read_header
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.formats.checkpoint import PRETRAINED, RANDOM, Checkpoint
from tokbench.pythia.formats.weights import check_layers, list_shapes
from tokbench.pythia.model.architecture import Architecture

WEIGHTS_KEY = "tokbench.weights"
"""Metadata key that marks random weights."""


def map_names(layers: int) -> Any:
    """Return the gguf package's map of tensor names.

    From GPTNeoXForCausalLM to GGUF.
    """
    from gguf import MODEL_ARCH, get_tensor_name_map

    return get_tensor_name_map(MODEL_ARCH.GPTNEOX, layers)


def open_gguf(path: Path) -> Checkpoint:
    """Open a GGUF file.

    Raises TokbenchError if damaged, of another architecture, or missing a tensor.
    """
    try:
        from gguf import GGMLQuantizationType
    except ModuleNotFoundError as error:
        raise MissingExtraError("gguf", "llamacpp", f"reading {path.name}") from error
    header = read_header(path)
    tensors = header.tensors
    architecture = _read_architecture(path, header)
    check_layers(architecture.layers, tensors, f"{path}: gptneox.block_count")
    names = map_names(architecture.layers)
    for name, shape in list_shapes(architecture).items():
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        found = tensors[stored].shape if stored in tensors else None
        if found != shape:
            message = f"{path}: the tensor {stored} ({name}): expected shape {shape}, found {found or 'none'}"
            raise TokbenchError(message, "the file is incomplete, or not of this architecture")
        _check_end(path, header, stored)
    types = Counter(tensor.type for tensor in tensors.values() if len(tensor.shape) > 1)
    return Checkpoint(
        name=path.stem,
        path=path,
        format="gguf",
        architecture=architecture,
        weights=RANDOM if header.fields.get(WEIGHTS_KEY) == RANDOM else PRETRAINED,
        stored=GGMLQuantizationType(types.most_common(1)[0][0]).name.lower(),
        files=(path,),
        tokenizer=None,
    )


def _read_architecture(path: Path, header: Header) -> Architecture:
    def read(key: str) -> Any:
        if key not in header.fields:
            raise TokbenchError(f"{path}: the metadata has no {key}", "download the file again")
        return header.fields[key]

    kind = read("general.architecture")
    if kind != "gptneox":
        raise TokbenchError(
            f"{path}: the architecture is {kind}, expected gptneox", "only Pythia's architecture is supported"
        )
    embedding = header.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise TokbenchError(f"{path}: the tensor token_embd.weight is missing", "the file is incomplete")

    def read_size(key: str) -> int:
        return _check_size(read(f"gptneox.{key}"), f"{path}: gptneox.{key}")

    width, heads = read_size("embedding_length"), read_size("attention.head_count")
    if width % heads:
        raise TokbenchError(f"{path}: {heads} heads do not divide the width of {width}", "download the file again")
    epsilon = read("gptneox.attention.layer_norm_epsilon")
    if type(epsilon) is not float or not 0 < epsilon < inf:
        message = f"{path}: gptneox.attention.layer_norm_epsilon is {epsilon!r}, expected a number above 0"
        raise TokbenchError(message, "download the file again")
    return Architecture(
        layers=read_size("block_count"),
        width=width,
        heads=heads,
        vocab_rows=embedding.shape[0],
        context=read_size("context_length"),
        rotary_fraction=read_size("rope.dimension_count") / (width // heads),
        layer_norm_epsilon=float(f"{epsilon:.6g}"),
        parallel_residual=bool(read("gptneox.use_parallel_residual")),
    )


def _check_size(value: object, what: str) -> int:
    """Return a size; TokbenchError unless it is a whole number above 0 that fits 31 bits."""
    if type(value) is not int or not 0 < value < 1 << 31:
        raise TokbenchError(f"{what} is {value!r}, expected a positive integer"[:200], "download the file again")
    return value


def _check_end(path: Path, header: Header, name: str) -> None:
    """Raise TokbenchError if a tensor extends past the end of the file.

    Or if its type is unknown.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    tensor = header.tensors[name]
    try:
        block, block_bytes = GGML_QUANT_SIZES[GGMLQuantizationType(tensor.type)]
    except ValueError as error:
        message = f"{path}: the tensor {name} has the unknown type {tensor.type}"
        raise TokbenchError(message, "update the gguf package") from error
    end = header.data + tensor.offset + prod(tensor.shape) // block * block_bytes
    if end > path.stat().st_size:
        message = f"{path}: the tensor {name} ends at byte {end} of {path.stat().st_size}"
        raise TokbenchError(message, "the file is incomplete: download it again")
