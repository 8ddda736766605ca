"""Converted checkpoints, made once and kept in tokbench's cache under the hash of what they come from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tokbench._shared.cache import keep_folder
from tokbench._shared.cache_folder import find_cache_folder
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import Checkpoint


def convert_once(checkpoint: Checkpoint, backend: str, kind: str, version: int, write: Callable[[Path], None]) -> Path:
    """Return the folder that `write` filled for this checkpoint, backend, type and version of the converter.

    The files in it are verified by their hashes whenever it is asked for, and written anew where one is damaged. Raises
    TokbenchError where they can be written neither into the cache nor into a temporary folder.
    """
    target = find_cache_folder() / "models" / f"{checkpoint.sha256[:32]}-{backend}-{kind}-v{version}"
    try:
        return keep_folder(target, write)
    except OSError as error:
        message = f"converting {checkpoint.name} to {kind} failed: {error.strerror or error}"
        raise TokbenchError(message, f"make room in {target.parent}, or set TOKBENCH_CACHE") from error
