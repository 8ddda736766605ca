"""The executor that starts no process."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TypeVar

from tokbench.errors import TokbenchError
from tokbench.executors._protocol import Failure, Task

T = TypeVar("T")


class InProcess:
    """Works on one item after the other, in this process."""

    def map(self, task: Task[T], items: Iterable[T]) -> Iterator[tuple[int, bytes | Failure]]:
        """Yield the number and the result of each item, in order; see `Executor.map`."""
        work = task.start(task.files)
        for number, item in enumerate(items):
            try:
                result: bytes | Failure = work(item)
            except TokbenchError as error:
                result = Failure(str(error))
            yield number, result

    def count_workers(self) -> int:
        """Return 1."""
        return 1
