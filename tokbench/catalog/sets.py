"""Named sets of tokenizers, such as `@openai`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files as package_files
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from tokbench._shared.registry import closest
from tokbench.catalog.entries import CATALOG, find_name
from tokbench.errors import TokbenchError

T = TypeVar("T")

MARK = "@"
"""What the name of a set starts with, where tokenizers are listed."""

DEFAULT = "@default"
"""The set that is compared if no tokenizer is named."""


class NamedSet(NamedTuple):
    """What a set is, and its tokenizers."""

    about: str
    tokenizers: tuple[str, ...]


class SetMember(str):
    """A name that a set contributes to a list: left out, not refused, if it is not available."""

    __slots__ = ()


@cache
def list_sets() -> Mapping[str, NamedSet]:
    """Return the sets of the catalogue by name, `all` last."""
    text = package_files("tokbench.catalog").joinpath("sets.toml").read_text(encoding="utf-8")
    tables = tomllib.loads(text)
    sets = {name: NamedSet(table["about"], tuple(table["tokenizers"])) for name, table in tables.items()}
    return MappingProxyType({**sets, "all": NamedSet("the whole catalogue", tuple(CATALOG))})


def expand_sets(names: Iterable[T], extra_sets: Mapping[str, Sequence[str]] | None = None) -> list[T | str]:
    """Replace each `@NAME` in a list of tokenizers by the set's members, as `SetMember`.

    A member that the list names by itself, or that an earlier set has, is not repeated; what is not text stays.
    extra_sets: the user's own sets by name, without `@`; they hide sets of the catalogue and may contain other sets.
    Raises TokbenchError for an unknown set, or one that contains itself.
    """
    known = {name: one.tokenizers for name, one in list_sets().items()} | dict(extra_sets or {})
    listed = list(names)
    seen = {find_name(name) or name for name in listed if isinstance(name, str) and not name.startswith(MARK)}
    expanded: list[T | str] = []
    for name in listed:
        if not (isinstance(name, str) and name.startswith(MARK)):
            expanded.append(name)
            continue
        for member in _list_members(name, known, ()):
            key = find_name(member) or member
            if key not in seen:
                seen.add(key)
                expanded.append(SetMember(member))
    return expanded


def _list_members(name: str, known: Mapping[str, Sequence[str]], inside: tuple[str, ...]) -> Iterator[str]:
    if not name.startswith(MARK):
        yield name
        return
    if name in inside:
        raise TokbenchError(f"the set {name} contains itself: {' > '.join([*inside, name])}", "remove it from one")
    members = known.get(name.removeprefix(MARK))
    if members is None:
        near = closest(name.removeprefix(MARK), list(known))
        every = ", ".join(f"{MARK}{one}" for one in known)
        raise TokbenchError(f"no set is called {name}", f"did you mean {MARK}{near}?" if near else f"there are {every}")
    for member in members:
        yield from _list_members(member, known, (*inside, name))
