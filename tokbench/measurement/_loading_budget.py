"""How many tokenizers are in memory at once, if they can be freed."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import CancelledError
from functools import partial

from tokbench._shared.process import release_freed
from tokbench.adapters import Tokenizer
from tokbench.adapters._freeable import FreeableTokenizer

BUDGET = 11_000_000
"""Bytes of files of the tokenizers that are in memory at once, if they can be freed: in memory, 20 to 30 times that."""


class Budget:
    """Lets threads load tokenizers, in the order in which they ask, while few are in memory: one in any case."""

    def __init__(self, most: int) -> None:
        self._most, self._used, self._closed = most, 0, False
        self._waiting: list[object] = []
        self._changed = threading.Condition()

    def take(self, size: int) -> None:
        """Wait until there is room; CancelledError once it is closed."""
        place = object()
        with self._changed:
            self._waiting.append(place)
            self._changed.wait_for(lambda: self._closed or (self._waiting[0] is place and self._has_room(size)))
            self._waiting.remove(place)
            if self._closed:
                raise CancelledError
            self._used += size
            self._changed.notify_all()

    def _has_room(self, size: int) -> bool:
        return not self._used or self._used + size <= self._most

    def give(self, size: int) -> None:
        """Give back what was taken."""
        with self._changed:
            self._used -= size
            self._changed.notify_all()

    def close(self) -> None:
        """Let nobody load any more."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()


def load_freeable(load: Callable[[], Tokenizer], size: int, budget: Budget) -> Tokenizer:
    """Load a tokenizer once there is room for it; freeing it gives the room back."""
    budget.take(size)
    try:
        loaded = FreeableTokenizer(load(), load, partial(budget.give, size))
        release_freed()  # a tenth of it went into reading its files
        return loaded
    except BaseException:
        budget.give(size)
        raise
