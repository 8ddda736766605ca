"""A Ray cluster: each item is a core task, which is submitted again if its worker or its node dies.

Ray would do that by itself (`max_retries`), but out of memory it tries for ever by default, and it does not say why a
worker died each time; so tasks are submitted with `max_retries=0`, and counted here.
"""

from __future__ import annotations

import hashlib
import logging
import pickle
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Generic, TypeVar

from tokbench._shared.child import describe_end
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.executors._protocol import RETRIES, Failure, Task
from tokbench.executors._versions import describe_mismatch, list_versions

T = TypeVar("T")

_PATIENCE = 10.0
"""Seconds without a result after which the cluster is asked whether it still has workers."""
_PRINTS = "_worker_logs_enabled"
_AHEAD = 1.25
"""Tasks in the cluster per worker, so that none waits for the driver."""


def open_executor(address: str | None, workers: int | None) -> RayExecutor:
    """Return the executor; MissingExtraError if Ray is not installed.

    address: `HOST:PORT`, `ray://HOST:PORT`, or None for the cluster that RAY_ADDRESS names or that runs here.
    """
    load_ray()
    return RayExecutor(address, workers)


def load_ray() -> ModuleType:
    """Import Ray; MissingExtraError if it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray", "the executor ray") from error
    module: ModuleType = ray
    return module


@dataclass(frozen=True)
class RayExecutor:
    """Works on items in the workers of a cluster.

    workers: tasks in the cluster at a time; by default, one per core and a few that wait.
    """

    address: str | None
    workers: int | None = None

    def map(self, task: Task[T], items: Iterable[T]) -> Iterator[tuple[int, bytes | Failure]]:
        """Yield results as they come; see `Executor.map`.

        Raises TokbenchError also for a cluster that cannot be reached, and for workers with other versions.
        """
        ray = load_ray()
        with connect(ray, self.address):
            check_versions(ray)
            run: _Run[T] = _Run(ray, task, items)
            try:
                yield from run.finish(lambda: self.count_tasks(ray))
            finally:
                run.cancel()

    def count_tasks(self, ray: Any) -> int:
        """Return how many tasks are to be in the cluster."""
        return self.workers or max(1, round(_AHEAD * count_cpus(ray)))

    def count_workers(self) -> int:
        """Return how many tasks run at a time."""
        if self.workers is not None:
            return self.workers
        ray = load_ray()
        with connect(ray, self.address):
            return count_cpus(ray)


@contextmanager
def connect(ray: Any, address: str | None) -> Iterator[None]:
    """Be connected to a cluster; to the one that this program already uses, if any.

    Raises TokbenchError if it cannot be reached.
    """
    if ray.is_initialized():
        yield
        return
    try:
        ray.init(address=address or "auto", log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
        named = f"at {address}" if address else "here"
        reason = str(error).strip().partition("\n")[0].rstrip(".")
        raise TokbenchError(
            f"there is no Ray cluster {named} to connect to ({reason})", "start one with `ray start --head`"
        ) from error
    try:
        with silence():
            yield
    finally:
        ray.shutdown()


@contextmanager
def silence() -> Iterator[None]:
    """Keep Ray from printing to standard output, where results go, that a worker died: it is counted here."""
    module: Any = sys.modules.get("ray._private.worker")
    before = getattr(module, _PRINTS, None)
    if before is None:  # another version, which has no such switch
        yield
        return
    setattr(module, _PRINTS, False)
    try:
        yield
    finally:
        setattr(module, _PRINTS, before)


def count_cpus(ray: Any) -> int:
    """Return how many tasks the cluster can run at a time."""
    return int(ray.cluster_resources().get("CPU", 0))


SHORT = 8
"""Digits of a node's number in messages."""


