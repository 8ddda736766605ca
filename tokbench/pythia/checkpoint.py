"""A GPT-NeoX model on disk: a Hugging Face folder, a GGUF file or a CTranslate2 folder, checked before use."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tokbench.errors import TokbenchError
from tokbench.hashes import sha256_of_all
from tokbench.pythia._configuration import read_architecture
from tokbench.pythia.architecture import Architecture

Format = Literal["safetensors", "gguf", "ctranslate2"]
WeightsKind = Literal["random", "pretrained"]

RANDOM: WeightsKind = "random"
PRETRAINED: WeightsKind = "pretrained"

_HUB_ID = re.compile(r"(?:hf:)?(?P<repo>[\w-][\w.-]*/[\w.-]+?)(?:@(?P<revision>[\w./-]+))?")


@dataclass(frozen=True)
class Checkpoint:
    """A model on disk that was found whole: every tensor there, in the right shape.

    `path` is a folder or a GGUF file, `files` the configuration and the weights, `weights` whether these are random or
    pretrained (what no marker calls random counts as pretrained). `stored` is the type of the matrices in the file:
    float16, q4_0, int8, ... `tokenizer` is its tokenizer.json, if it has one.
    """

    name: str
    path: Path
    format: Format
    architecture: Architecture
    weights: WeightsKind
    stored: str
    files: tuple[Path, ...]
    tokenizer: Path | None

    @property
    def sha256(self) -> str:
        """SHA-256 over weights, configuration and tokenizer: the key of what is made from them."""
        return sha256_of_all([*self.files, *([self.tokenizer] if self.tokenizer else [])])

    @property
    def weight_files(self) -> tuple[Path, ...]:
        """The files with tensors, without the configuration."""
        return tuple(file for file in self.files if file.suffix != ".json")


def open_checkpoint(argument: str | Path, *, revision: str | None = None, offline: bool = False) -> Checkpoint:
    """The model in a folder, in a GGUF file, or on the hub as `org/name[@revision]` (`hf:` may stand before it).

    Raises TokbenchError where nothing is there, where the architecture is not GPT-NeoX, and, naming the tensor, where
    one is missing or has another shape; UnavailableError where it is on the hub and cannot be had.
    """
    path = Path(argument).expanduser()
    match = _HUB_ID.fullmatch(str(argument))
    if path.exists():
        if revision is not None:
            raise TokbenchError(f"{path} is on this machine and has no revisions", "leave --revision out")
        return _open_path(path, path.resolve().name)
    if match is None or str(argument).startswith((".", "~")):
        raise TokbenchError(f"no such checkpoint: {argument}", "name a folder, a GGUF file or org/name on the hub")
    from tokbench.model_files import fetch_model

    if revision is not None and match["revision"] is not None:
        raise TokbenchError(f"two revisions of {match['repo']}: {match['revision']} and {revision}", "give one")
    wanted = revision or match["revision"]
    name = match["repo"].partition("/")[2]
    return _open_path(fetch_model(match["repo"], wanted, offline=offline), f"{name}@{wanted}" if wanted else name)


def _open_path(path: Path, name: str) -> Checkpoint:
    if path.is_file():
        if path.suffix.lower() != ".gguf":
            raise TokbenchError(f"{path} is no checkpoint", "a file must be a GGUF file; else name its folder")
        from tokbench.pythia._gguf_reading import open_gguf

        return open_gguf(path)
    if (path / "model.bin").is_file():
        from tokbench.pythia._ctranslate2_reading import open_folder

        return open_folder(path, name)
    return _open_hugging_face(path, name)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; TokbenchError where there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TokbenchError(f"{path} cannot be read as JSON: {error}", "get the file again") from error
    if not isinstance(content, dict):
        raise TokbenchError(f"{path} holds no JSON object", "get the file again")
    return content


def _open_hugging_face(folder: Path, name: str) -> Checkpoint:
    from tokbench.pythia.weights import Weights

    config = folder / "config.json"
    if not config.is_file():
        message = f"{folder} is no checkpoint: it has no config.json"
        raise TokbenchError(message, "expected config.json and model.safetensors, or a CTranslate2 model.bin")
    architecture = read_architecture(read_json(config), config)
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        places = read_json(index).get("weight_map")
        if not isinstance(places, dict) or not places:
            raise TokbenchError(f"{index}: weight_map names no files", "get the file again")
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
