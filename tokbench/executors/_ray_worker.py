"""What runs in a worker of a Ray cluster: it fetches the task and its files once, then works on items."""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tokbench._shared.cache_folder import find_cache_folder
from tokbench._shared.child import limit_memory
from tokbench._shared.files import replace_file
from tokbench.errors import TokbenchError
from tokbench.executors._limits import SINGLE_THREADED, share_memory
from tokbench.executors._protocol import Failure
from tokbench.executors._versions import describe_mismatch, list_versions


class MismatchError(Exception):
    """The versions of this worker are not the driver's; the message says which."""


@dataclass(frozen=True)
class StoredTask:
    """A task in Ray's object store.

    task: reference of the pickled task. files: name and reference of each file's content, by SHA-256.
    versions: those of the driver. workers: how many work on this machine. key: tells tasks apart.
    """

    key: str
    task: Any
    files: Mapping[str, tuple[str, Any]]
    versions: Mapping[str, str]


_STARTED: dict[str, Callable[[Any], bytes]] = {}
"""What works on items in this process, by the key of the task: the last one."""


def work_on(stored: StoredTask, item: bytes) -> bytes | Failure:
    """Work on a pickled item; raises MismatchError."""
    try:
        if stored.key not in _STARTED:
            _STARTED.clear()
            _STARTED[stored.key] = start(stored)
        return _STARTED[stored.key](pickle.loads(item))  # noqa: S301 - the driver's own
    except TokbenchError as error:
        return Failure(str(error))


def start(stored: StoredTask) -> Callable[[Any], bytes]:
    """Prepare this process: compare versions, limit threads and memory, fetch files, and start the task."""
    differing = describe_mismatch(stored.versions, list_versions())
    if differing:
        raise MismatchError(differing)
    import ray

    os.environ.update(SINGLE_THREADED)  # before the libraries that read them are imported
    memory = share_memory(count_slots(ray))
    if memory is not None:
        limit_memory(memory)
    files = {sha256: keep_file(ray, sha256, *file) for sha256, file in stored.files.items()}
    task = pickle.loads(ray.get(stored.task))  # noqa: S301 - the driver's own
    work: Callable[[Any], bytes] = task.start(files)
    return work


def count_slots(ray: Any) -> int:
    """Return how many workers this node has room for."""
    own = ray.get_runtime_context().get_node_id()
    cpus: Sequence[float] = [node["Resources"].get("CPU", 1) for node in ray.nodes() if node["NodeID"] == own]
    return max(1, int(cpus[0])) if cpus else 1


def keep_file(ray: Any, sha256: str, name: str, content: Any) -> Path:
    """Return the path of a file in this machine's cache, fetched if it is not there as it should be.

    content: the reference of its content.
    """
    path = find_cache_folder() / "shipped" / sha256 / name
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return path
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, ray.get(content))
    return path