def check_versions(ray: Any) -> None:
    """Raise TokbenchError, in one line, if any node has not the driver's versions of tokbench and of the engines."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    def look() -> dict[str, str]:  # sent by value: tokbench may be missing there, or another
        import importlib.util

        if importlib.util.find_spec("tokbench") is None:
            return {}
        if importlib.util.find_spec("tokbench.executors") is None:
            import tokbench

            return {"tokbench": tokbench.__version__}
        from tokbench.executors._versions import list_versions as list_there

        return list_there()

    remote = ray.remote(look)
    asked = {
        f"{node['NodeManagerHostname']} ({node['NodeID'][:SHORT]})": remote.options(
            num_cpus=0,
            max_retries=RETRIES,
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=True),
        ).remote()
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU", 0)
    }
    here = list_versions()
    try:
        found = {name: describe_mismatch(here, ray.get(reference)) for name, reference in asked.items()}
    except ray.exceptions.RayError as error:
        raise TokbenchError(f"the cluster does not say its versions ({describe(error)})", "look at its logs") from error
    refuse_mismatch({name: differing for name, differing in found.items() if differing})


def refuse_mismatch(differing: dict[str, str]) -> None:
    """Raise TokbenchError if any node's versions differ; by node, what differs."""
    if differing:
        where = "; ".join(f"{name} has {versions}" for name, versions in sorted(differing.items()))
        raise TokbenchError(
            f"the workers must have the versions of this process: {where}", "install the same on all of them"
        )


OUT_OF_MEMORY = "it ran out of memory"

_DEATHS = {
    "MemoryError": OUT_OF_MEMORY,
    "NodeDiedError": "its node died",
    "OutOfMemoryError": "it ran out of memory: its node was nearly full",
    "WorkerCrashedError": "its process ended unexpectedly",
}
"""What names of errors mean that come from Ray or from a task."""


def describe(error: Exception) -> str:
    """Return why a task failed, in one line."""
    cause = getattr(error, "cause", None) or error
    lines = [line.strip() for line in str(cause).splitlines() if line.strip()]
    kind = type(cause).__name__
    named = next((name for name in _DEATHS if kind == name or kind.endswith(f"({name})")), None)
    if named is None and OUT_OF_MEMORY in describe_end(1, str(cause)):  # in the words of some library
        named = "MemoryError"
    if named is not None:
        return _DEATHS[named]
    return f"{kind}: {lines[0]}" if lines else kind


@dataclass(frozen=True)
class _Trial:
    """A pickled item, its number, and how often it was tried before."""

    number: int
    item: bytes
    tried: int = 0


class _Run(Generic[T]):
    """The tasks of one run."""

    def __init__(self, ray: Any, task: Task[T], items: Iterable[T]) -> None:
        from tokbench.executors._ray_worker import StoredTask, work_on

        self.ray = ray
        content = pickle.dumps(task)
        stored = StoredTask(
            key=hashlib.sha256(content).hexdigest(),
            task=ray.put(content),
            files={sha256: (path.name, ray.put(path.read_bytes())) for sha256, path in task.files.items()},
            versions=list_versions(),
        )
        self.stored = stored
        self.holder = ray.put(stored)
        self.work = ray.remote(work_on).options(num_cpus=1, max_retries=0)
        self.fresh = ((number, pickle.dumps(item)) for number, item in enumerate(items))
        self.again: deque[_Trial] = deque()
        self.running: dict[Any, _Trial] = {}

    def finish(self, count_tasks: Callable[[], int]) -> Iterator[tuple[int, bytes | Failure]]:
        """Yield results until no item is left."""
        most = count_tasks()
        while True:
            while len(self.running) < most and (trial := self.pick()) is not None:
                self.running[self.work.remote(self.holder, trial.item)] = trial
            if not self.running:
                return
            ready, _ = self.ray.wait(list(self.running), timeout=_PATIENCE)
            if not ready:
                most = count_tasks()
                if not count_cpus(self.ray):
                    raise TokbenchError("the cluster has no workers left", "start some, and run it again with --resume")
            for reference in ready:
                done = self.take(reference)
                if done is not None:
                    yield done

    def pick(self) -> _Trial | None:
        """Return the next item; None if there is none."""
        if self.again:
            return self.again.popleft()
        following = next(self.fresh, None)
        return None if following is None else _Trial(*following)

    def take(self, reference: Any) -> tuple[int, bytes | Failure] | None:
        """Return the result of a task that has ended; None if it is tried again."""
        trial = self.running.pop(reference)
        try:
            result: bytes | Failure = self.ray.get(reference)
        except self.ray.exceptions.RayError as error:
            if type(getattr(error, "cause", None)).__name__ == "MismatchError":
                refuse_mismatch({"a worker": str(error.cause)})
            if trial.tried < RETRIES:
                self.again.append(_Trial(trial.number, trial.item, trial.tried + 1))
                return None
            result = Failure(f"{describe(error)} (tried {RETRIES + 1} times)")
        return trial.number, result

    def cancel(self) -> None:
        """End all tasks."""
        for reference in self.running:
            self.ray.cancel(reference, force=True)
