"""Warnings about the cache, the network and corpus names, as Python warnings.

Nothing that they report changes a result.
"""

from __future__ import annotations

import threading
import warnings
from pathlib import Path

from tokbench.errors import CacheWarning, CorpusWarning, NetworkWarning

_lock = threading.Lock()
_unwritable: set[Path] = set()


def note_damage(path: Path, reason: object) -> None:
    """Warn that a file or folder in the cache is damaged and will be rebuilt."""
    warnings.warn(f"{path}, cached by tokbench, is damaged ({reason}): rebuilding it", CacheWarning, stacklevel=2)


def note_unwritable(folder: Path, error: OSError) -> None:
    """Warn, once per process and folder, that the cache folder is not writable."""
    with _lock:
        if folder in _unwritable:
            return
        _unwritable.add(folder)
    reason = error.strerror or error
    message = f"the cache folder {folder} cannot be written ({reason}): continuing without it"
    warnings.warn(f"{message}; set TOKBENCH_CACHE to another folder", CacheWarning, stacklevel=2)


def note_slow(name: str, seconds: float) -> None:
    """Warn that something is still being waited for."""
    warnings.warn(f"still waiting for {name} after {seconds:g} s (Ctrl-C to stop)", NetworkWarning, stacklevel=2)


def note_hidden(name: str, corpus: Path) -> None:
    """Warn that the name of a corpus is also that of a file or folder, which is not read."""
    message = f"the corpus {name} is read from {corpus}; write ./{name} for the file or folder of this name"
    warnings.warn(message, CorpusWarning, stacklevel=2)
