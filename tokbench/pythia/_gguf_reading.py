"""A GPT-NeoX model in a GGUF file: its architecture from the metadata, its tensors checked."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.architecture import Architecture
from tokbench.pythia.checkpoint import PRETRAINED, RANDOM, Checkpoint
from tokbench.pythia.weights import list_shapes

WEIGHTS_KEY = "tokbench.weights"
"""The metadata that says that weights are random."""


def map_names(layers: int) -> Any:
    """The gguf package's map of tensor names of GPTNeoXForCausalLM to those of the format."""
    from gguf import MODEL_ARCH, get_tensor_name_map

    return get_tensor_name_map(MODEL_ARCH.GPTNEOX, layers)


def open_gguf(path: Path) -> Checkpoint:
    """A GGUF file as a checkpoint; TokbenchError where it is damaged, of another architecture, or lacks a tensor."""
    try:
        from gguf import GGUFReader
    except ModuleNotFoundError as error:
        raise MissingExtraError("gguf", "llamacpp", f"reading {path.name}") from error
    try:
        reader = GGUFReader(path)
    except (ValueError, IndexError, KeyError) as error:
        raise TokbenchError(f"{path}: not a readable GGUF file ({error})", "get the file again") from error

    def read(key: str) -> Any:
        field = reader.get_field(key)
        if field is None:
            raise TokbenchError(f"{path}: the metadata has no {key}", "get the file again")
        return field.contents()

    kind = read("general.architecture")
    if kind != "gptneox":
        raise TokbenchError(
            f"{path}: the architecture is {kind}, expected gptneox", "only Pythia's architecture is run"
        )
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    embedding = tensors.get("token_embd.weight")
    if embedding is None:
        raise TokbenchError(f"{path}: the tensor token_embd.weight is missing", "the file is not whole")
    width, heads = int(read("gptneox.embedding_length")), int(read("gptneox.attention.head_count"))
    architecture = Architecture(
        layers=int(read("gptneox.block_count")),
        width=width,
        heads=heads,
        vocab_rows=int(embedding.shape[1]),
        context=int(read("gptneox.context_length")),
        rotary_fraction=int(read("gptneox.rope.dimension_count")) / (width // heads),
        layer_norm_epsilon=float(f"{read('gptneox.attention.layer_norm_epsilon'):.6g}"),
        parallel_residual=bool(read("gptneox.use_parallel_residual")),
    )
    names = map_names(architecture.layers)
    for name, shape in list_shapes(architecture).items():
        stored = names.get_name(name, try_suffixes=(".weight", ".bias"))
        found = tuple(int(n) for n in reversed(tensors[stored].shape)) if stored in tensors else None
        if found != shape:
            message = f"{path}: the tensor {stored} ({name}): expected shape {shape}, found {found or 'none'}"
            raise TokbenchError(message, "the file is not whole, or not of this architecture")
    marker = reader.get_field(WEIGHTS_KEY)
    types = Counter(tensor.tensor_type.name.lower() for tensor in reader.tensors if len(tensor.shape) > 1)
    return Checkpoint(
        name=path.stem,
        path=path,
        format="gguf",
        architecture=architecture,
        weights=RANDOM if marker is not None and marker.contents() == RANDOM else PRETRAINED,
        stored=types.most_common(1)[0][0],
        files=(path,),
        tokenizer=None,
    )
