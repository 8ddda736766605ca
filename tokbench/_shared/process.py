"""Process-wide settings, undone when nobody holds them any more."""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager


class ProcessSetting:
    """A process-wide setting, active while any thread holds it."""

    def __init__(self, apply: Callable[[], AbstractContextManager[object]]) -> None:
        self._apply = apply
        self._lock = threading.Lock()
        self._holders = 0
        self._stack = ExitStack()

    @property
    def held(self) -> bool:
        """Whether the setting is active."""
        return self._holders > 0

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
def set_variable(name: str, value: str, *, keep: bool = False) -> Iterator[None]:
    """Set an environment variable, then restore it.

    keep: leave a value that is already set.
    """
    before = os.environ.get(name)
    if before is None or not keep:
        os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = before


def _limit_blas() -> AbstractContextManager[object]:
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(1, user_api="blas")
    return limits


@contextmanager
def _pause_collector() -> Iterator[None]:
    enabled = gc.isenabled()
    gc.disable()
    atexit.register(gc.freeze)
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextmanager
def _allow_trimming() -> Iterator[None]:
    yield


_parallelism = ProcessSetting(lambda: set_variable("TOKENIZERS_PARALLELISM", "false"))
_blas = ProcessSetting(_limit_blas)
_collector = ProcessSetting(_pause_collector)
_trimming = ProcessSetting(_allow_trimming)


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


def pause_collector() -> AbstractContextManager[None]:
    """Disable Python's garbage collector while held, and at exit. For commands only.

    For engines that return one object per token, it would take a seventh of the time and free nothing.
    """
    return _collector.hold()


def allow_trimming() -> AbstractContextManager[None]:
    """Let `release_freed` trim the heap of this process while held. For commands only."""
    return _trimming.hold()


def release_freed() -> bool:
    """Return freed memory to the system, if allowed and the C library is glibc.

    It takes about 0.1 seconds per gigabyte, and the heap is the whole process's: in a program that uses tokbench as a
    library, nothing happens. Returns whether the heap was trimmed.
    """
    if not _trimming.held or sys.platform != "linux":
        return False
    import ctypes

    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is None:
        return False
    trim(0)
    return True
