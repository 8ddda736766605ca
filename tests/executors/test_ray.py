"""The executor ray on a cluster of one node, with workers that really die; skipped where Ray is not installed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers.data import ROOT
from helpers.executor_tasks import Commands
from helpers.streams import digest, write_stream
from tokbench.adapters import load_tokenizer
from tokbench.errors import TokbenchError
from tokbench.executors import Failure, open_executor
from tokbench.executors._versions import describe_mismatch, list_versions
from tokbench.executors.ray import RayExecutor, check_versions, describe, refuse_mismatch
from tokbench.measurement.needs import EVERYTHING
from tokbench.measurement.shard_task import ShardSettings
from tokbench.measurement.streams import measure_stream

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    paths = os.pathsep.join([str(ROOT / "tests"), str(ROOT)])
    ray.init(
        num_cpus=1,
        include_dashboard=False,
        log_to_driver=False,
        object_store_memory=100_000_000,
        runtime_env={"env_vars": {"PYTHONPATH": paths}},
    )
    yield
    ray.shutdown()


@pytest.mark.usefixtures("cluster")
def test_dead_workers_are_seen_and_the_rest_goes_on(tmp_path: Path) -> None:
    content = b"abc"
    (tmp_path / "vocab").write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    items = ["echo a", "once x", "abort", "refuse", "raise", f"read {sha256}"]
    found = dict(open_executor("ray").map(Commands(tmp_path, {sha256: tmp_path / "vocab"}), items))
    assert found == {
        0: b"a 1",
        1: b"x 1",
        2: Failure("its process ended unexpectedly (tried 3 times)"),
        3: Failure("the shard is damaged; download it again"),
        4: Failure("ValueError: nobody expects this (tried 3 times)"),
        5: b"vocab:abc",
    }


@pytest.mark.usefixtures("cluster")
def test_a_stream_has_the_counts_of_one_process(tmp_path: Path) -> None:
    stream = write_stream(tmp_path)
    settings = ShardSettings("whitespace", {"a": True, "b": True}, EVERYTHING)
    here = measure_stream([load_tokenizer("utf8")], stream, settings)
    there = measure_stream([load_tokenizer("utf8")], stream, settings, executor=open_executor("ray", 1))
    assert digest(there.measurements) == digest(here.measurements)
    assert there.sha256 == here.sha256


@pytest.mark.usefixtures("cluster")
def test_versions_of_the_nodes_are_those_of_the_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    check_versions(ray)
    here = {**list_versions(), "tokenizers": "0.0.1"}
    monkeypatch.setattr("tokbench.executors.ray.list_versions", lambda: here)
    with pytest.raises(TokbenchError, match=r"the workers must have .*: \S+ \(\w+\) has tokenizers \S+ \(here 0.0.1\)"):
        check_versions(ray)


def test_no_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: Any) -> None:
        raise ConnectionError("Could not find any running Ray instance. More text.\nAnd more.")

    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises(TokbenchError) as error:
        list(RayExecutor(None).map(Commands(Path()), ["echo a"]))
    assert "there is no Ray cluster here to connect to (Could not find any running Ray instance" in str(error.value)
    assert "\n" not in str(error.value)


def test_mismatches_are_named() -> None:
    assert describe_mismatch({"a": "1"}, {"a": "1"}) is None
    with pytest.raises(TokbenchError, match=r"node1 has a 2 \(here 1\); node2 has no a \(here 1\)"):
        refuse_mismatch({"node2": "no a (here 1)", "node1": "a 2 (here 1)"})


def test_panics_for_want_of_memory_are_named_so() -> None:
    assert describe(RuntimeError("Cannot allocate memory to hold CompactString")) == "it ran out of memory"
    assert describe(MemoryError()) == "it ran out of memory"
    assert describe(KeyError("a")) == "KeyError: 'a'"
