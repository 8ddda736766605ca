"""Work on threads: every item once with every group, whatever comes when, and an end that is one."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokbench import load_corpus, load_tokenizer
from tokbench._shared.threads import cores_are_lent, lend_cores, share
from tokbench.adapters import EncodedBatch
from tokbench.measurement import measure


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


def test_cores_are_lent_for_a_while_and_to_one_thread() -> None:
    def ask_elsewhere() -> bool:
        with ThreadPoolExecutor(1) as pool:
            return pool.submit(cores_are_lent).result()

    assert not cores_are_lent()
    with lend_cores(), lend_cores():
        assert cores_are_lent()
        assert not ask_elsewhere()
    assert not cores_are_lent()


@pytest.mark.parametrize(("threads", "lent"), [(None, {True}), (1, {False}), (2, {False})])
def test_measuring_lends_cores_unless_threads_are_given(
    monkeypatch: pytest.MonkeyPatch, threads: int | None, lent: set[bool]
) -> None:
    tokenizer, corpus = load_tokenizer("utf8"), load_corpus(languages=["en", "zh"], segments=20)
    encode, found, elsewhere = tokenizer.encode_batch, set(), set()

    def ask(texts: Sequence[str]) -> EncodedBatch:
        found.add(cores_are_lent())
        return encode(texts)

    monkeypatch.setattr(tokenizer, "encode_batch", ask)
    measure([tokenizer], corpus, threads=threads, on_step=lambda name, lang, size: elsewhere.add(cores_are_lent()))
    assert found == lent
    assert elsewhere == {False}


@pytest.mark.parametrize("before", [None, "true", "false"])
def test_threads_that_measure_at_once_leave_the_environment_as_it_was(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    """The first begins, the second begins, the first ends, the second ends."""
    monkeypatch.delenv("TOKENIZERS_PARALLELISM", raising=False)
    if before is not None:
        monkeypatch.setenv("TOKENIZERS_PARALLELISM", before)
    tokenizer, corpus = load_tokenizer("utf8"), load_corpus(languages=["en"], segments=20)
    first_begun, second_begun, first_ended = (threading.Event() for _ in range(3))
    seen: list[str | None] = []
    environment = dict(os.environ)

    def measure_first() -> None:
        def wait(name: str, lang: str, size: int) -> None:
            first_begun.set()
            assert second_begun.wait(60)

        measure([tokenizer], corpus, on_step=wait)
        first_ended.set()

    def measure_second() -> None:
        def wait(name: str, lang: str, size: int) -> None:
            second_begun.set()
            assert first_ended.wait(60)
            seen.append(os.environ.get("TOKENIZERS_PARALLELISM"))

        assert first_begun.wait(60)
        measure([tokenizer], corpus, on_step=wait)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(measure_first), pool.submit(measure_second)]:
            done.result()
    assert seen == ["false"]
    assert dict(os.environ) == environment
