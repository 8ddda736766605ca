"""Read a GPT-NeoX model in a CTranslate2 folder.

Its architecture comes from model.bin.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import IO

from tokbench._shared.files import read_json_object
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import PRETRAINED, RANDOM, Checkpoint
from tokbench.pythia.model.architecture import Architecture

WEIGHTS_KEY, CONTEXT_KEY = "tokbench_weights", "tokbench_context"
"""Keys of config.json that CTranslate2 itself ignores."""

_TYPES = ("float32", "int8", "int16", "int32", "float16", "bfloat16")
_FORMATS = {"int8": "b", "int16": "<h", "int32": "<i"}
_VERSION = 6
_QKV, _OUT = "self_attention/linear_0", "self_attention/linear_1"


@dataclass(frozen=True)
class Variable:
    """A variable of model.bin.

    value: its value if it is a single integer.
    """

    shape: tuple[int, ...]
    dtype: str
    value: int | None


def open_folder(folder: Path, name: str) -> Checkpoint:
    """Open a CTranslate2 folder.

    Raises TokbenchError for another kind of model or a missing variable.
    """
    path = folder / "model.bin"
    try:
        with path.open("rb") as stream:
            variables = _read_variables(stream, path)
    except OSError as error:
        raise TokbenchError(f"{path} cannot be read: {error.strerror}", "check its permissions") from error
    except (struct.error, UnicodeDecodeError, IndexError, KeyError) as error:
        raise TokbenchError(f"{path}: not a readable CTranslate2 model ({error})", "download the file again") from error
    config = read_json_object(folder / "config.json")
    context = config.get(CONTEXT_KEY, Architecture.context)
    if type(context) is not int or not 0 < context < 1 << 31:
        message = f"{folder / 'config.json'}: {CONTEXT_KEY} is {context!r}, expected a positive integer"
        raise TokbenchError(message, "convert the model again")
    architecture = _read_architecture(variables, path, context, config)
    for key, shape in _list_shapes(architecture).items():
        found = variables[key].shape if key in variables else None
        if found != shape:
            message = f"{path}: the variable {key}: expected shape {shape}, found {found or 'none'}"
            raise TokbenchError(message, "the model is incomplete, or not GPT-NeoX")
    return Checkpoint(
        name=name,
        path=folder,
        format="ctranslate2",
        architecture=architecture,
        weights=RANDOM if config.get(WEIGHTS_KEY) == RANDOM else PRETRAINED,
        stored=variables[f"decoder/layer_0/{_QKV}/weight"].dtype,
        files=(path, folder / "config.json"),
        tokenizer=None,
    )


def _read_variables(stream: IO[bytes], path: Path) -> dict[str, Variable]:
    """Read the header of each variable, skipping the data."""

    def read(code: str) -> int:
        value: int = struct.unpack(code, stream.read(struct.calcsize(code)))[0]
        return value

    def read_string() -> str:
        return stream.read(read("<H")).rstrip(b"\0").decode()

    if (version := read("<I")) != _VERSION:
        message = f"{path}: version {version} of the format, expected {_VERSION}"
        raise TokbenchError(message, "convert the model again with a current CTranslate2")
    if (kind := read_string()) != "TransformerDecoderSpec":
        raise TokbenchError(f"{path}: a {kind}, expected a TransformerDecoderSpec", "only decoders are supported")
    read("<I")
    variables = {}
    for _ in range(read("<I")):
        name = read_string()
        shape = tuple(read("<I") for _ in range(read("<B")))
        dtype = _TYPES[read("<B")]
        length = read("<I")
        if shape or dtype not in _FORMATS:
            stream.seek(length, 1)
            variables[name] = Variable(shape, dtype, None)
        else:
            variables[name] = Variable(shape, dtype, read(_FORMATS[dtype]))
    for _ in range(read("<I")):
        alias = read_string()
        variables[alias] = variables[read_string()]
    return variables


def _read_architecture(
    variables: dict[str, Variable], path: Path, context: int, config: dict[str, object]
) -> Architecture:
    def read(key: str) -> Variable:
        if key not in variables:
            raise TokbenchError(f"{path}: the variable {key} is missing", "only GPT-NeoX models are supported")
        return variables[key]

    shape = read("decoder/embeddings/weight").shape
    if len(shape) != 2:
        raise TokbenchError(f"{path}: the embeddings have the shape {shape}, not two dimensions", "convert it again")
    rows, width = shape
    heads, rotary = read("decoder/num_heads").value, read("decoder/layer_0/self_attention/rotary_dim").value
    if heads is None or rotary is None or heads < 1 or rotary < 1 or width % heads:
        raise TokbenchError(
            f"{path}: {heads} heads and {rotary} rotary dimensions do not fit the width of {width}",
            "download the file again",
        )
    layers = {key.split("/")[1] for key in variables if key.startswith("decoder/layer_") and key.count("/") > 1}
    return Architecture(
        layers=len(layers - {"layer_norm"}),
        width=width,
        heads=heads,
        vocab_rows=rows,
        context=context,
        rotary_fraction=rotary / (width // heads),
        layer_norm_epsilon=_read_epsilon(config.get("layer_norm_epsilon"), path.parent / "config.json"),
        parallel_residual="decoder/layer_0/input_layer_norm/gamma" in variables,
    )


def _read_epsilon(value: object, source: Path) -> float:
    if value is None:
        return Architecture.layer_norm_epsilon
    if type(value) not in (int, float) or not 0 < float(str(value)) < inf:
        message = f"{source}: layer_norm_epsilon is {value!r}, expected a number above 0"
        raise TokbenchError(message, "convert the model again")
    return float(str(value))


def _list_shapes(architecture: Architecture) -> dict[str, tuple[int, ...]]:
    width, hidden, rows = architecture.width, architecture.mlp_width, architecture.vocab_rows
    linear = {"decoder/projection": (rows, width)}
    for i in range(architecture.layers):
        layer = f"decoder/layer_{i}"
        linear[f"{layer}/{_QKV}"] = (3 * width, width)
        linear[f"{layer}/{_OUT}"] = (width, width)
        linear[f"{layer}/ffn/linear_0"] = (hidden, width)
        linear[f"{layer}/ffn/linear_1"] = (width, hidden)
    shapes: dict[str, tuple[int, ...]] = {"decoder/layer_norm/gamma": (width,), "decoder/layer_norm/beta": (width,)}
    for name, shape in linear.items():
        shapes[f"{name}/weight"] = shape
        if name != "decoder/projection":
            shapes[f"{name}/bias"] = shape[:1]
    return shapes
