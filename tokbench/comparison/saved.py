"""Read saved comparisons."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl

from tokbench._shared.paths import shorten
from tokbench.comparison._comparison import DOCUMENT, Comparison
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements


def load(path: str | Path) -> Comparison:
    """Load a comparison from a folder of `Comparison.save`, or from its JSON alone."""
    path = Path(path)
    try:
        file = path / DOCUMENT if path.is_dir() else path
        document = json.loads(file.read_bytes())
        measurements = Measurements.load(path) if path.is_dir() else None
        return Comparison.from_document(document, measurements)
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]
        raise TokbenchError(
            f"cannot read {shorten(str(error.filename or path))}: {reason}",
            "give a file written by `tokbench compare -o`",
        ) from error
    except (ValueError, KeyError, TypeError, pl.exceptions.PolarsError) as error:
        reason = str(error).partition("\n")[0]
        raise TokbenchError(f"{path}: not a saved comparison ({reason})", "create it again") from error
