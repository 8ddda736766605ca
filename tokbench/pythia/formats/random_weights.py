"""Checkpoints with a model's exact shape and random weights.

Speed and memory do not depend on the values.
"""

from __future__ import annotations

import errno
import hashlib
import json
import math
import os
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench._shared.cache import keep_folder
from tokbench._shared.cache_folder import find_cache_folder
from tokbench._shared.files import create_file_beside
from tokbench.errors import TokbenchError, UnavailableError
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.configuration import KIND
from tokbench.pythia.formats.llama import LLAMA_LIKE, Shape, describe_llama
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.weights import READABLE, list_shapes
from tokbench.pythia.model.architecture import Architecture

VERSION = 1
"""Version of the random values; changing it invalidates cached folders."""

DTYPES = {name: code for code, name in READABLE.items()}
_OUTPUTS = ("attention.dense.weight", "mlp.dense_4h_to_h.weight", "o_proj.weight", "down_proj.weight")
_CHUNK = 1 << 24  # values drawn at a time: 64 MiB


def describe(architecture: Architecture, dtype: str = "float16") -> dict[str, Any]:
    """Build the config.json of a model that we can make, with the keys of the hub's models.

    Raises TokbenchError for a family whose tensors we do not know.
    """
    if architecture.family in LLAMA_LIKE:
        return describe_llama(architecture, dtype)
    if architecture.family != KIND:
        known = ", ".join([KIND, *LLAMA_LIKE])
        raise TokbenchError(f"no random weights of the family {architecture.family}", f"they are made for: {known}")
    return {
        "architectures": ["GPTNeoXForCausalLM"],
        "bos_token_id": 0,
        "eos_token_id": 0,
        "hidden_act": "gelu",
        "hidden_size": architecture.width,
        "initializer_range": 0.02,
        "intermediate_size": architecture.mlp_width,
        "layer_norm_eps": architecture.layer_norm_epsilon,
        "max_position_embeddings": architecture.context,
        "model_type": "gpt_neox",
        "num_attention_heads": architecture.heads,
        "num_hidden_layers": architecture.layers,
        "rotary_emb_base": 10000,
        "rotary_pct": architecture.rotary_fraction,
        "tie_word_embeddings": False,
        "torch_dtype": dtype,
        "use_cache": True,
        "use_parallel_residual": architecture.parallel_residual,
        "vocab_size": architecture.vocab_rows,
    }


def make(architecture: Architecture, folder: Path, seed: int = 0, dtype: str = "float16") -> Path:
    """Write config.json and model.safetensors into a folder, and return it.

    The folder is created if necessary. Weights are normal with variance 1 / inputs, so that activations stay near 1 and
    attention is not uniform; the two outputs of a layer are scaled down by the square root of their number. The same
    seed gives the same bytes. The header's metadata says `weights: random`. One tensor is in memory at a time.

    Raises TokbenchError if the folder already holds a model, the disk is too small, or the type is neither float16 nor
    float32.
    """
    if dtype not in DTYPES:
        raise TokbenchError(f"no random weights of the type {dtype!r}", f"choose from: {', '.join(DTYPES)}")
    _claim(folder)
    try:
        _write(architecture, folder, seed, dtype)
    except OSError as error:
        raise TokbenchError(f"cannot write weights to {folder}: {error.strerror}", "choose another folder") from error
    return folder


