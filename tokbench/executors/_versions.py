"""Versions that must be equal wherever a task runs: of tokbench, Python and the libraries that count."""

from __future__ import annotations

import platform
from collections.abc import Mapping

from tokbench._shared.environment import LIBRARIES, installed

COMPARED = (*LIBRARIES, "icu4py")


def list_versions() -> dict[str, str]:
    """Return the version of everything whose version may change a result; libraries that are missing are left out."""
    from tokbench import __version__

    libraries = {name: found for name in COMPARED if (found := installed(name))}
    return {"tokbench": __version__, "python": platform.python_version(), **libraries}


def describe_mismatch(here: Mapping[str, str], there: Mapping[str, str]) -> str | None:
    """Say which versions differ, for one line; None if none does.

    >>> describe_mismatch({"tokbench": "1", "numpy": "2.1"}, {"tokbench": "1", "numpy": "2.0"})
    'numpy 2.0 (here 2.1)'
    >>> describe_mismatch({"tokbench": "1", "numpy": "2.1"}, {"tokbench": "1"})
    'no numpy (here 2.1)'
    """
    names = [name for name in dict.fromkeys([*here, *there]) if here.get(name) != there.get(name)]
    parts = (
        f"{f'{name} {there[name]}' if name in there else f'no {name}'} (here {here.get(name, 'none')})"
        for name in names
    )
    return ", ".join(parts) or None
