"""What a worker may take of its machine: threads and memory."""

from __future__ import annotations

import os
from pathlib import Path

SINGLE_THREADED = {
    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"),
    "POLARS_MAX_THREADS": "1",
    "RAYON_NUM_THREADS": "1",
    "RUST_BACKTRACE": "0",
    "TOKENIZERS_PARALLELISM": "false",
}
"""Environment of a worker: libraries use one thread, as there is a worker for each core."""

MEMORY_VARIABLE = "TOKBENCH_WORKER_MEMORY"

LEAST_MEMORY = 1 << 30
"""Bytes that a worker may hold however many there are."""

_USABLE = 0.9
_CGROUP = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def share_memory(workers: int) -> int | None:
    """Return the bytes that each of several workers on this machine may hold; None if its size is unknown.

    It is the value of TOKBENCH_WORKER_MEMORY, if that is a number of bytes, else an equal share of the memory.
    """
    asked = os.environ.get(MEMORY_VARIABLE, "")
    if asked.isascii() and asked.isdigit():
        return int(asked)
    whole = find_memory()
    return None if whole is None else max(LEAST_MEMORY, int(_USABLE * whole / workers))


def find_memory() -> int | None:
    """Return the bytes of memory that this process and its children may use: the machine's, or its container's."""
    try:
        sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, OSError, ValueError):  # not a POSIX system
        return None
    for path in _CGROUP:
        try:
            text = path.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdigit():
            sizes.append(int(text))
    return min(sizes)
