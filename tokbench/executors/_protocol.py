"""What executors and tasks agree on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias, TypeVar

T = TypeVar("T")
T_contra = TypeVar("T_contra", contravariant=True)

RETRIES = 2
"""How often an item is tried again after the process that worked on it has died."""

Work: TypeAlias = Callable[[T], bytes]
"""Works on one item; raises TokbenchError if that cannot be done, wherever and however often it is tried."""


class Task(Protocol[T_contra]):
    """What is to be done with each item. Tasks and items are pickled: their classes must be importable everywhere."""

    @property
    def files(self) -> Mapping[str, Path]:
        """Files that the work needs, by the SHA-256 of their content."""
        ...

    def start(self, files: Mapping[str, Path]) -> Callable[[T_contra], bytes]:
        """Prepare a process, and return what works on an item there; called once per process.

        files: where the files lie, by SHA-256. Raises TokbenchError if nothing can be done there.
        """
        ...


@dataclass(frozen=True)
class Failure:
    """Why an item has no result, in one line."""

    reason: str


class Executor(Protocol):
    """Runs a task on items."""

    def map(self, task: Task[T], items: Iterable[T]) -> Iterator[tuple[int, bytes | Failure]]:
        """Yield the number of each item and its result, or why there is none, in the order in which they come.

        An item is tried again, `RETRIES` times, if the process that worked on it died; the others go on. Closing the
        iterator ends all work. Raises TokbenchError if no process can start.
        """
        ...

    def count_workers(self) -> int:
        """Return how many items are worked on at a time."""
        ...
