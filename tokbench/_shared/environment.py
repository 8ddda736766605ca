"""Where and when a measurement was made.

This is what can differ between two runs on the same input.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

LIBRARIES = ("tokenizers", "fastokens", "splintr-rs", "sentencepiece", "tiktoken", "ahocorasick_rs", "polars", "numpy")

Now = Callable[[], datetime]

Clock = Callable[[], float]
"""Returns seconds from some fixed point."""


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Environment:
    """Date (ISO 8601, UTC), versions and machine of a measurement."""

    date: str
    tokbench: str
    python: str
    system: str
    processor: str
    cores: int
    libraries: Mapping[str, str]


def name_processor() -> str:
    """Return the processor's name from the system, else its architecture."""
    return _read_processor("model name") or platform.processor() or platform.machine()


def list_processor_flags() -> frozenset[str]:
    """Return the names of the processor's instruction sets as Linux gives them; none elsewhere."""
    return frozenset(_read_processor("flags").split())


def _read_processor(field: str) -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == field:
                return value.strip()
    return ""


def count_cores() -> int:
    """Count the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def installed(library: str) -> str | None:
    """Return the version of a library, or None if it is not installed."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None


def describe_environment(clock: Now = now) -> Environment:
    """Describe this machine, Python and the libraries, with the current time."""
    from tokbench import __version__

    return Environment(
        date=clock().strftime("%Y-%m-%dT%H:%M:%SZ"),
        tokbench=__version__,
        python=platform.python_version(),
        system=f"{platform.system()} {platform.machine()}",
        processor=name_processor(),
        cores=count_cores(),
        libraries={name: found for name in LIBRARIES if (found := installed(name))},
    )
