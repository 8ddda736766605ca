"""Fetch model files from the Hugging Face hub or its local cache."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from tokbench.catalog import hub, locations
from tokbench.catalog.companions import NAMES
from tokbench.catalog.entries import File, Source
from tokbench.catalog.hub_ids import is_hub_id
from tokbench.errors import UnavailableError
from tokbench.pythia.formats.checkpoint import _HUB_ID
from tokbench.pythia.model.models import OWNER, find_checkpoint, look_up_model

CONFIGURATION = "config.json"
PATTERNS = [
    CONFIGURATION,
    "generation_config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer.json",
    *NAMES,
]
"""Files read from a repository: never code, never pickles."""


def write_conversion(source: str | Path) -> str:
    """Return a command that makes safetensors of a model with a pickle: a folder, or org/name on the hub."""
    target = f"{Path(source).name or 'model'}-safetensors"
    code = f"M.from_pretrained({json.dumps(str(source))}).save_pretrained({json.dumps(target)})"
    return "python -c " + shlex.quote(f"from transformers import AutoModelForCausalLM as M; {code}")


def fetch_model(repo: str, revision: str | None = None, *, offline: bool = False) -> Path:
    """Return the folder of a hub model with config.json and safetensors files.

    Downloads them unless the cache has them. With `offline`, HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE, no socket is
    opened. Raises UnavailableError if the model or this revision is not available, and TokbenchError, naming the
    nearest one, for a step that was not saved of a model of the suite.
    """
    if revision is not None:
        check_step(repo, revision)
    wanted = f"{repo}@{revision}" if revision else repo
    folder = find_cached(repo, revision, PATTERNS)
    if folder is not None and is_whole(folder):
        return folder
    require_download(wanted, "use a folder that contains config.json and model.safetensors", offline=offline)
    folder = hub.fetch_snapshot(repo, revision, PATTERNS)
    if not is_whole(folder):
        message = f"{wanted} on the hub has no config.json with safetensors files"
        raise UnavailableError(message, f"if it has a pytorch_model.bin that you trust: {write_conversion(repo)}")
    return folder


def find_cached(repo: str, revision: str | None, patterns: Sequence[str]) -> Path | None:
    """Return the folder of a hub model's files in the cache, which may lack some; None if it has none."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError

    try:
        return Path(snapshot_download(repo, revision=revision, allow_patterns=[*patterns], local_files_only=True))
    except LocalEntryNotFoundError:
        return None


def require_download(wanted: str, remedy: str, *, offline: bool) -> None:
    """Raise UnavailableError, with the reason, if what is not in the cache cannot be downloaded."""
    if offline or locations.is_offline():
        raise UnavailableError(f"{wanted} is not in the Hugging Face cache: offline", remedy)
    try:
        hub.require_network()
    except UnavailableError as error:
        raise UnavailableError(f"{wanted} is not in the Hugging Face cache: {error.message}", remedy) from error


def parse_hub_id(argument: str) -> tuple[str, str | None] | None:
    """Return repository and revision of `org/name[@revision]`, `hf:` before it or not; None for anything else."""
    match = _HUB_ID.fullmatch(argument)
    if match is None or argument.startswith((".", "~")) or not is_hub_id(match["repo"], match["revision"]):
        return None
    return match["repo"], match["revision"]


def fetch_configuration(repo: str, revision: str | None = None, *, offline: bool = False) -> Path:
    """Return the config.json of a hub model, downloaded unless the cache has it.

    With `offline`, HF_HUB_OFFLINE or TRANSFORMERS_OFFLINE, no socket is opened. Raises UnavailableError if the model or
    this revision is not available.
    """
    from huggingface_hub import try_to_load_from_cache

    cached = try_to_load_from_cache(repo, CONFIGURATION, revision=revision)
    if isinstance(cached, str):
        return Path(cached)
    wanted = f"{repo}@{revision}" if revision else repo
    require_download(f"{CONFIGURATION} of {wanted}", "use a config.json", offline=offline)
    file = File(CONFIGURATION)
    return hub.fetch_file(Source((file,), hub=repo, revision=revision), file, revision)


def check_step(repo: str, revision: str) -> None:
    """Raise TokbenchError, naming the nearest one, for a step that was not saved of a model of the suite."""
    owner, _, name = repo.partition("/")
    if owner == OWNER and look_up_model(name) is not None and re.fullmatch(r"step\d+", revision, re.ASCII):
        find_checkpoint(revision)


def is_whole(folder: Path) -> bool:
    """Return whether a folder holds a configuration and all weight files.

    All those that its index names.
    """
    index = folder / "model.safetensors.index.json"
    if not (folder / "config.json").is_file():
        return False
    if index.is_file():
        try:
            return all(
                (folder / name).is_file() for name in json.loads(index.read_text("utf-8"))["weight_map"].values()
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return False
    return (folder / "model.safetensors").is_file()