def _write(architecture: Architecture, folder: Path, seed: int, dtype: str) -> None:
    """Write config.json and model.safetensors into an existing folder.

    Raises OSError if that fails.
    """
    config = describe(architecture, dtype)
    shapes = list_shapes(architecture)
    size = np.dtype(dtype).itemsize
    lengths = {name: math.prod(shape) * size for name, shape in shapes.items()}
    _check_room(folder, sum(lengths.values()))
    target = folder / "model.safetensors"
    part = create_file_beside(target)
    try:
        with part.open("wb") as stream:
            stream.write(_write_header(shapes, lengths, dtype, seed))
            for index, (name, shape) in enumerate(shapes.items()):
                generator = np.random.default_rng([seed, index])
                for begin in range(0, math.prod(shape), _CHUNK):
                    count = min(_CHUNK, math.prod(shape) - begin)
                    stream.write(_draw(generator, name, shape, count, architecture).astype(dtype).tobytes())
        (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", "utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _claim(folder: Path) -> None:
    names = ("config.json", "model.safetensors", "model.safetensors.index.json")
    try:
        if any((folder / name).exists() for name in names):
            raise TokbenchError(f"{folder} already holds a model", "choose a new folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TokbenchError(f"cannot create {folder}: {error.strerror}", "choose another folder") from error


def _check_room(folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        message = f"the weights take {needed / 2**30:.1f} GiB, and {free / 2**30:.1f} GiB are free on its disk"
        raise OSError(errno.ENOSPC, message)


def _write_header(shapes: dict[str, Shape], lengths: dict[str, int], dtype: str, seed: int) -> bytes:
    """Build the header of a safetensors file.

    The length of a JSON object, and the object.

    Padded to 8 bytes. The library can only write tensors that are all in memory.
    """
    content: dict[str, Any] = {"__metadata__": {"format": "pt", "weights": "random", "seed": str(seed)}}
    begin = 0
    for name, shape in shapes.items():
        content[name] = {
            "dtype": DTYPES[dtype],
            "shape": list(shape),
            "data_offsets": [begin, begin + lengths[name]],
        }
        begin += lengths[name]
    text = json.dumps(content, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text


def _draw(
    generator: np.random.Generator, name: str, shape: Shape, count: int, architecture: Architecture
) -> npt.NDArray[np.float32]:
    values = generator.standard_normal(count, dtype=np.float32)
    if len(shape) == 1:
        centre = 1.0 if "norm" in name and name.endswith("weight") else 0.0
        return np.float32(centre) + np.float32(0.1) * values
    spread = 1 / math.sqrt(shape[1])
    if name.endswith(_OUTPUTS):
        spread /= math.sqrt(2 * architecture.layers)
    return np.float32(spread) * values


def find_architecture(argument: str | Path) -> Architecture | None:
    """Return the architecture of a model's name; None for a path or hub id.

    Raises TokbenchError for anything else.
    """
    from tokbench.catalog.locations import is_path
    from tokbench.pythia.model.resolution import resolve_named

    text = str(argument)
    if is_path(text) or text.startswith("hf:") or os.path.exists(text):  # noqa: PTH110 - false if the name is too long
        return None
    return resolve_named(text).architecture


def open_or_make(
    argument: str | Path, *, revision: str | None = None, offline: bool = False, random: bool = False
) -> Checkpoint:
    """Open a checkpoint, or make one with random weights.

    argument: as for `open_checkpoint`, or a model's name: `pythia-70m`.

    For a name of the suite, the Hugging Face cache and the hub are tried first, unless `random` is set. If they do not
    have it, and no revision is requested, it gets random weights in tokbench's cache, as `weights` of the result says;
    other known names always get them. Raises like `open_checkpoint`, and TokbenchError for an unknown name, or one of a
    family that random weights are not made for.
    """
    from tokbench.pythia.formats.hub import fetch_model
    from tokbench.pythia.model.models import find_model, models
    from tokbench.pythia.model.resolution import resolve_named

    if find_architecture(argument) is None:
        if random:
            message = f"{argument} is not a model's name, which random weights need"
            raise TokbenchError(message, "for example: pythia-70m")
        return open_checkpoint(argument, revision=revision, offline=offline)
    if random and revision is not None:
        raise TokbenchError("random weights have no revisions", "leave out --revision or --random-weights")
    spec = resolve_named(str(argument))
    if all(spec.name != model.name for model in models()):
        if revision is not None:
            raise TokbenchError(f"{spec.name} gets random weights, which have no revisions", "name a folder or hub id")
        return open_checkpoint(make_in_cache(spec.architecture, spec.name))
    model = find_model(spec.name)
    if not random:
        try:
            fetch_model(model.hub_id, revision, offline=offline)
        except UnavailableError:
            if revision is not None:
                raise
        else:
            return open_checkpoint(model.hub_id, revision=revision, offline=True)
    return open_checkpoint(make_in_cache(model.architecture, model.name))


def make_in_cache(architecture: Architecture, name: str) -> Path:
    """Return a cached folder with random weights of this shape.

    It is called `name`, created once and verified.
    """
    shape = hashlib.sha256(json.dumps(describe(architecture)).encode()).hexdigest()
    target = find_cache_folder() / "models" / f"random-{shape[:16]}-v{VERSION}" / name
    try:
        return keep_folder(target, lambda part: _write(architecture, part, 0, "float16"))
    except OSError as error:
        message = f"the random weights of {name} cannot be written: {error.strerror}"
        raise TokbenchError(message, f"free some space in {target.parent}, or set TOKBENCH_CACHE") from error
