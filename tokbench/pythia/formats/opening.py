"""Open a checkpoint of any format.

A Hugging Face folder, a GGUF file, a CTranslate2 folder, or one on the hub.
"""

from __future__ import annotations

from pathlib import Path

from tokbench._shared.files import read_json_object
from tokbench._shared.paths import expand_home, explain_path
from tokbench._shared.pipes import refuse_special
from tokbench.catalog.hub_ids import is_hub_id
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import _HUB_ID, PRETRAINED, RANDOM, Checkpoint
from tokbench.pythia.formats.configuration import read_architecture


def open_checkpoint(argument: str | Path, *, revision: str | None = None, offline: bool = False) -> Checkpoint:
    """Open the model in a folder, in a GGUF file, or on the hub.

    argument: a path, or `org/name[@revision]`, optionally with the prefix `hf:`.

    Raises TokbenchError if there is nothing, if the architecture is not GPT-NeoX, and, naming the tensor, if one is
    missing or has the wrong shape; UnavailableError if the model is on the hub but not available.
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
    from tokbench.pythia.formats.weights import Weights

    config = folder / "config.json"
    if not config.is_file():
        message = f"{folder} is not a checkpoint: it has no config.json"
        raise TokbenchError(message, "expected config.json and model.safetensors, or a CTranslate2 model.bin")
    architecture = read_architecture(read_json_object(config), config)
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        places = read_json_object(index).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise TokbenchError(f"{index}: weight_map names no files", "download the file again")
        shards = sorted({str(shard) for shard in places.values()})
        files = [folder / shard for shard in shards]
    else:
        files = [folder / "model.safetensors"]
    for file in files:
        if not file.is_file():
            raise TokbenchError(f"{folder}: {file.name} is missing", "only safetensors files are read, never pickles")
    with Weights(files, architecture) as weights:
        kind = RANDOM if weights.metadata.get("weights") == RANDOM else PRETRAINED
        stored = weights.dtypes["embed_out.weight"]
    tokenizer = folder / "tokenizer.json"
    return Checkpoint(
        name=name,
        path=folder,
        format="safetensors",
        architecture=architecture,
        weights=kind,
        stored=stored,
        files=(*files, config),
        tokenizer=tokenizer if tokenizer.is_file() else None,
    )
