"""The process that tries a Parquet or Arrow file: `python -m tokbench.corpora._parquet_process`.

It reads one request from standard input: the path, the options and the languages, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import polars as pl

from tokbench._shared.child import limit_seconds
from tokbench.corpora.arrow import read_file
from tokbench.corpora.parquet import read_here
from tokbench.errors import TokbenchError

SECONDS = 8
"""CPU seconds that a trial may take, beside those for the size of the file."""
SECONDS_PER_MB = 1.0


def main() -> None:
    """Read the file that standard input names; write what a panic says."""
    path, options, languages, reader = json.load(sys.stdin)
    limit_seconds(SECONDS + SECONDS_PER_MB * Path(path).stat().st_size / 1e6)
    try:
        if reader == "arrow":
            read_file(Path(path))
        else:
            read_here(Path(path), options, languages)
    except pl.exceptions.PanicException as error:
        sys.stdout.write(str(error).partition("\n")[0] or "polars panics")
    except TokbenchError:
        return  # as it will be raised there


if __name__ == "__main__":
    main()
