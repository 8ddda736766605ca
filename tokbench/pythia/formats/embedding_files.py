"""Find the files of a checkpoint that hold its embeddings; on the hub, download no others."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tokbench._shared.files import read_json_object
from tokbench._shared.paths import expand_home, explain_path
from tokbench._shared.pipes import refuse_special
from tokbench.catalog import hub
from tokbench.catalog.gguf_header import read_header
from tokbench.catalog.hub_ids import is_hub_id
from tokbench.errors import MissingExtraError, TokbenchError, UnavailableError
from tokbench.pythia.formats.checkpoint import _HUB_ID, RANDOM
from tokbench.pythia.formats.embedding_names import find_names
from tokbench.pythia.formats.gguf_reading import WEIGHTS_KEY
from tokbench.pythia.formats.hub import find_cached, require_download

CONFIG, SINGLE, INDEX = "config.json", "model.safetensors", "model.safetensors.index.json"


@dataclass(frozen=True)
class WeightFiles:
    """The files of a checkpoint that are needed, and where its tensors are.

    tensors: the file of each tensor by name; of a sharded checkpoint, also of tensors in shards that are not needed.
    config: the content of config.json; empty if there is none.
    random: whether a file is marked as holding random weights.
    """

    name: str
    path: Path
    tensors: Mapping[str, Path]
    config: Mapping[str, Any]
    random: bool
    is_gguf: bool

    def read_setting(self, key: str) -> Any:
        """Return a setting of the configuration, or of its part on text; None if it is in neither."""
        text = self.config.get("text_config")
        within = text.get(key) if isinstance(text, dict) else None
        return self.config.get(key, within)


def find_weight_files(argument: str | Path, *, revision: str | None = None, offline: bool = False) -> WeightFiles:
    """Find the files with the embeddings of a checkpoint; arguments and errors as for `open_embeddings`."""
    path = expand_home(argument)
    try:
        here = path.exists()
    except OSError as error:
        raise explain_path(path, error) from error
    if here:
        if revision is not None:
            raise TokbenchError(f"{path} is a local path and has no revisions", "leave out --revision")
        return _list_path(path, path.resolve().name)
    repo, wanted = _name_repository(str(argument), revision)
    name = repo.partition("/")[2]
    return _list_path(fetch_files(repo, wanted, offline=offline), f"{name}@{wanted}" if wanted else name)


def _name_repository(argument: str, revision: str | None) -> tuple[str, str | None]:
    """Return the hub repository that an argument names, and its revision."""
    if "/" not in argument and Path(argument).suffix.lower() not in {".gguf", ".safetensors"}:
        from tokbench.pythia.model.models import find_model

        return find_model(argument).hub_id, revision
    match = _HUB_ID.fullmatch(argument)
    if (
        match is None
        or argument.startswith((".", "~"))
        or not is_hub_id(match["repo"], revision or match["revision"])
        or Path(argument).suffix.lower() in {".gguf", ".safetensors"}
    ):
        raise TokbenchError(
            f"no such checkpoint: {argument}", "use a folder, a safetensors or GGUF file, or org/name on the hub"
        )
    if revision is not None and match["revision"] is not None:
        raise TokbenchError(f"two revisions of {match['repo']}: {match['revision']} and {revision}", "give one")
    return match["repo"], revision or match["revision"]


def _list_path(path: Path, name: str) -> WeightFiles:
    refuse_special(path)
    if path.is_dir():
        return _list_folder(path, name)
    if path.suffix.lower() == ".gguf":
        header = read_header(path)
        random = header.fields.get(WEIGHTS_KEY) == RANDOM
        return WeightFiles(path.stem, path, dict.fromkeys(header.tensors, path), {}, random, is_gguf=True)
    if path.suffix.lower() == ".safetensors":
        tensors, random = _list_tensors([path])
        config = path.parent / CONFIG
        return WeightFiles(path.stem, path, tensors, _read_config(config), random, is_gguf=False)
    raise TokbenchError(
        f"{path} is not a checkpoint", "a file must be a safetensors or GGUF file; otherwise name its folder"
    )


def _list_folder(folder: Path, name: str) -> WeightFiles:
    if (folder / INDEX).is_file():
        index = read_index(folder)
        needed = pick_files(folder, index)
        found, random = _list_tensors([_find_file(folder, one) for one in needed])
        tensors = {tensor: folder / file for tensor, file in index.items() if file not in needed} | found
    else:
        files = [folder / SINGLE] if (folder / SINGLE).is_file() else sorted(folder.glob("*.safetensors"))
        if not files:
            raise TokbenchError(
                f"{folder} has no safetensors files",
                "only safetensors and GGUF files are read, never pickles: load the model with transformers, and save "
                "it with save_pretrained",
            )
        for file in files:
            refuse_special(file)
        tensors, random = _list_tensors(files)
    return WeightFiles(name, folder, tensors, _read_config(folder / CONFIG), random, is_gguf=False)


def read_index(folder: Path) -> dict[str, str]:
    """Return the file of each tensor, from the index of a sharded checkpoint; TokbenchError if it is damaged."""
    path = folder / INDEX
    places = read_json_object(path).get("weight_map")
    if not isinstance(places, dict) or not places:
        raise TokbenchError(f"{path}: weight_map names no files", "download the file again")
    for file in places.values():
        if not isinstance(file, str) or not file or PurePosixPath(file).name != file or "\\" in file:
            raise TokbenchError(f"{path}: weight_map names {file!r}, which is no file name", "download the file again")
    return places


def pick_files(folder: Path, index: Mapping[str, str]) -> list[str]:
    """Return the names of the shards with the embeddings, without duplicates."""
    names = find_names(index, str(folder))
    return list(dict.fromkeys(index[tensor] for tensor in (names.input, names.output) if tensor in index))


def _find_file(folder: Path, name: str) -> Path:
    file = folder / name
    if not file.is_file():
        raise TokbenchError(f"{folder}: {name} is missing", "download the checkpoint again")
    return file


def _read_config(path: Path) -> dict[str, Any]:
    return read_json_object(path) if path.is_file() else {}


def _list_tensors(files: list[Path]) -> tuple[dict[str, Path], bool]:
    """Return the file of each tensor, and whether a file is marked as random; TokbenchError for a damaged one."""
    try:
        from safetensors import SafetensorError, safe_open
    except ModuleNotFoundError as error:
        raise MissingExtraError("safetensors", "pythia", f"reading {files[0].name}") from error
    tensors: dict[str, Path] = {}
    random = False
    with ExitStack() as stack:
        for file in files:
            try:
                shard = stack.enter_context(safe_open(file, framework="numpy"))
            except (SafetensorError, OSError) as error:
                message = f"{file}: not a readable safetensors file ({error})"
                raise TokbenchError(message, "download the file again") from error
            random |= (shard.metadata() or {}).get("weights") == RANDOM
            tensors |= dict.fromkeys(shard.keys(), file)
    return tensors, random


# ---- on the hub


def fetch_files(repo: str, revision: str | None = None, *, offline: bool = False) -> Path:
    """Return the folder of a hub model with its configuration and the files that hold its embeddings.

    Downloads these, unless the cache has them. With `offline`, HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE, no socket is
    opened. Raises UnavailableError if they are not available.
    """
    small = [CONFIG, INDEX]
    folder = find_cached(repo, revision, small)
    if folder is not None and is_enough(folder):
        return folder
    wanted = f"{repo}@{revision}" if revision else repo
    remedy = "use a folder with safetensors files, or a GGUF file"
    require_download(wanted, remedy, offline=offline)
    folder = hub.fetch_snapshot(repo, revision, small)
    files = pick_files(folder, read_index(folder)) if (folder / INDEX).is_file() else [SINGLE]
    folder = hub.fetch_snapshot(repo, revision, [*small, *files])
    if not is_enough(folder):
        raise UnavailableError(f"{wanted} on the hub has no safetensors files", remedy)
    return folder


def is_enough(folder: Path) -> bool:
    """Return whether a folder holds a configuration and the files with the embeddings."""
    if not (folder / CONFIG).is_file():
        return False
    if not (folder / INDEX).is_file():
        return (folder / SINGLE).is_file()
    return all((folder / name).is_file() for name in pick_files(folder, read_index(folder)))
