"""A folder as a mapping of names: each module in it is one entry, other packages add theirs by entry point."""

from __future__ import annotations

import difflib
import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, cast

from tokbench.errors import TokbenchError

T = TypeVar("T")


def closest(name: str, known: list[str]) -> str | None:
    """The known name that `name` was most likely meant to be, or None."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    found = difflib.get_close_matches(name.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[found[0]] if found else None


class Registry(Mapping[str, T], Generic[T]):
    """The modules of a package as a read-only mapping, imported when looked up, listed without importing.

    Sub-packages and names with a leading underscore are not entries. The entry points of the group of the same name as
    the package (`tokbench.adapters`, ...) come after the folder's own and may not take their names.
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package = package
        self.kind = kind
        self._names: dict[str, EntryPoint | None] | None = None

    def _listing(self) -> dict[str, EntryPoint | None]:
        if self._names is None:
            path = importlib.import_module(self.package).__path__
            own = sorted(m.name for m in pkgutil.iter_modules(path) if not (m.ispkg or m.name.startswith("_")))
            names: dict[str, EntryPoint | None] = dict.fromkeys(own)
            for point in sorted(entry_points(group=self.package), key=lambda p: p.name):
                if point.name in names:
                    raise TokbenchError(
                        f"the {self.kind} {point.name!r} of {point.value} takes a name that is taken",
                        "uninstall one of the two packages",
                    )
                names[point.name] = point
            self._names = names
        return self._names

    def __getitem__(self, name: str) -> T:
        listing = self._listing()
        if name not in listing:
            near = closest(name, list(listing))
            hint = f"did you mean {near!r}?" if near else f"known: {', '.join(listing)}"
            raise TokbenchError(f"no {self.kind} is called {name!r}", hint)
        point = listing[name]
        entry: Any = point.load() if point else importlib.import_module(f"{self.package}.{name}")
        return cast(T, entry)

    def __contains__(self, name: object) -> bool:
        return name in self._listing()

    def __iter__(self) -> Iterator[str]:
        return iter(self._listing())

    def __len__(self) -> int:
        return len(self._listing())
