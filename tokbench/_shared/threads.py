"""Work on threads.

Engines release the interpreter lock while they encode, so all cores are used.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Generic, TypeVar

from tokbench._shared.environment import count_cores

T = TypeVar("T")
R = TypeVar("R")
G = TypeVar("G")

_lent: ContextVar[bool] = ContextVar("lent", default=False)


@contextmanager
def lend_cores() -> Iterator[None]:
    """Let engines called from this thread use threads of their own within a batch.

    Use it while all cores are busy anyway.
    A call for many texts releases the interpreter lock once, not once per text. Other threads are not affected.
    """
    token = _lent.set(True)
    try:
        yield
    finally:
        _lent.reset(token)


def cores_are_lent() -> bool:
    """Return whether an engine called from this thread may use threads of its own."""
    return _lent.get()


class Shared(Generic[G, T]):
    """Queue of (group, item) pairs, each processed once.

    Groups can be added while threads work.
    A thread stays with its group as long as it has items left, so that the group's caches stay warm and are not rebuilt
    in another thread. It helps with another thread's group only if no group is waiting.
    """

    def __init__(self, items: Iterable[T]) -> None:
        self._items = tuple(items)
        self._groups: list[G] = []
        self._left: list[deque[T]] = []
        self._begun: set[int] = set()
        self._complete = False
        self._stopped = False
        self._changed = threading.Condition()

    def add(self, group: G) -> None:
        """Add a group."""
        with self._changed:
            self._groups.append(group)
            self._left.append(deque(self._items))
            self._changed.notify_all()

    def end(self, *, stopped: bool = False) -> None:
        """Declare that no more groups follow.

        With `stopped`, nothing that is left is started.
        """
        with self._changed:
            self._complete, self._stopped = True, self._stopped or stopped
            self._changed.notify_all()

    def work(self, function: Callable[[G, T], None]) -> None:
        """Call `function` with groups and items until none is left.

        An error stops all threads.
        """
        group: int | None = None
        finished = False
        try:
            while (taken := self._take(group)) is not None:
                group, item = taken
                function(self._groups[group], item)
            finished = True
        finally:
            self.end(stopped=not finished)

    def _take(self, current: int | None) -> tuple[int, T] | None:
        """Return the next pair, from the `current` group if it has items left.

        Return None at the end.
        """
        with self._changed:
            while not self._stopped:
                waiting = [group for group, left in enumerate(self._left) if left]
                fresh = [group for group in waiting if group not in self._begun]
                if waiting:
                    group = (
                        current
                        if current in waiting
                        else min(fresh, default=max(waiting, key=lambda g: len(self._left[g])))
                    )
                    self._begun.add(group)
                    return group, self._left[group].popleft()
                if self._complete:
                    break
                self._changed.wait()
            return None


def share(
    function: Callable[[G, T], None], groups: Iterable[G], items: Iterable[T], threads: int | None = None
) -> None:
    """Call `function` with every pair of group and item, on threads.

    By default there is one thread per core.
    The groups may arrive slowly (see `Shared`). An error, including an interruption, ends it once the running calls
    have finished.
    """
    workers = threads or count_cores()
    shared: Shared[G, T] = Shared(items)
    with ThreadPoolExecutor(workers) as pool:
        running = [pool.submit(shared.work, function) for _ in range(workers)]
        finished = False
        try:
            for group in groups:
                shared.add(group)
            shared.end()
            for worker in running:
                worker.result()
            finished = True
        finally:
            shared.end(stopped=not finished)


def map_ordered(function: Callable[[T], R], items: Iterable[T], threads: int | None = None) -> Iterator[R]:
    """Yield the results of `function` in order, computed on threads.

    By default there is one thread per core.
    At most two items per thread are in progress or waiting. A single item is processed without a thread. An error,
    including an interruption, cancels what has not started and waits for what has.
    """
    workers = threads or count_cores()
    remaining = iter(items)
    first = list(islice(remaining, 2 * workers))
    if len(first) == 1:
        yield function(first[0])
        return
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future[R]] = [pool.submit(function, item) for item in first]
        try:
            while waiting:
                result = waiting.pop(0).result()
                waiting.extend(pool.submit(function, item) for item in islice(remaining, 1))
                yield result
        finally:
            for future in waiting:
                future.cancel()
