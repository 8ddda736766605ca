"""Read saved comparisons."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from tokbench.comparison._comparison import DOCUMENT, Comparison
from tokbench.comparison._schema import read_mapping
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements


def load(path: str | Path) -> Comparison:
    """Load a comparison from a folder of `Comparison.save`, or from its JSON alone."""
    path = Path(path)
    try:
        file = path / DOCUMENT if path.is_dir() else path
        for part in path.glob("*.parquet") if path.is_dir() else ():
            check_regular(part)
        check_regular(file)
        document = read_mapping(json.loads(file.read_bytes()), "the file")
        measurements = Measurements.load(path) if path.is_dir() else None
        return Comparison.from_document(document, measurements)
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise TokbenchError(
            f"cannot read {error.filename or path}: {reason}", "give a file written by `tokbench compare -o`"
        ) from error
    except (ValueError, TypeError, RecursionError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise TokbenchError(f"{path}: not a saved comparison ({reason})", "create it again") from error


def check_regular(file: Path) -> None:
    """Raise ValueError for a device, and for a pipe, which may have no writer, unless a shell made it for `<(...)`."""
    substituted = str(file).startswith(("/dev/fd/", "/proc/self/fd/"))
    if file.exists() and not file.is_file() and not (substituted and file.is_fifo()):
        raise ValueError(f"{file.name} is no regular file")
