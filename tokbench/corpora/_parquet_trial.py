"""Trials of Parquet and Arrow files: read once in a process that can be ended.

Polars panics at some damaged files, with lines of its own on standard error, and aborts the process at others: a bit of
a size that flips is an allocation of petabytes. That a file came through is cached by its hash.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tokbench._shared.cache import cache_path, read_json, write_json
from tokbench._shared.child import describe_end, environment_of_child
from tokbench._shared.hashes import sha256_of


def try_reading(
    path: Path, options: Mapping[str, str], languages: Sequence[str] | None, reader: str = "parquet"
) -> str | None:
    """Read a file in another process, unless it has come through before; return what keeps it from being read.

    Errors other than a panic or the end of the process are left to reading it here.
    """
    request = [str(path), dict(options), None if languages is None else list(languages), reader]
    place = cache_path("parquet", sha256_of(path), *request[1:], pl.__version__)
    if read_json(place) is not None:
        return None
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", "tokbench.corpora._parquet_process"],
            input=json.dumps(request).encode(),
            capture_output=True,
            env=environment_of_child(RUST_BACKTRACE="0"),
            check=False,
        )
    except OSError:
        return None  # no process can be started here
    if done.returncode:
        return describe_end(done.returncode, done.stderr.decode(errors="replace"))
    if done.stdout:
        return done.stdout.decode(errors="replace")
    write_json(place, {"came_through": True})
    return None
