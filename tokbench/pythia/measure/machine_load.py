"""How busy this machine is with other programs, which lengthens whatever is timed."""

from __future__ import annotations

import os


def read_load() -> float | None:
    """Return the load average of the last minute; None where the system has none."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def warn_of_load(load: float | None, cores: int) -> str | None:
    """Return a warning if more programs want to run than there are cores; else None.

    >>> warn_of_load(3.5, 2)
    'the load average is 3.5 on 2 cores: other programs are running, and times are longer than they would be alone'
    >>> warn_of_load(2.0, 2) is warn_of_load(None, 2) is None
    True
    """
    if load is None or load <= cores:
        return None
    return (
        f"the load average is {load:.1f} on {cores} core{'s' if cores > 1 else ''}: other programs are running, and "
        "times are longer than they would be alone"
    )
