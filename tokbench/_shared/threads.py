"""Work on threads.

Engines release the interpreter lock while they encode, so all cores are used.
"""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from itertools import islice, takewhile
from typing import TypeVar

from tokbench._shared.environment import count_cores

T = TypeVar("T")
R = TypeVar("R")
G = TypeVar("G")

_PARALLELISM = "TOKENIZERS_PARALLELISM"


class _ProcessSetting:
    """A process-wide setting, active while any thread holds it."""

    def __init__(self, apply: Callable[[], AbstractContextManager[object]]) -> None:
        self._apply = apply
        self._lock = threading.Lock()
        self._holders = 0
        self._stack = ExitStack()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Apply the setting unless it is active; undo it when no holder is left."""
        with self._lock:
            if not self._holders:
                self._stack.enter_context(self._apply())
            self._holders += 1
        try:
            yield
        finally:
            with self._lock:
                self._holders -= 1
                if not self._holders:
                    self._stack.close()


@contextmanager
def _switch_parallelism_off() -> Iterator[None]:
    before = os.environ.get(_PARALLELISM)
    os.environ[_PARALLELISM] = "false"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_PARALLELISM, None)
        else:
            os.environ[_PARALLELISM] = before


def _limit_blas() -> AbstractContextManager[object]:
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


_parallelism = _ProcessSetting(_switch_parallelism_off)
_blas = _ProcessSetting(_limit_blas)


def single_thread() -> AbstractContextManager[None]:
    """Limit the tokenizers library to one thread, process-wide, while held.

    The library reads an environment variable, which is then restored to the value that the first holder saw.
    """
    return _parallelism.hold()


def hold_blas() -> AbstractContextManager[None]:
    """Limit numpy's linear algebra to the calling thread, process-wide, while held.

    Its own threads busy-wait for work, which takes the cores from everything else.
    """
    return _blas.hold()


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


@contextmanager
def pause_collector() -> Iterator[None]:
    """Disable Python's cyclic garbage collector, here and at interpreter exit.

    Engines that return one object per token trigger it again and again for nothing: a seventh of a large job.
    """
    enabled = gc.isenabled()
    gc.disable()
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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


def release_freed() -> None:
    """Return freed memory to the system if the C library is glibc.

    It takes about 0.1 seconds per gigabyte.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
