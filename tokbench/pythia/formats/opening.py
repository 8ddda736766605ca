"""Open a checkpoint of any format.

A Hugging Face folder, a GGUF file, a CTranslate2 folder, or one on the hub.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench._shared.paths import expand_home, explain_path
from tokbench._shared.pipes import refuse_special
from tokbench.catalog.hub_ids import is_hub_id
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import _HUB_ID, PRETRAINED, RANDOM, Checkpoint, Computation
from tokbench.pythia.formats.configuration import (
    IRRELEVANT,
    KIND,
    read_architecture,
    read_computation,
    read_end_of_text,
    read_epsilon,
)
from tokbench.pythia.formats.llama import LLAMA_LIKE, find_obstacle, read_llama_computation
from tokbench.pythia.formats.weights import Weights, read_contents
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import parameters
from tokbench.pythia.model.families import read_shape


def open_checkpoint(argument: str | Path, *, revision: str | None = None, offline: bool = False) -> Checkpoint:
    """Open the model in a folder, in a GGUF file, or on the hub.

    argument: a path, or `org/name[@revision]`, optionally with the prefix `hf:`.

    Raises TokbenchError if there is nothing, if the architecture is unknown, and, naming the tensor, if one of a family
    that we convert is missing or has the wrong shape; UnavailableError if the model is on the hub but not available.
    """
    path = expand_home(argument)
    match = _HUB_ID.fullmatch(str(argument))
    try:
        here = path.exists()
    except OSError as error:
        raise explain_path(path, error) from error
    if here:
        if revision is not None:
            raise TokbenchError(f"{path} is a local path and has no revisions", "leave out --revision")
        return _open_path(path, path.resolve().name)
    if (
        match is None
        or str(argument).startswith((".", "~"))
        or not is_hub_id(match["repo"], revision or match["revision"])
    ):
        raise TokbenchError(f"no such checkpoint: {argument}", "use a folder, a GGUF file or org/name on the hub")
    from tokbench.pythia.formats.hub import fetch_model

    if revision is not None and match["revision"] is not None:
        raise TokbenchError(f"two revisions of {match['repo']}: {match['revision']} and {revision}", "give one")
    wanted = revision or match["revision"]
    name = match["repo"].partition("/")[2]
    return _open_path(fetch_model(match["repo"], wanted, offline=offline), f"{name}@{wanted}" if wanted else name)


def _open_path(path: Path, name: str) -> Checkpoint:
    refuse_special(path)
    if path.is_file():
        if path.suffix.lower() != ".gguf":
            raise TokbenchError(f"{path} is not a checkpoint", "a file must be a GGUF file; otherwise name its folder")
        from tokbench.pythia.formats.gguf_reading import open_gguf

        return open_gguf(path)
    if (path / "model.bin").is_file():
        from tokbench.pythia.formats.ctranslate2_reading import open_folder

        return open_folder(path, name)
    return _open_hugging_face(path, name)


def _open_hugging_face(folder: Path, name: str) -> Checkpoint:
    config = folder / "config.json"
    if not config.is_file():
        message = f"{folder} is not a checkpoint: it has no config.json"
        raise TokbenchError(message, "expected config.json and model.safetensors, or a CTranslate2 model.bin")
    content = read_json_object(config)
    architecture, computation, obstacle = _read_model(content, config)
    files = _list_weights(folder)
    if computation is None:
        contents = read_contents(files)
        _check_values(contents.values, architecture, folder)
        stored, metadata = contents.dtype, contents.metadata
    else:
        with Weights(files, architecture) as weights:
            stored, metadata = weights.dtypes[next(iter(weights.dtypes))], weights.metadata
    tokenizer = folder / "tokenizer.json"
    return Checkpoint(
        name=name,
        path=folder,
        format="safetensors",
        architecture=architecture,
        weights=RANDOM if metadata.get("weights") == RANDOM else PRETRAINED,
        stored=stored,
        files=(*files, config),
        tokenizer=tokenizer if tokenizer.is_file() else None,
        computation=computation,
        obstacle=obstacle,
    )


def _check_values(values: int, architecture: Architecture, folder: Path) -> None:
    """Raise TokbenchError if tensors are missing: transformers would fill them with random values."""
    expected = parameters(architecture)
    if values < expected:
        raise TokbenchError(
            f"{folder}: the weights hold {values:,} values, but a {architecture.family} model of this shape has "
            f"{expected:,}",
            "the checkpoint is incomplete, or does not match its configuration",
        )


def _read_model(config: dict[str, Any], source: Path) -> tuple[Architecture, Computation | None, str | None]:
    """Return a model's shape, and what a forward pass needs beyond it, or what our converters lack for it."""
    family = config.get("model_type")
    if family not in LLAMA_LIKE:
        if family == KIND:
            return read_architecture(config, source), read_computation(config, source), None
        shape = read_shape(config, source)
        return shape, None, f"its model_type is {shape.family}"
    shape = replace(read_shape(config, source), layer_norm_epsilon=read_epsilon(config, source))
    obstacle = find_obstacle(config, IRRELEVANT)
    if obstacle is not None:
        return shape, None, obstacle
    return shape, read_llama_computation(config, read_end_of_text(config, source, 2)), None


def _list_weights(folder: Path) -> list[Path]:
    """List the safetensors files of a folder; TokbenchError if one is missing."""
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        places = read_json_object(index).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise TokbenchError(f"{index}: weight_map names no files", "download the file again")
        files = [folder / shard for shard in sorted({str(shard) for shard in places.values()})]
    else:
        files = [folder / "model.safetensors"]
    from tokbench.pythia.formats.hub import write_conversion

    pickles = [name for name in PICKLES if (folder / name).is_file()]
    for file in files:
        if not file.is_file():
            if pickles:
                raise TokbenchError(
                    f"{folder} has its weights in {pickles[0]}, a pickle, which could run code and is never loaded",
                    f"if you trust it, convert it: {write_conversion(folder)}",
                )
            raise TokbenchError(f"{folder}: {file.name} is missing", "only safetensors files are read, never pickles")
    return files


PICKLES = ("pytorch_model.bin", "pytorch_model.bin.index.json")
