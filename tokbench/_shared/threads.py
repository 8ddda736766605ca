"""Work on threads.

Engines release the interpreter lock while they encode, so all cores are used.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import islice, takewhile
from typing import TypeVar

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


def share(
    function: Callable[[G, T], None], groups: Iterable[G], items: Iterable[T], threads: int | None = None
) -> None:
    """Call `function` with every pair of group and item, on threads.

    By default there is one thread per core.
    The groups may arrive slowly: pairs start in the order in which their groups arrive. An error, including an
    interruption, ends it once the running calls have finished.
    """
    every = tuple(items)
    stopped = threading.Event()

    def call(group: G, item: T) -> None:
        if stopped.is_set():
            return
        try:
            function(group, item)
        except BaseException:
            stopped.set()
            raise

    with ThreadPoolExecutor(threads or count_cores()) as pool:
        try:
            begun = takewhile(lambda _: not stopped.is_set(), groups)
            running = [pool.submit(call, group, item) for group in begun for item in every]
            for future in running:
                future.result()
        finally:
            stopped.set()


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
