"""Work spread over threads: engines release the interpreter while they encode, so both cores are busy."""

from __future__ import annotations

import atexit
import ctypes
import gc
import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from itertools import islice
from typing import Generic, TypeVar

from tokbench._shared.environment import count_cores

T = TypeVar("T")
R = TypeVar("R")
G = TypeVar("G")

_PARALLELISM = "TOKENIZERS_PARALLELISM"


class _ProcessSetting:
    """A setting of the whole process that lasts from its first holder to its last, whichever thread each is in."""

    def __init__(self, apply: Callable[[], AbstractContextManager[object]]) -> None:
        self._apply = apply
        self._lock = threading.Lock()
        self._holders = 0
        self._stack = ExitStack()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Apply the setting, unless it is applied, and undo it when no holder is left."""
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
    """Keep the tokenizers library to one thread, in the whole process, until the last holder is through.

    It reads an environment variable, which is then as the first holder found it.
    """
    return _parallelism.hold()


def hold_blas() -> AbstractContextManager[None]:
    """Keep numpy's linear algebra to the thread that calls it, in the whole process, until the last holder is through.

    Threads of its own wait for more in a loop: they take the cores from whatever else runs.
    """
    return _blas.hold()


_lent: ContextVar[bool] = ContextVar("lent", default=False)


@contextmanager
def lend_cores() -> Iterator[None]:
    """Let engines that this thread calls spread a batch over threads of their own: where all cores are at work anyway.

    A call for many texts lets go of the interpreter once, not once per text. Other threads are not affected.
    """
    token = _lent.set(True)
    try:
        yield
    finally:
        _lent.reset(token)


def cores_are_lent() -> bool:
    """Return whether threads of the engine's own are welcome in the calling thread."""
    return _lent.get()


@contextmanager
def pause_collector() -> Iterator[None]:
    """Keep Python from looking for cycles of objects that nobody needs, now and when it exits.

    Engines that hand out an object a token set it off again and again, to find nothing: a seventh of a large job.
    """
    enabled = gc.isenabled()
    gc.disable()
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        if enabled:
            gc.enable()


class Shared(Generic[G, T]):
    """Items that are to be worked on once with each of some groups, which come in while threads work.

    A thread stays with a group as long as it has items left: what the group keeps at hand stays warm, and is not made
    again in another thread. It helps with another's only when no group waits.
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
        """One more group."""
        with self._changed:
            self._groups.append(group)
            self._left.append(deque(self._items))
            self._changed.notify_all()

    def end(self, *, stopped: bool = False) -> None:
        """No more groups come; `stopped`: nothing that is left is to be begun."""
        with self._changed:
            self._complete, self._stopped = True, self._stopped or stopped
            self._changed.notify_all()

    def work(self, function: Callable[[G, T], None]) -> None:
        """Call a function with groups and items until none is left; an error stops all threads."""
        group: int | None = None
        finished = False
        try:
            while (taken := self._take(group)) is not None:
                group, item = taken
                function(self._groups[group], item)
            finished = True
        finally:
            self.end(stopped=not finished)

    def _take(self, own: int | None) -> tuple[int, T] | None:
        """The next item, of the own group where it has any; None at the end."""
        with self._changed:
            while not self._stopped:
                waiting = [group for group, left in enumerate(self._left) if left]
                fresh = [group for group in waiting if group not in self._begun]
                if waiting:
                    group = (
                        own if own in waiting else min(fresh, default=max(waiting, key=lambda g: len(self._left[g])))
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
    """Call a function once with each of the groups and each of the items, on threads (one a core by default).

    The groups may come in slowly (see `Shared`). An error, an interruption among them, ends it after the calls that
    have begun.
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
    """The results of a function on threads (one a core by default), in order; at most two items a thread wait.

    One item alone needs no thread. An error, an interruption among them, cancels what has not begun, and waits for what
    has.
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
    """Give what was freed back to the system, where the C library is glibc; it takes a tenth of a second a gigabyte."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
