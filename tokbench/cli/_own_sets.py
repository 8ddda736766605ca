"""Sets of tokenizers from configuration files, used as `@NAME`."""

from __future__ import annotations

from typing import Any

PARAMETERS = ("tokenizers", "names")
"""Parameters of commands that list tokenizers."""


def expand_arguments(given: dict[str, Any]) -> None:
    """Replace the sets among the tokenizers given by their members, the user's own sets as the files are now."""
    for parameter in PARAMETERS:
        listed = given.get(parameter)
        if isinstance(listed, list):
            given[parameter] = expand_own(listed)


def expand_own(names: list[str]) -> list[str]:
    """Replace sets by their members, the user's own among them."""
    if not any(name.startswith("@") for name in names):
        return names
    from tokbench._shared.configuration import load_configuration
    from tokbench.catalog.sets import expand_sets

    return expand_sets(names, load_configuration().sets)
