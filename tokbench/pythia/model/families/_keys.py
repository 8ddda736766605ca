"""Typed access to the keys of a config.json."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tokbench._shared.visible_text import reveal_controls
from tokbench.errors import TokbenchError

_LARGEST = 1 << 31
_MOST_LAYERS = 1 << 14


class Keys:
    """A config.json, or a table of it.

    A key with several names has the value of the first that is there; others must not contradict it. Null counts as
    absent, as in transformers. Every error names source, key and value.
    """

    def __init__(self, values: Mapping[str, Any], source: object) -> None:
        self._values = values
        self._source = source

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) is not None

    def refuse(self, name: str, value: object, expected: str) -> TokbenchError:
        """Return the error for a value that is not the expected one."""
        shown = reveal_controls(repr(value))[:60]
        return TokbenchError(f"{self._source}: {name} is {shown}, expected {expected}", "such a model is not known")

    def fill(self, **defaults: object) -> Keys:
        """Return these keys with defaults for absent ones."""
        given = {name: value for name, value in self._values.items() if value is not None}
        return Keys({**defaults, **given}, self._source)

    def find(self, *names: str) -> tuple[str, Any]:
        """Return the name and value of the first of these keys that is there; None as the value if none is."""
        given = [(name, self._values[name]) for name in names if self._values.get(name) is not None]
        for name, value in given[1:]:
            if value != given[0][1]:
                raise self.refuse(name, value, f"{given[0][1]!r} as {given[0][0]} says")
        return given[0] if given else (names[0], None)

    def whole_or_none(self, *names: str, most: int = _LARGEST - 1) -> int | None:
        """Return a whole number from 1 to `most`; None if absent."""
        name, value = self.find(*names)
        if value is None:
            return None
        if type(value) is not int or not 1 <= value <= most:
            raise self.refuse(name, value, f"a whole number from 1 to {most:,}")
        return value

    def whole(self, *names: str, default: int | None = None, most: int = _LARGEST - 1) -> int:
        """Return a whole number from 1 to `most`, or the default; without one, the key is required."""
        value = self.whole_or_none(*names, most=most)
        if value is None and default is None:
            raise TokbenchError(f"{self._source}: {names[0]} is missing", "use the config.json of the model")
        return default if value is None else value  # type: ignore[return-value]  # one of the two is a number

    def count(self, *names: str, default: int = 0) -> int:
        """Return a whole number of at least 0, or the default."""
        return 0 if self.find(*names)[1] == 0 else self.whole_or_none(*names) or default

    def layers(self, *names: str) -> int:
        """Return the number of layers."""
        return self.whole(*names, most=_MOST_LAYERS)

    def flag(self, name: str, *, default: bool) -> bool:
        """Return true or false, or the default."""
        value = self._values.get(name)
        if value is None:
            return default
        if type(value) is not bool:
            raise self.refuse(name, value, "true or false")
        return value

    def fraction(self, *names: str, default: float) -> float:
        """Return a number above 0 and at most 1, or the default."""
        name, value = self.find(*names)
        if value is None:
            return default
        if type(value) not in (int, float) or not (math.isfinite(value) and 0 < value <= 1):
            raise self.refuse(name, value, "a number above 0 and at most 1")
        return float(value)

    def text(self, name: str) -> str:
        """Return a text, which is required."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise self.refuse(name, value, "a text")
        return value

    def table(self, name: str) -> Keys:
        """Return the keys of a table, none if it is absent."""
        value = self._values.get(name)
        if value is None:
            return Keys({}, self._source)
        if not isinstance(value, dict):
            raise self.refuse(name, value, "a table")
        return Keys(value, f"{self._source}, {name}")

    def entries(self, name: str) -> list[Any] | None:
        """Return a list; None if absent."""
        value = self._values.get(name)
        if value is not None and not isinstance(value, list):
            raise self.refuse(name, value, "a list")
        return value

    def require(self, name: str, *allowed: object) -> None:
        """Refuse a value other than these; an absent key has the first."""
        value = self._values.get(name)
        if value is not None and not any(
            value is one or (value == one and type(value) is type(one)) for one in allowed
        ):
            raise self.refuse(name, value, " or ".join(map(repr, allowed)))

    def heads(self, width: int, *names: str) -> int:
        """Return the number of heads, which must divide the width unless the key `head_dim` is there."""
        heads = self.whole(*names)
        if "head_dim" not in self and width % heads:
            raise self.refuse(names[0], heads, f"a divisor of the width {width}")
        return heads

    def kv_heads(self, heads: int, *names: str, default: int | None = None) -> int | None:
        """Return the heads of keys and values: a divisor of `heads`; None or the default if absent."""
        found = self.whole_or_none(*names) or default
        if found is not None and heads % found:
            raise self.refuse(names[0], found, f"a divisor of the {heads} heads")
        return found

    def kinds(self, name: str, layers: int, allowed: Sequence[str]) -> list[str] | None:
        """Return what each layer is, from a list of `layers` known names; None if absent."""
        value = self.entries(name)
        if value is None:
            return None
        if len(value) != layers:
            raise self.refuse(name, value, f"{layers} entries, one per layer")
        for entry in value:
            if entry not in allowed:
                raise self.refuse(name, entry, " or ".join(allowed))
        return value


def shorten(windows: Sequence[int | None]) -> tuple[int | None, ...]:
    """Return the shortest beginning that gives the windows of all layers when repeated.

    >>> shorten([4, None, 4, None, 4])
    (4, None)
    """
    for length in range(1, len(windows) + 1):
        if all(window == windows[index % length] for index, window in enumerate(windows)):
            return tuple(windows[:length])
    return (None,)
