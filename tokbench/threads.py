"""Work spread over threads: engines release the interpreter while they encode, so both cores are busy."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from tokbench.environment import count_cores

T = TypeVar("T")
R = TypeVar("R")

_PARALLELISM = "TOKENIZERS_PARALLELISM"


@contextmanager
def single_thread() -> Iterator[None]:
    """Keep engines that start threads by themselves to one (the tokenizers library reads this variable)."""
    before = os.environ.get(_PARALLELISM)
    os.environ[_PARALLELISM] = "false"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_PARALLELISM]
        else:
            os.environ[_PARALLELISM] = before


@contextmanager
def pause_collector() -> Iterator[None]:
    """Keep Python from looking for cycles of objects that nobody needs.

    Engines that hand out an object a token set it off again and again, to find nothing: a seventh of a large job.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def map_ordered(function: Callable[[T], R], items: Iterable[T], threads: int | None = None) -> Iterator[R]:
    """The results of a function on threads (one a core by default), in order; at most two items a thread wait.

    An error, an interruption among them, cancels what has not begun, and waits for what has.
    """
    workers = threads or count_cores()
    remaining = iter(items)
    with ThreadPoolExecutor(workers) as pool:
        waiting: list[Future[R]] = [pool.submit(function, item) for item in islice(remaining, 2 * workers)]
        try:
            while waiting:
                result = waiting.pop(0).result()
                waiting.extend(pool.submit(function, item) for item in islice(remaining, 1))
                yield result
        finally:
            for future in waiting:
                future.cancel()
