"""Processes on this machine, which are watched: one that dies is seen at once, and its item is tried again.

`multiprocessing.Pool` waits for ever for a worker that was killed, and `ProcessPoolExecutor` gives up all items.
"""

from __future__ import annotations

import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO, Generic, TypeVar

from tokbench._shared.child import describe_end, environment_of_child
from tokbench._shared.environment import count_cores
from tokbench.errors import TokbenchError
from tokbench.executors._limits import SINGLE_THREADED, share_memory
from tokbench.executors._protocol import RETRIES, Failure, Task
from tokbench.executors._worker_process import FAILURE, READY, RESULT, UNUSABLE, read_frame, write_frame

T = TypeVar("T")

_ENDED = b"."
_PATIENCE = 10
"""Seconds that a worker may take to end after it has closed its pipe."""
_SHOWN = 1 << 16
"""Bytes of a worker's standard error that are read to find out why it ended."""


def open_executor(address: str | None, workers: int | None) -> LocalExecutor:
    """Return the executor; TokbenchError for an address, which only clusters have."""
    if address is not None:
        raise TokbenchError(f"the executor local takes no address ({address})", "use --executor local")
    return LocalExecutor(workers or count_cores())


@dataclass(frozen=True)
class LocalExecutor:
    """Works on items in processes of their own.

    workers: number of processes. memory: bytes that each may hold; by default, an equal share of the machine's.
    """

    workers: int
    memory: int | None = None

    def map(self, task: Task[T], items: Iterable[T]) -> Iterator[tuple[int, bytes | Failure]]:
        """Yield results as they come; see `Executor.map`."""
        memory = share_memory(self.workers) if self.memory is None else self.memory
        pool: _Pool[T] = _Pool([pickle.dumps(memory), pickle.dumps(task)], memory, items)
        try:
            yield from pool.run(self.workers)
        finally:
            pool.end()

    def count_workers(self) -> int:
        """Return the number of processes."""
        return self.workers


@dataclass(frozen=True)
class _Trial(Generic[T]):
    """An item, its number, and how often it was tried before."""

    number: int
    item: T
    tried: int = 0


@dataclass(eq=False)
class _Worker(Generic[T]):
    """A process with the item that it works on."""

    process: subprocess.Popen[bytes]
    errors: IO[bytes]
    thread: threading.Thread = field(init=False)
    trial: _Trial[T] | None = None
    ready: bool = False

    def send(self, trial: _Trial[T]) -> None:
        """Let the process work on an item; if it has died, its end is reported by its thread."""
        self.trial = trial
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):
            write_frame(self.process.stdin, pickle.dumps(trial.item))

    def explain_end(self, memory: int | None) -> str:
        """Return why the process has ended."""
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
        size = self.errors.seek(0, os.SEEK_END)
        self.errors.seek(max(0, size - _SHOWN))
        return describe_end(self.process.wait(), self.errors.read().decode(errors="replace"), memory)

    def end(self) -> None:
        """End the process and close its pipes."""
        self.process.kill()
        self.process.wait()
        self.thread.join()
        for stream in (self.process.stdin, self.process.stdout, self.errors):
            with suppress(BrokenPipeError):
                if stream is not None:
                    stream.close()


class _Pool(Generic[T]):
    """The workers of one run."""

    def __init__(self, requests: list[bytes], memory: int | None, items: Iterable[T]) -> None:
        self.requests = requests
        self.memory = memory
        self.fresh = iter(enumerate(items))
        self.again: deque[_Trial[T]] = deque()
        self.events: queue.SimpleQueue[tuple[_Worker[T], bytes, bytes]] = queue.SimpleQueue()
        self.workers: set[_Worker[T]] = set()
        self.failed_starts = 0

    def run(self, workers: int) -> Iterator[tuple[int, bytes | Failure]]:
        """Yield results until no item is left."""
        for _ in range(workers):
            if not self.wanted():
                break
            self.start()
        while self.workers:
            worker, letter, content = self.events.get()
            if worker not in self.workers:
                continue
            if letter == UNUSABLE:
                raise TokbenchError(content.decode())
            done = self.take(worker, letter, content)
            if done is not None:
                yield done

    def wanted(self) -> bool:
        """Return whether an item waits that no worker which is starting will take."""
        starting = sum(worker.trial is None for worker in self.workers)
        while len(self.again) <= starting:
            trial = next(self.fresh, None)
            if trial is None:
                return False
            self.again.append(_Trial(*trial))
        return True

    def take(self, worker: _Worker[T], letter: bytes, content: bytes) -> tuple[int, bytes | Failure] | None:
        """Take what a worker says, give it the next item, and return the result of the last one."""
        trial, worker.trial = worker.trial, None
        if letter == _ENDED:
            return self.replace(worker, trial)
        if letter == READY:
            worker.ready, self.failed_starts = True, 0
        self.dispatch(worker)
        if trial is None:
            return None
        return trial.number, (Failure(content.decode()) if letter == FAILURE else content)

    def dispatch(self, worker: _Worker[T]) -> None:
        """Give a worker the next item; end it if there is none."""
        if not self.again and (trial := next(self.fresh, None)) is not None:
            self.again.append(_Trial(*trial))
        if self.again:
            worker.send(self.again.popleft())
        else:
            self.workers.discard(worker)
            worker.end()

    def replace(self, worker: _Worker[T], trial: _Trial[T] | None) -> tuple[int, bytes | Failure] | None:
        """Start another worker for one that died; return its item's failure if it was tried often enough."""
        reason = worker.explain_end(self.memory)
        self.workers.discard(worker)
        worker.end()
        lost: tuple[int, bytes | Failure] | None = None
        if not worker.ready:
            self.failed_starts += 1
            if self.failed_starts > RETRIES:
                raise TokbenchError(f"no worker can start: {reason}", "try it without --executor")
        elif trial is not None and trial.tried < RETRIES:
            self.again.append(_Trial(trial.number, trial.item, trial.tried + 1))
        elif trial is not None:
            lost = trial.number, Failure(f"{reason} (tried {RETRIES + 1} times)")
        if self.wanted():
            self.start()
        return lost

    def start(self) -> None:
        """Start a worker, with a thread that passes on what it says."""
        errors = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "tokbench.executors._worker_process"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=environment_of_child(**SINGLE_THREADED),
                start_new_session=True,  # Ctrl-C is for this process alone
            )
        except OSError as error:
            raise TokbenchError(f"no worker can start: {error.strerror}", "use fewer --workers") from error
        worker: _Worker[T] = _Worker(process, errors)
        worker.thread = threading.Thread(target=self.listen, args=(worker,), daemon=True)
        self.workers.add(worker)
        worker.thread.start()

    def listen(self, worker: _Worker[T]) -> None:
        """Send the task to a worker and pass on its answers, then its end."""
        stdin, stdout = worker.process.stdin, worker.process.stdout
        assert stdin is not None
        assert stdout is not None
        with suppress(BrokenPipeError):
            for request in self.requests:
                write_frame(stdin, request)
            while letter := stdout.read(1):
                content = read_frame(stdout)
                if content is None or letter not in (READY, RESULT, FAILURE, UNUSABLE):
                    break
                self.events.put((worker, letter, content))
        self.events.put((worker, _ENDED, b""))

    def end(self) -> None:
        """End all workers."""
        for worker in self.workers:
            worker.process.kill()
        for worker in self.workers:
            worker.end()
