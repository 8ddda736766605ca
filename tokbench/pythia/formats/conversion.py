"""Cache converted checkpoints, keyed by the hash of their source."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tokbench._shared.cache import keep_folder
from tokbench._shared.cache_folder import find_cache_folder
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import Checkpoint


def convert_once(checkpoint: Checkpoint, backend: str, kind: str, version: int, write: Callable[[Path], None]) -> Path:
    """Return the converted folder of a checkpoint, created by `write` once.

    One per checkpoint, backend, type and converter version.

    Its files are verified by hash on every call, and written again if damaged. Raises TokbenchError if neither the
    cache nor a temporary folder can be written.
    """
    target = find_cache_folder() / "models" / f"{checkpoint.sha256[:32]}-{backend}-{kind}-v{version}"
    try:
        return keep_folder(target, write)
    except OSError as error:
        message = f"converting {checkpoint.name} to {kind} failed: {error.strerror or error}"
        raise TokbenchError(message, f"free some space in {target.parent}, or set TOKBENCH_CACHE") from error
