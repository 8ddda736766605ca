"""Settings of the whole process: counted by holders, undone afterwards, or left to the command."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from helpers import made
from tokbench import __main__
from tokbench._shared.process import allow_trimming, hold_blas, pause_collector, release_freed, set_variable

GLIBC = sys.platform == "linux" and os.confstr("CS_GNU_LIBC_VERSION") is not None


def test_blas_is_held_to_one_thread_for_a_while() -> None:
    def threads() -> list[int]:
        return [int(pool["num_threads"]) for pool in threadpool_info() if pool["user_api"] == "blas"]

    before = threads()
    with hold_blas():
        with hold_blas():
            assert set(threads()) <= {1}
        assert set(threads()) <= {1}
        assert np.array_equal(np.eye(3) @ np.eye(3), np.eye(3))
    assert threads() == before


@pytest.mark.parametrize(("before", "keep", "during"), [(None, True, "1"), ("2", True, "2"), ("2", False, "1")])
def test_a_variable_is_restored(monkeypatch: pytest.MonkeyPatch, before: str | None, keep: bool, during: str) -> None:
    monkeypatch.delenv("TOKBENCH_TEST", raising=False)
    if before is not None:
        monkeypatch.setenv("TOKBENCH_TEST", before)
    with set_variable("TOKBENCH_TEST", "1", keep=keep):
        assert os.environ["TOKBENCH_TEST"] == during
    assert os.environ.get("TOKBENCH_TEST") == before


def test_the_collector_runs_again_when_nobody_pauses_it() -> None:
    assert gc.isenabled()
    first, second = pause_collector(), pause_collector()
    with first:
        with second:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


@pytest.mark.skipif(not GLIBC, reason="only glibc trims its heap")
def test_only_a_command_trims_the_heap(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not release_freed()
    with allow_trimming():
        assert release_freed()
    assert not release_freed()
    trimmed: list[bool] = []
    monkeypatch.setattr("tokbench.cli.app", lambda **_: trimmed.append(release_freed()))
    with pytest.raises(SystemExit, match="0"):
        __main__.main()
    assert trimmed == [True]


SCRIPT = """
import os, sys
import tokbench as tb
tokenizer = tb.load_tokenizer(sys.argv[1], engine="fastokens")
threads = len(os.listdir("/proc/self/task"))
for _ in range(2):
    tokenizer.encode_batch([f"text {i} " * 50 for i in range(2000)])
print("FASTOKENS_BPE_THREADS" in os.environ, len(os.listdir("/proc/self/task")) - threads)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_fastokens_has_one_thread_and_leaves_the_environment(tmp_path: Path) -> None:
    pytest.importorskip("fastokens")
    environment = {name: value for name, value in os.environ.items() if name != "FASTOKENS_BPE_THREADS"}
    command = [sys.executable, "-c", SCRIPT, str(made.make_vocab_and_merges(tmp_path))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "0"]
