"""What the house asks of dataclasses."""

from __future__ import annotations

from dataclasses import is_dataclass
from types import ModuleType


def check_dataclasses(module: ModuleType, by_identity: set[str]) -> None:
    """All dataclasses of a module are frozen; those that hold arrays or frames, and only those, equal themselves alone.

    Arrays and frames have no truth and no hash: a generated comparison of two results would fail.
    """
    own = {name: cls for name, cls in vars(module).items() if is_dataclass(cls) and cls.__module__ == module.__name__}
    assert own
    for name, cls in own.items():
        assert cls.__dataclass_params__.frozen, name  # type: ignore[union-attr]
    assert {name for name, cls in own.items() if cls.__eq__ is object.__eq__} == by_identity
