"""The tensors of a model that we convert: names, shapes and safetensors files."""

from __future__ import annotations

import json
import math
import struct
from collections import Counter
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.formats.llama import LLAMA_LIKE, UNEMBEDDING, Shape, list_llama_shapes
from tokbench.pythia.model.architecture import Architecture

READABLE = {"F16": "float16", "F32": "float32"}
"""Safetensors types that numpy has too."""

BFLOAT16 = "BF16"
"""A safetensors type that numpy lacks: the upper half of a float32, which it is read as."""

_BUFFERS = ("attention.bias", "attention.masked_bias", "rotary_emb.inv_freq")


def list_shapes(architecture: Architecture) -> dict[str, Shape]:
    """List the tensor shapes of a GPTNeoXForCausalLM or LlamaForCausalLM by name, in model order.

    Matrices are (rows, columns), biases (rows,). Raises TokbenchError for another family.
    """
    if architecture.family in LLAMA_LIKE:
        return list_llama_shapes(architecture)
    if not replace(architecture, mlp=replace(architecture.mlp, width=None)).has_pythia_layers:
        message = f"a model of the family {architecture.family} has other tensors than GPT-NeoX or LLaMA"
        raise TokbenchError(message, "only models built like these can be made and converted here")
    width, hidden, rows = architecture.width, architecture.mlp_width, architecture.vocab_rows
    shapes: dict[str, Shape] = {"gpt_neox.embed_in.weight": (rows, width)}

    def add_linear(name: str, output: int, inputs: int) -> None:
        shapes[f"{name}.weight"] = (output, inputs)
        shapes[f"{name}.bias"] = (output,)

    def add_norm(name: str) -> None:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (width,)

    for i in range(architecture.layers):
        layer = f"gpt_neox.layers.{i}"
        add_norm(f"{layer}.input_layernorm")
        add_norm(f"{layer}.post_attention_layernorm")
        add_linear(f"{layer}.attention.query_key_value", 3 * width, width)
        add_linear(f"{layer}.attention.dense", width, width)
        add_linear(f"{layer}.mlp.dense_h_to_4h", hidden, width)
        add_linear(f"{layer}.mlp.dense_4h_to_h", width, hidden)
    add_norm("gpt_neox.final_layer_norm")
    shapes["embed_out.weight"] = (rows, width)
    return shapes


def check_layers(layers: int, tensors: Collection[str], setting: str) -> None:
    """Raise TokbenchError for more layers than there are tensors, before anything is made for each layer.

    setting: the file and the key that give the number of layers.
    """
    if layers > len(tensors):
        raise TokbenchError(
            f"{setting} is {layers:,}, but the weights have only {len(tensors):,} tensors",
            "the weights do not match the configuration",
        )


def check_finite(tensor: npt.NDArray[Any], name: str, file: Path) -> None:
    """Raise TokbenchError, with the first place, for a tensor that holds NaN or an infinity."""
    finite = np.isfinite(tensor)
    if not finite.all():
        place = tuple(int(index) for index in np.unravel_index(int(np.argmin(finite)), tensor.shape))
        raise TokbenchError(
            f"{file}: the tensor {name} holds {float(tensor[place])} at {list(place)}, and "
            f"{tensor.size - int(finite.sum()):,} such values in all",
            "no result of this model would be a number: download it again",
        )


def is_buffer(name: str) -> bool:
    """Return whether a tensor is a buffer of old checkpoints.

    Buffers follow from the configuration.
    """
    return name.endswith(_BUFFERS)


def split_heads(fused: npt.NDArray[Any], heads: int) -> npt.NDArray[Any]:
    """Reorder a fused query-key-value tensor.

    From q, k, v per head to all q, all k, all v.
    """
    per_head = fused.shape[0] // (3 * heads)
    return fused.reshape(heads, 3, per_head, *fused.shape[1:]).swapaxes(0, 1).reshape(fused.shape)


