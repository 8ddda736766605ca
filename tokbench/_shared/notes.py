"""Notes to the user about the cache, as Python warnings: nothing that they report changes a figure."""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

from tokbench.errors import CacheWarning

_lock = threading.Lock()
_unwritable: set[Path] = set()


def note_damage(path: Path, reason: object) -> None:
    """Warn that a file or folder in the cache is not what was written and is made anew."""
    warnings.warn(f"{path}, kept by tokbench, is damaged ({reason}): it is made anew", CacheWarning, stacklevel=2)


def note_unwritable(folder: Path, error: OSError) -> None:
    """Warn, once per process and folder, that the cache folder cannot be written and nothing is kept."""
    with _lock:
        if folder in _unwritable:
            return
        _unwritable.add(folder)
    reason = error.strerror or error
    message = f"the cache folder {folder} cannot be written ({reason}): going on without it"
    warnings.warn(f"{message}; set TOKBENCH_CACHE to another", CacheWarning, stacklevel=2)
