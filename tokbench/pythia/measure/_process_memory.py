"""Memory of this process, and free memory of this machine."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokbench._shared.process_sizes import STATUS, read_sizes
from tokbench.errors import MissingExtraError, TokbenchError

_ROLLUP = Path("/proc/self/smaps_rollup")
_LIMIT, _USED = Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory.current")
_MIB = 1 << 20


@dataclass(frozen=True)
class Memory:
    """Resident memory in bytes.

    rss: all pages.
    pss: shared pages divided by their users; None if unknown.
    """

    rss: int
    pss: int | None


def read_memory() -> Memory:
    """Read this process's memory from the kernel, or its resident size from psutil."""
    if _ROLLUP.is_file():
        sums = read_sizes(_ROLLUP)
        return Memory(sums["Rss"], sums["Pss"])
    return Memory(int(_import_psutil().Process().memory_info().rss), None)


def read_peak() -> int | None:
    """Return the peak resident size of this process in bytes.

    None if the system does not report it.
    """
    if STATUS.is_file():
        return read_sizes(STATUS)["VmHWM"]
    peak = getattr(_import_psutil().Process().memory_info(), "peak_wset", None)  # Windows
    return None if peak is None else int(peak)


def read_available() -> int:
    """Return the bytes available to a new process.

    Within the container's limit if there is one.
    """
    available = int(_import_psutil().virtual_memory().available)
    limit = _LIMIT.read_text("utf-8").strip() if _LIMIT.is_file() else "max"
    if limit == "max":
        return available
    return min(available, int(limit) - int(_USED.read_text("utf-8")))


def read_device_memory() -> tuple[int, int]:
    """Return bytes used and free on the first CUDA device, from nvidia-smi.

    Raises TokbenchError if nvidia-smi is not available.
    """
    program = shutil.which("nvidia-smi")
    if program is None:
        raise TokbenchError("there is no nvidia-smi on this machine", "use the device cpu")
    query = [program, "--id=0", "--query-gpu=memory.used,memory.free", "--format=csv,noheader,nounits"]
    done = subprocess.run(query, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        raise TokbenchError(f"nvidia-smi finds no device: {done.stdout.strip()}", "use the device cpu")
    used, free = (int(number) * _MIB for number in done.stdout.strip().split(","))
    return used, free


def _import_psutil() -> Any:
    try:
        import psutil
    except ModuleNotFoundError as error:
        raise MissingExtraError("psutil", "pythia", "reading how much memory there is") from error
    return psutil
