"""A package as a mapping: each of its modules is an entry.

Other packages add entries by entry point.
"""

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
    """Return the known name closest to `name`, or None if none is similar."""
    by_fold = {candidate.casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.casefold(), list(by_fold), n=1, cutoff=0.6)
    return by_fold[matches[0]] if matches else None


class Registry(Mapping[str, T], Generic[T]):
    """Map names to the modules of a package.

    Modules are listed without importing, and imported on look-up.
    Sub-packages and names with a leading underscore are not entries. Entry points of the group named like the package
    (`tokbench.adapters`, ...) follow its own modules and must not reuse their names.
    """

    def __init__(self, package: str, kind: str) -> None:
        self.package = package
        self.kind = kind
        self._names: dict[str, EntryPoint | None] | None = None

    def _listing(self) -> dict[str, EntryPoint | None]:
        if self._names is None:
            path = importlib.import_module(self.package).__path__
            modules = sorted(m.name for m in pkgutil.iter_modules(path) if not (m.ispkg or m.name.startswith("_")))
            names: dict[str, EntryPoint | None] = dict.fromkeys(modules)
            for point in sorted(entry_points(group=self.package), key=lambda p: p.name):
                if point.name in names:
                    raise TokbenchError(
                        f"the {self.kind} {point.name!r} of {point.value} uses a name that is already taken",
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
