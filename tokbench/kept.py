"""Arrays kept in the cache folder: what was read from large files once, under a key that says from which."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tokbench import __version__
from tokbench.errors import TokbenchError
from tokbench.output import write_whole
from tokbench.places import find_cache_folder

LAYOUT = 2
"""Of what is kept: raised where that changes, so that what was kept before is not found."""

Arrays = Mapping[str, npt.NDArray[Any]]


def find_place(kind: str, *parts: object) -> Path:
    """Where something of a kind is kept (without ending), by all that it follows from; our version is part of it."""
    key = hashlib.sha256(repr((*parts, LAYOUT, __version__)).encode()).hexdigest()[:32]
    return find_cache_folder() / kind / key


def read_arrays(place: Path, names: frozenset[str]) -> Arrays | None:
    """The arrays of these names, None where none are kept; TokbenchError where the file is damaged."""
    path = place.with_suffix(".npz")
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as kept:
            return {name: kept[name] for name in names}
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise explain_damage(path, error) from error


def write_arrays(place: Path, arrays: Arrays) -> None:
    """Keep arrays; TokbenchError where the cache folder cannot be written."""
    make_folder(place.parent)
    content = io.BytesIO()
    np.savez(content, allow_pickle=False, **arrays)
    write_whole(place.with_suffix(".npz"), content.getvalue())


def make_folder(folder: Path) -> None:
    """Create a folder of the cache; TokbenchError where it cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TokbenchError(
            f"the cache folder {folder} cannot be written: {error.strerror}", "set TOKBENCH_CACHE to another"
        ) from error


def explain_damage(path: Path, error: BaseException) -> TokbenchError:
    """The error for a file in the cache that is not what was written."""
    return TokbenchError(f"{path}, a record of tokbench, is damaged: {error}", "delete it")
