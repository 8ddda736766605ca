"""The embedding and unembedding matrices of a checkpoint, memory-mapped; no other tensor is read."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.formats.embedding_files import WeightFiles, find_weight_files
from tokbench.pythia.formats.embedding_names import find_names

Rows = npt.NDArray[np.float32]

_BLOCK = 1 << 22
"""Values read at a time: 16 MiB as float32."""

_TYPES: Mapping[str, tuple[str, str]] = {
    "F16": ("float16", "<f2"),
    "BF16": ("bfloat16", "<u2"),
    "F32": ("float32", "<f4"),
    "F64": ("float64", "<f8"),
}
"""Safetensors types: their names, and the numpy type by which they are mapped."""


@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix in a file, one row per id.

    name: of the tensor. dtype: the type in the file.
    stored: the mapped file, one row per row of the matrix.
    widen: returns stored rows as float32.
    """

    name: str
    file: Path
    dtype: str
    width: int
    stored: npt.NDArray[Any]
    widen: Callable[[npt.NDArray[Any]], Rows]

    @property
    def rows(self) -> int:
        """Return the number of rows."""
        return len(self.stored)

    def read(self, ids: npt.NDArray[np.integer[Any]] | slice) -> Rows:
        """Read these rows as float32."""
        return self.widen(np.ascontiguousarray(self.stored[ids]))

    def read_blocks(self) -> Iterator[tuple[slice, Rows]]:
        """Yield all rows in blocks of some megabytes: the ids, and the rows."""
        step = max(1, _BLOCK // self.width)
        for start in range(0, self.rows, step):
            block = slice(start, min(start + step, self.rows))
            yield block, self.read(block)


@dataclass(frozen=True, eq=False)
class Embeddings:
    """The matrices by which a model reads and predicts ids.

    name: of the checkpoint. tied_by: what says that both are one matrix; None if they are two.
    random: whether the file is marked as holding random weights.
    """

    name: str
    input: Matrix
    output: Matrix
    tied_by: str | None
    random: bool

    @property
    def tied(self) -> bool:
        """Return whether both are one matrix."""
        return self.tied_by is not None


def open_embeddings(argument: str | Path, *, revision: str | None = None, offline: bool = False) -> Embeddings:
    """Open the embedding matrices of a checkpoint, without reading them.

    argument: a folder with safetensors files (with an index if there are several), a safetensors or GGUF file, the
        name of a Pythia model, or `org/name[@revision]` on the hub, of which only the files with these matrices are
        downloaded.

    Raises TokbenchError if there is nothing, if no tensor has a known name, and if a tensor has the wrong shape or an
    unsupported type; MissingExtraError without the library that reads the format.
    """
    files = find_weight_files(argument, revision=revision, offline=offline)
    open_matrix = _open_gguf_matrix if files.is_gguf else _open_safetensors_matrix
    source = str(files.path)
    names = find_names(files.tensors, source)
    entrance = open_matrix(files, names.input)
    tied_by = _find_tie(files, names.output)
    exit_ = entrance if tied_by else open_matrix(files, names.output)
    if (exit_.rows, exit_.width) != (entrance.rows, entrance.width):
        raise TokbenchError(
            f"{source}: {names.output} has the shape {(exit_.rows, exit_.width)}, but {names.input} "
            f"{(entrance.rows, entrance.width)}",
            "the weights do not belong together",
        )
    return Embeddings(files.name, entrance, exit_, tied_by, files.random)


def _find_tie(files: WeightFiles, output: str) -> str | None:
    """Return what says that the embeddings are tied; None if they are not.

    Raises TokbenchError if they are not, and the unembedding is missing.
    """
    tied = files.read_setting("tie_word_embeddings")
    if tied is True:
        return "config.json: tie_word_embeddings"
    if output in files.tensors:
        return None
    if tied is False:
        raise TokbenchError(
            f"{files.path}: the tensor {output} is missing, and config.json says that embeddings are not tied",
            "the checkpoint is incomplete: download it again",
        )
    return f"there is no {output}"


def _check_shape(file: Path, name: str, shape: tuple[int, ...]) -> tuple[int, int]:
    if len(shape) != 2 or not all(0 < size < 1 << 31 for size in shape):
        raise TokbenchError(
            f"{file}: the tensor {name} has the shape {shape}, expected rows and columns", "download the file again"
        )
    return shape[0], shape[1]


def _open_safetensors_matrix(files: WeightFiles, name: str) -> Matrix:
    """Map a tensor of a safetensors file, which the library has found intact."""
    file = files.tensors[name]
    with file.open("rb") as stream:
        (length,) = struct.unpack("<Q", stream.read(8))
        entry = json.loads(stream.read(length))[name]
    rows, width = _check_shape(file, name, tuple(entry["shape"]))
    if entry["dtype"] not in _TYPES:
        raise TokbenchError(
            f"{file}: the tensor {name} is of the type {entry['dtype']}, which is not supported",
            f"convert the checkpoint to one of: {', '.join(label for label, _ in _TYPES.values())}",
        )
    dtype, mapped = _TYPES[entry["dtype"]]
    start = 8 + length + entry["data_offsets"][0]
    stored = _map(file, mapped, start, (rows, width))
    return Matrix(name, file, dtype, width, stored, _widen_bfloat16 if dtype == "bfloat16" else _widen)


def _open_gguf_matrix(files: WeightFiles, name: str) -> Matrix:
    """Map a tensor of a GGUF file; quantised rows are dequantised as they are read."""
    from tokbench.catalog.gguf_header import read_header

    try:
        from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
        from gguf.quants import dequantize
    except ModuleNotFoundError as error:
        raise MissingExtraError("gguf", "gguf", f"reading {files.path.name}") from error
    file, header = files.tensors[name], read_header(files.path)
    tensor = header.tensors[name]
    rows, width = _check_shape(file, name, tensor.shape)
    try:
        kind = GGMLQuantizationType(tensor.type)
    except ValueError as error:
        message = f"{file}: the tensor {name} has the unknown type {tensor.type}"
        raise TokbenchError(message, "update the gguf package") from error
    block, size = GGML_QUANT_SIZES[kind]
    if width % block:
        message = f"{file}: the tensor {name} has {width} columns, which blocks of {block} values do not divide"
        raise TokbenchError(message, "download the file again")
    stored = _map(file, "u1", header.data + tensor.offset, (rows, width // block * size))

    def widen(content: npt.NDArray[Any]) -> Rows:
        try:
            found: Rows = dequantize(content, kind)
        except NotImplementedError as error:
            message = f"{file}: the tensor {name} is of the type {kind.name.lower()}, which is not supported"
            raise TokbenchError(message, "use a file with another type") from error
        return found.astype(np.float32, copy=False)

    return Matrix(name, file, kind.name.lower(), width, stored, widen)


def _map(file: Path, dtype: str, start: int, shape: tuple[int, int]) -> npt.NDArray[Any]:
    """Map a part of a file as an array; TokbenchError if the file ends before it does."""
    end = start + prod(shape) * np.dtype(dtype).itemsize
    if end > file.stat().st_size:
        raise TokbenchError(
            f"{file}: a tensor ends at byte {end} of {file.stat().st_size}",
            "the file is incomplete: download it again",
        )
    return np.memmap(file, dtype=dtype, mode="r", offset=start, shape=shape)


def _widen(stored: npt.NDArray[Any]) -> Rows:
    return stored.astype(np.float32)


def _widen_bfloat16(stored: npt.NDArray[Any]) -> Rows:
    """Return values of bfloat16, the upper halves of float32."""
    return (stored.astype(np.uint32) << 16).view(np.float32)