class Weights:
    """The tensors in safetensors files, read one at a time; a context manager.

    The tensors of `architecture` must all be present, in the right shape and in float16, bfloat16 or float32, with
    nothing else but buffers; otherwise TokbenchError names the tensor, what was expected and what was found.

    dtypes: the types in the files.
    """

    def __init__(self, files: Sequence[Path], architecture: Architecture) -> None:
        self._family = architecture.family
        self._stack = ExitStack()
        self._places: dict[str, Any] = {}
        self.metadata: dict[str, str] = {}
        self.dtypes: dict[str, str] = {}
        with ExitStack() as opening:
            for file in files:
                shard = open_safetensors(file, opening)
                self.metadata |= shard.metadata() or {}
                self._places |= dict.fromkeys(shard.keys(), (file, shard))
            check_layers(architecture.layers, self._places, f"{files[0].parent / 'config.json'}: num_hidden_layers")
            self._check(list_shapes(architecture), files[0].parent)
            self._stack = opening.pop_all()

    def _check(self, shapes: dict[str, Shape], folder: Path) -> None:
        for name, expected in shapes.items():
            if name not in self._places:
                message = f"{folder}: the tensor {name} is missing; expected shape {expected}, found none"
                raise TokbenchError(message, "the checkpoint is incomplete, or does not match its configuration")
            file, shard = self._places[name]
            tensor = shard.get_slice(name)
            found = tuple(tensor.get_shape())
            if found != expected:
                message = f"{file}: the tensor {name} has the wrong shape: expected {expected}, found {found}"
                raise TokbenchError(message, "the weights do not match this config.json")
            types = READABLE | {BFLOAT16: "bfloat16"}
            if tensor.get_dtype() not in types:
                message = f"{file}: the tensor {name} is of the type {tensor.get_dtype()}, which is not supported"
                raise TokbenchError(message, f"convert the checkpoint to one of: {', '.join(types.values())}")
            self.dtypes[name] = types[tensor.get_dtype()]
        for name, (file, _) in self._places.items():
            if name not in shapes and not is_buffer(name) and name != UNEMBEDDING:  # a copy, where embeddings are tied
                kind = "GPT-NeoX" if self._family == "gpt_neox" else self._family
                message = f"{file}: the tensor {name} is not part of a {kind} model with {len(shapes)} tensors"
                raise TokbenchError(message, "the weights do not match this config.json")

    def read(self, name: str) -> npt.NDArray[Any]:
        """Read one tensor in the type of the file; bfloat16 as float32, which is lossless.

        Raises TokbenchError for a value that is not finite, and for a file that cannot be read.
        """
        file, shard = self._places[name]
        try:
            bfloat16 = self.dtypes[name] == "bfloat16"
            tensor: npt.NDArray[Any] = read_bfloat16(file, name) if bfloat16 else shard.get_tensor(name)
        except OSError as error:
            raise TokbenchError(f"{file} cannot be read: {error.strerror or error}", "check the file") from error
        check_finite(tensor, name, file)
        return tensor

    def __enter__(self) -> Weights:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


@dataclass(frozen=True)
class Contents:
    """What safetensors files hold.

    dtype: the type of most matrices.
    values: in all tensors.
    """

    dtype: str
    values: int
    metadata: dict[str, str]


def read_contents(files: Sequence[Path]) -> Contents:
    """Read the headers of safetensors files.

    Raises TokbenchError for a file that is not readable, and where there are no matrices.
    """
    counts: Counter[str] = Counter()
    values = 0
    metadata: dict[str, str] = {}
    with ExitStack() as stack:
        for file in files:
            shard = open_safetensors(file, stack)
            metadata |= shard.metadata() or {}
            slices = [shard.get_slice(name) for name in shard.keys()]  # noqa: SIM118 - not a dictionary
            counts.update(one.get_dtype() for one in slices if len(one.get_shape()) > 1)
            values += sum(math.prod(one.get_shape()) for one in slices)
    if not counts:
        raise TokbenchError(f"{files[0]} holds no matrices", "download the file again")
    code = min(counts, key=lambda name: (-counts[name], name))
    return Contents({**READABLE, BFLOAT16: "bfloat16"}.get(code, code.lower()), values, metadata)


def open_safetensors(file: Path, stack: ExitStack) -> Any:
    """Open a safetensors file until the stack is closed; TokbenchError if it is not readable."""
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise MissingExtraError("safetensors", "pythia", f"reading {file.name}") from error
    try:
        return stack.enter_context(safe_open(file, framework="numpy"))
    except (SafetensorError, OSError) as error:
        message = f"{file}: not a readable safetensors file ({error})"
        raise TokbenchError(message, "download the file again") from error


def read_bfloat16(file: Path, name: str) -> npt.NDArray[np.float32]:
    """Read a bfloat16 tensor as float32 from a safetensors file.

    The library must have found the file intact.
    """
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        head = json.loads(stream.read(length))[name]
        begin, end = head["data_offsets"]
        stream.seek(8 + length + begin)
        halves = np.fromfile(stream, "<u2", (end - begin) // 2)
    return (halves.astype(np.uint32) << 16).view(np.float32).reshape(head["shape"])


def as_float32(tensor: npt.NDArray[Any]) -> npt.NDArray[np.float32]:
    """Return a tensor in float32, copied only if it is not."""
    return tensor.astype(np.float32, copy=False)
