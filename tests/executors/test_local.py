"""The local executor with processes that really die."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers.data import ROOT
from helpers.executor_tasks import Commands, Unusable
from tokbench.errors import TokbenchError
from tokbench.executors import RETRIES, Failure, InProcess, open_executor
from tokbench.executors.local import LocalExecutor

KILLED = "its process was ended by SIGKILL"


def run(folder: Path, *items: str, workers: int = 2, memory: int | None = None) -> dict[int, bytes | Failure]:
    """All results by number; each number comes once."""
    found = list(LocalExecutor(workers, memory).map(Commands(folder), items))
    assert len(dict(found)) == len(found)
    return dict(found)


def test_results_come_with_their_numbers_and_one_thread_per_library(tmp_path: Path) -> None:
    expected = {number: f"{number} 1".encode() for number in range(7)}
    assert run(tmp_path, *(f"echo {n}" for n in range(7))) == expected


@pytest.mark.smoke
def test_dead_workers_are_seen_and_the_rest_goes_on(tmp_path: Path) -> None:
    items = ["echo a", "kill", "abort", "refuse", "once x", "raise", "exit", "echo z"]
    found = run(tmp_path, *items)
    assert found[0] == b"a 1"
    assert found[7] == b"z 1"
    assert found[4] == b"x 1"  # the second time
    reasons = {number: one.reason for number, one in found.items() if isinstance(one, Failure)}
    assert reasons.keys() == {1, 2, 3, 5, 6}
    assert reasons[1].startswith(KILLED)
    assert reasons[1].endswith("(tried 3 times)")
    assert reasons[2] == "its process was ended by SIGABRT (tried 3 times)"
    assert reasons[3] == "the shard is damaged; download it again"  # known: not tried again
    assert reasons[5] == "its process ended with status 1: ValueError: nobody expects this (tried 3 times)"
    assert reasons[6] == "its process ended with status 3 (tried 3 times)"


def test_an_item_is_tried_again_twice(tmp_path: Path) -> None:
    assert isinstance(run(tmp_path, "count x", workers=1)[0], Failure)
    assert len(list(tmp_path.glob("x.*"))) == RETRIES + 1


@pytest.mark.skipif(os.name != "posix", reason="limits of memory are POSIX's")
def test_too_much_memory_is_named(tmp_path: Path) -> None:
    found = run(tmp_path, "hold 4000", "echo b", workers=1, memory=1 << 30)
    assert found == {0: Failure("it ran out of memory within 1 GiB (tried 3 times)"), 1: b"b 1"}


def test_no_worker_can_start() -> None:
    with pytest.raises(TokbenchError, match=r"^no tokenizer here$"):
        list(LocalExecutor(2).map(Unusable(dies=False), ["a", "b", "c"]))
    with pytest.raises(TokbenchError, match="no worker can start: its process was ended by SIGABRT"):
        list(LocalExecutor(2).map(Unusable(dies=True), ["a", "b", "c"]))


@pytest.mark.skipif(sys.platform != "linux", reason="processes are listed in /proc")
def test_closing_ends_the_workers(tmp_path: Path) -> None:
    others = set(list_children())  # of other tests
    results = LocalExecutor(1).map(Commands(tmp_path), (f"echo {n}" for n in range(1000)))
    assert next(results) == (0, b"0 1")
    children = set(list_children()) - others
    assert children
    results.close()  # type: ignore[attr-defined]
    assert not children & set(list_children())


def list_children() -> list[str]:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()


def test_files_are_found_by_hash(tmp_path: Path) -> None:
    path = tmp_path / "vocab"
    path.write_bytes(b"abc")
    task = Commands(tmp_path, {"00": path})
    for executor in (LocalExecutor(1), InProcess()):
        assert list(executor.map(task, ["read 00"])) == [(0, b"vocab:abc")]


def test_no_items_no_workers(tmp_path: Path) -> None:
    assert run(tmp_path) == {}


def test_in_this_process(tmp_path: Path) -> None:
    found = dict(InProcess().map(Commands(tmp_path), ["refuse", "read 00"][:1]))
    assert found == {0: Failure("the shard is damaged; download it again")}


@pytest.mark.parametrize(
    ("name", "workers", "says"),
    [
        ("locl", None, "no executor is called 'locl'; did you mean 'local'?"),
        ("local", 0, "0 workers are requested; request at least 1"),
        ("local://here", None, "the executor local takes no address"),
    ],
)
def test_executors_are_named(name: str, workers: int | None, says: str) -> None:
    with pytest.raises(TokbenchError) as error:
        open_executor(name, workers)
    assert str(error.value).startswith(says)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are listed in /proc")
def test_workers_end_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, itertools; from pathlib import Path; from helpers.executor_tasks import Commands; "
        "from tokbench.executors.local import LocalExecutor; "
        f"items = (f'echo {{n}}' for n in itertools.count()); task = Commands(Path({str(tmp_path)!r})); "
        "[print(number, flush=True) for number, _ in LocalExecutor(1).map(task, items)]"
    )
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    driver = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    assert driver.stdout is not None
    assert driver.stdout.readline() == b"0\n"
    children = Path(f"/proc/{driver.pid}/task/{driver.pid}/children").read_text(encoding="ascii").split()
    assert children
    driver.kill()
    driver.communicate()
    for child in children:
        while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
            time.sleep(0.01)
