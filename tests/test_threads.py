"""Work on threads: every item once with every group, whatever comes when, and an end that is one."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from threadpoolctl import threadpool_info

from tokbench.threads import cores_are_lent, hold_blas, lend_cores, share


@given(groups=st.integers(0, 6), items=st.integers(0, 9), threads=st.integers(1, 5))
def test_each_item_is_shared_once_with_each_group(groups: int, items: int, threads: int) -> None:
    calls: list[tuple[int, int]] = []
    share(lambda group, item: calls.append((group, item)), range(groups), range(items), threads)
    assert Counter(calls) == Counter((group, item) for group in range(groups) for item in range(items))


def test_a_thread_stays_with_its_group_and_helps_at_the_end() -> None:
    """Two threads that keep step: each has its own group; of the third, which is left, both take a half."""
    step = threading.Barrier(2)
    calls: list[tuple[str, int]] = []

    def work(group: str, item: int) -> None:
        step.wait(10)
        calls.append((group, threading.get_ident()))

    share(work, ["a", "b", "c"], range(4), threads=2)
    of = {group: {thread for name, thread in calls if name == group} for group in "abc"}
    assert len(of["a"]) == len(of["b"]) == 1
    assert of["a"] != of["b"]
    assert of["c"] == of["a"] | of["b"]


def test_groups_are_begun_as_they_come() -> None:
    begun = threading.Event()

    def groups() -> Iterator[str]:
        yield "early"
        assert begun.wait(10)
        yield "late"

    calls: list[str] = []

    def work(group: str, item: int) -> None:
        begun.set()
        calls.append(group)

    share(work, groups(), range(3), threads=2)
    assert Counter(calls) == {"early": 3, "late": 3}


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_error_ends_it(error: type[BaseException]) -> None:
    calls: list[int] = []

    def work(group: int, item: int) -> None:
        calls.append(item)
        if len(calls) == 3:
            raise error

    with pytest.raises(error):
        share(work, range(5), range(100), threads=2)
    assert len(calls) <= 4


def test_an_error_of_the_groups_ends_it() -> None:
    def groups() -> Iterator[int]:
        yield 1
        raise ValueError("cannot be loaded")

    with pytest.raises(ValueError, match="cannot be loaded"):
        share(lambda group, item: None, groups(), range(3), threads=2)


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


def test_cores_are_lent_for_a_while() -> None:
    assert not cores_are_lent()
    with lend_cores(), lend_cores():
        assert cores_are_lent()
    assert not cores_are_lent()
