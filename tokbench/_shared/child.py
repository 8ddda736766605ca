"""Child processes: their environment, their limits, and what ended one."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

_NO_MEMORY = ("memory allocation of", "MemoryError", "std::bad_alloc", "out of memory", "Cannot allocate memory")


def environment_of_child(**more: str) -> dict[str, str]:
    """Return an environment in which a child imports what this process does, and nothing from its folder."""
    home = str(Path(__file__).resolve().parents[2])
    paths = dict.fromkeys([home, *(path for path in sys.path if path)])
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), **more}


def limit_memory(most: int) -> None:
    """Limit the data that this process may hold to `most` bytes, if the system supports it."""
    try:
        import resource
    except ImportError:  # not a POSIX system
        return
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def limit_seconds(more: float) -> None:
    """Let this process use `more` CPU seconds from now on, if the system supports it."""
    try:
        import resource
    except ImportError:
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft, hard = int(usage.ru_utime + usage.ru_stime + more) + 1, resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard))


def describe_end(status: int, errors: str, memory: int | None = None) -> str:
    """Say what ended a child: a limit, a signal by name, or a status, with the last line that it wrote.

    status: as `subprocess` returns it, negative for a signal. memory: its limit in bytes.
    """
    lines = [line.strip() for line in errors.splitlines() if line.strip()]
    if any(sign in line for line in lines for sign in _NO_MEMORY):
        limit = "" if memory is None else f" within {memory / 2**30:.0f} GiB"
        return f"it ran out of memory{limit}"
    if status == -getattr(signal, "SIGKILL", 9):
        return "its process was ended by SIGKILL, which the system sends when memory runs out"
    if status >= 0:
        return f"its process ended with status {status}" + (f": {lines[-1]}" if lines else "")
    try:
        name = signal.Signals(-status).name
    except ValueError:
        name = f"signal {-status}"
    return f"its process was ended by {name}{_find_panic(lines)}"


def _find_panic(lines: Sequence[str]) -> str:
    """Return the message of a Rust library's first panic, in brackets; its position is on the line before."""
    for line, following in pairwise([*lines, ""]):
        if "panicked at" in line:
            return f" ({following or line})"
    return next((f" ({line})" for line in lines if "overflow" in line or "terminate called" in line), "")
