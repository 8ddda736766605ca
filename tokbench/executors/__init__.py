"""Run a task on many items: in this process, in others on this machine, or on a cluster."""

from __future__ import annotations

from typing import Protocol

from tokbench._shared.registry import Registry
from tokbench.errors import TokbenchError
from tokbench.executors._in_process import InProcess
from tokbench.executors._protocol import RETRIES, Executor, Failure, Task, Work

__all__ = ["EXECUTORS", "RETRIES", "Executor", "Failure", "InProcess", "Task", "Work", "is_address", "open_executor"]


class ExecutorModule(Protocol):
    """A module of this package, or of an entry point in group `tokbench.executors`."""

    def open_executor(self, address: str | None, workers: int | None) -> Executor:
        """Return the executor.

        address: what follows `NAME://`; None if there is none. workers: how many items are worked on at a time.
        """
        ...


EXECUTORS: Registry[ExecutorModule] = Registry("tokbench.executors", "executor")


def open_executor(name: str, workers: int | None = None) -> Executor:
    """Return the executor that an argument names: `local`, `ray`, `ray://HOST:PORT`, or `HOST:PORT` of a Ray cluster.

    workers: how many items are worked on at a time; by default one per core of the machine or cluster.
    Raises TokbenchError for an unknown name and for fewer than one worker, MissingExtraError if its library is missing.
    """
    if workers is not None and workers < 1:
        raise TokbenchError(f"{workers} workers are requested", "request at least 1")
    kind, separator, address = name.partition("://")
    if not separator and name not in EXECUTORS and is_address(name):
        kind, address = "ray", name
        return EXECUTORS[kind].open_executor(address, workers)
    return EXECUTORS[kind].open_executor(name if separator and address else None, workers)


def is_address(name: str) -> bool:
    """Return whether a name is of the form HOST:PORT.

    >>> is_address("10.0.0.1:6379"), is_address("local"), is_address("ray:")
    (True, False, False)
    """
    host, _, port = name.rpartition(":")
    return bool(host) and port.isascii() and port.isdigit()
