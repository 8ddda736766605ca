"""Memory of this process, as the Linux kernel reports it."""

from __future__ import annotations

from pathlib import Path

STATUS = Path("/proc/self/status")
"""Resident memory (`VmRSS`) and its peak (`VmHWM`); absent on other systems."""


def read_sizes(path: Path) -> dict[str, int]:
    """Return the sizes in a kernel file, in bytes by name."""
    sizes = {}
    for line in path.read_text("utf-8").splitlines():
        name, _, value = line.partition(":")
        if value.endswith(" kB"):
            sizes[name] = int(value.removesuffix(" kB")) * 1024
    return sizes
