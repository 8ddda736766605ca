"""Read a model in a GGUF file: its shape from the metadata, its tensors checked and weighed."""

from __future__ import annotations

from collections import defaultdict
from math import prod
from pathlib import Path
from typing import Any

from tokbench._shared.visible_text import reveal
from tokbench.catalog.gguf_header import Header
from tokbench.catalog.gguf_header import read_header as _read_header
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.formats.checkpoint import PRETRAINED, RANDOM, Checkpoint, StoredType
from tokbench.pythia.formats.gguf_shapes import Metadata, read_shape
from tokbench.pythia.formats.llama import LLAMA_LIKE
from tokbench.pythia.formats.weights import check_layers, list_shapes
from tokbench.pythia.model.architecture import Architecture, Mlp

WEIGHTS_KEY = "tokbench.weights"
"""Metadata key that marks random weights."""

NEOX = "gptneox"


def map_names(layers: int, kind: str = NEOX) -> Any:
    """Return the gguf package's map of tensor names, from those of transformers' class to those of GGUF.

    kind: the architecture as llama.cpp names it.
    """
    from gguf import MODEL_ARCH, get_tensor_name_map

    return get_tensor_name_map(MODEL_ARCH[kind.upper()], layers)


def open_gguf(path: Path) -> Checkpoint:
    """Open a GGUF file of any architecture with attention.

    Raises TokbenchError if damaged, and for the tensors of GPT-NeoX also if one is missing or has the wrong shape.
    """
    try:
        import gguf  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingExtraError("gguf", "llamacpp", f"reading {path.name}") from error
    header = _read_header(path)
    fields = Metadata(path, header)
    check_layers(fields.read_size("block_count"), header.tensors, f"{path}: {fields.kind}.block_count")
    architecture = _read_neox(path, header, fields) if fields.kind == NEOX else read_shape(path, header)
    if fields.kind == NEOX:
        _check_tensors(path, header, architecture)
    types = weigh_types(path, header)
    matrices = max((kind for kind in types), key=lambda kind: (kind.values, kind.name))
    return Checkpoint(
        name=path.stem,
        path=path,
        format="gguf",
        architecture=architecture,
        weights=RANDOM if header.fields.get(WEIGHTS_KEY) == RANDOM else PRETRAINED,
        stored=matrices.name,
        files=(path,),
        tokenizer=None,
        computation=None,
        obstacle="llama.cpp alone reads GGUF files",
        types=types,
    )


def weigh_types(path: Path, header: Header) -> tuple[StoredType, ...]:
    """Count tensors, values and bytes by type, most bytes first.

    Raises TokbenchError for an unknown type, rows that are not whole blocks, a tensor beyond the end of the file, and
    for a file without tensors.
    """
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType

    size = path.stat().st_size
    counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for name, tensor in header.tensors.items():
        shown = reveal(name)[:80]
        try:
            kind = GGMLQuantizationType(tensor.type)
        except ValueError as error:
            message = f"{path}: the tensor {shown} has the unknown type {tensor.type}"
            raise TokbenchError(message, "update the gguf package") from error
        block, block_bytes = GGML_QUANT_SIZES[kind]
        values = prod(tensor.shape)
        if values % block:
            message = (
                f"{path}: the tensor {shown} has {values} values, which are not whole blocks of {kind.name.lower()}"
            )
            raise TokbenchError(message, "download the file again")
        length = values // block * block_bytes
        if (end := header.data + tensor.offset + length) > size:
            message = f"{path}: the tensor {shown} ends at byte {end} of {size}"
            raise TokbenchError(message, "the file is incomplete: download it again")
        count = counts[kind.name.lower()]
        count[:] = count[0] + 1, count[1] + values, count[2] + length
    if not counts:
        raise TokbenchError(f"{path} has no tensors", "it holds a vocabulary alone, not a model")
    listed = [StoredType(kind, *count) for kind, count in counts.items()]
    return tuple(sorted(listed, key=lambda kind: (-kind.bytes, kind.name)))


def _check_tensors(path: Path, header: Header, architecture: Architecture) -> None:
    names = map_names(architecture.layers)
    for name, shape in list_shapes(architecture).items():
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        found = header.tensors[stored].shape if stored in header.tensors else None
        if found != shape:
            message = f"{path}: the tensor {stored} ({name}): expected shape {shape}, found {found or 'none'}"
            raise TokbenchError(message, "the file is incomplete, or not of this architecture")


def _read_neox(path: Path, header: Header, fields: Metadata) -> Architecture:
    embedding = header.tensors.get("token_embd.weight")
    if embedding is None or len(embedding.shape) != 2:
        raise TokbenchError(f"{path}: the tensor token_embd.weight is missing", "the file is incomplete")
    width, heads = fields.read_size("embedding_length"), fields.read_size("attention.head_count")
    if width % heads:
        raise TokbenchError(f"{path}: {heads} heads do not divide the width of {width}", "download the file again")
    hidden = fields.find_size("feed_forward_length") or 4 * width
    return Architecture(
        layers=fields.read_size("block_count"),
        width=width,
        heads=heads,
        vocab_rows=embedding.shape[0],
        context=fields.read_size("context_length"),
        rotary_fraction=fields.read_size("rope.dimension_count") / (width // heads),
        layer_norm_epsilon=fields.read_epsilon(),
        parallel_residual=bool(header.fields.get(f"{NEOX}.use_parallel_residual", True)),
        mlp=Mlp(None if hidden == 4 * width else hidden),
    )


def name_architecture(architecture: Architecture) -> str:
    """Return llama.cpp's name of a family that we write, LLaMA's also for Mistral."""
    if architecture.family not in LLAMA_LIKE:
        return NEOX
    return "qwen2" if architecture.family == "qwen2" else "llama"
