"""Converted checkpoints, made once and kept in tokbench's cache under the hash of what they come from."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from tokbench.errors import TokbenchError
from tokbench.places import find_cache_folder
from tokbench.pythia.checkpoint import Checkpoint


def convert_once(checkpoint: Checkpoint, backend: str, kind: str, version: int, write: Callable[[Path], None]) -> Path:
    """The folder that `write` filled for this checkpoint, backend, type and version of the converter.

    It is written under another name and renamed, so that a crash or a second process leaves no half of one.
    TokbenchError where the cache cannot be written.
    """
    target = find_cache_folder() / "models" / f"{checkpoint.sha256[:32]}-{backend}-{kind}-v{version}"
    if target.is_dir():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=target.parent, prefix=f".{target.name}."))
    except OSError as error:
        message = f"the cache folder {target.parent} cannot be written: {error.strerror}"
        raise TokbenchError(message, "set TOKBENCH_CACHE to another") from error
    try:
        write(part)
        part.chmod(0o755)
        if not target.is_dir():  # else another process was first
            part.rename(target)
    except OSError as error:
        if not target.is_dir():
            message = f"converting {checkpoint.name} to {kind} failed: {error.strerror or error}"
            raise TokbenchError(message, f"make room in {target.parent}, or set TOKBENCH_CACHE") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return target
