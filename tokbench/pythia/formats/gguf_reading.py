"""Read a GPT-NeoX model in a GGUF file.

Architecture from the metadata, tensors checked.
"""

from __future__ import annotations

from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

from tokbench.catalog.gguf_header import Header, read_header
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.formats.checkpoint import PRETRAINED, RANDOM, Checkpoint
from tokbench.pythia.formats.weights import list_shapes
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

    def read(key: str) -> Any:
        if key not in header.fields:
            raise TokbenchError(f"{path}: the metadata has no {key}", "download the file again")
        return header.fields[key]

    kind = read("general.architecture")
    if kind != "gptneox":
        raise TokbenchError(
            f"{path}: the architecture is {kind}, expected gptneox", "only Pythia's architecture is supported"
        )
    tensors = header.tensors
    embedding = tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise TokbenchError(f"{path}: the tensor token_embd.weight is missing", "the file is incomplete")
    width, heads = int(read("gptneox.embedding_length")), int(read("gptneox.attention.head_count"))
    architecture = Architecture(
        layers=int(read("gptneox.block_count")),
        width=width,
        heads=heads,
        vocab_rows=embedding.shape[0],
        context=int(read("gptneox.context_length")),
        rotary_fraction=int(read("gptneox.rope.dimension_count")) / (width // heads),
        layer_norm_epsilon=float(f"{read('gptneox.attention.layer_norm_epsilon'):.6g}"),
        parallel_residual=bool(read("gptneox.use_parallel_residual")),
    )
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
