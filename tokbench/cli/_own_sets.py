"""Sets of tokenizers from configuration files, used as `@NAME`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tokbench.errors import TokbenchError

MARK = "@"
PARAMETERS = ("tokenizers", "names")
"""Parameters of commands that list tokenizers."""


def expand_arguments(given: dict[str, Any]) -> None:
    """Replace the user's own sets among the tokenizers given, by the files as they are now."""
    for parameter in PARAMETERS:
        listed = given.get(parameter)
        if isinstance(listed, list) and any(name.startswith(MARK) for name in listed):
            from tokbench._shared.configuration import load_configuration

            given[parameter] = expand_own_sets(listed, load_configuration().sets)


def expand_own_sets(names: Sequence[str], sets: Mapping[str, Sequence[str]]) -> list[str]:
    """Replace each `@NAME` of `sets` by its members, each once; other sets stay as they are.

    Raises TokbenchError for a set that contains itself.

    >>> expand_own_sets(["gpt2", "@mine", "@openai"], {"mine": ["llama3", "gpt2"]})
    ['gpt2', 'llama3', '@openai']
    """
    expanded: list[str] = []
    for name in names:
        own = name.removeprefix(MARK) in sets and name.startswith(MARK)
        if not own:
            expanded.append(name)
            continue
        for member in _list_members(name, sets, ()):
            if member not in (*names, *expanded):
                expanded.append(member)
    return expanded


def _list_members(name: str, sets: Mapping[str, Sequence[str]], inside: tuple[str, ...]) -> Iterator[str]:
    if name in inside:
        raise TokbenchError(f"the set {name} contains itself: {' > '.join([*inside, name])}", "remove it from one")
    members = sets.get(name.removeprefix(MARK)) if name.startswith(MARK) else None
    if members is None:
        yield name
        return
    for member in members:
        yield from _list_members(member, sets, (*inside, name))
