"""Tokenizers that are freed after their last use: few in memory at once, and the same results."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from pathlib import Path

import pytest

import tokbench as tb
from helpers.made import make_wordpiece
from tokbench import load_tokenizer
from tokbench.adapters import Tokenizer
from tokbench.adapters._freeable import FreeableTokenizer
from tokbench.adapters.selection import take_sample
from tokbench.comparison import _compare
from tokbench.corpora import ParallelCorpus
from tokbench.measurement import loading, measure
from tokbench.measurement._loading_budget import Budget, load_freeable
from tokbench.measurement.loading import start_loading

TEXTS = {"en": ["the dog", "a dog", "x"], "de": ["dog the", "q", "the"]}


def test_loads_wait_for_room_in_their_order() -> None:
    budget = Budget(10)
    budget.take(8)
    with ThreadPoolExecutor(2) as pool:
        large: Future[None] = pool.submit(budget.take, 9)
        while not budget._waiting:
            pass
        small = pool.submit(budget.take, 1)
        while len(budget._waiting) < 2:
            pass
        assert not large.done()
        assert not small.done()  # there is room, but it is not its turn
        budget.give(8)
        large.result()
        small.result()
        budget.give(10)
        budget.take(99)  # one is let in, whatever its size
        last = pool.submit(budget.take, 1)
        budget.close()
        with pytest.raises(CancelledError):
            last.result()


def test_a_load_that_fails_gives_its_room_back() -> None:
    budget = Budget(1)

    def fail() -> Tokenizer:
        raise ValueError("no file")

    for _ in range(2):
        with pytest.raises(ValueError, match="no file"):
            load_freeable(fail, 5, budget)


def test_a_freed_tokenizer_knows_what_it_has_encoded(tmp_path: Path) -> None:
    path = str(make_wordpiece(tmp_path))
    loads: list[str] = []

    def load() -> Tokenizer:
        loads.append(path)
        return load_tokenizer(path)

    freed: list[int] = []
    plain, tokenizer = load_tokenizer(path), FreeableTokenizer(load(), load, lambda: freed.append(1))
    texts = ["the dog", "dog", "zzz"]
    expected = tokenizer.encode_batch(texts)
    assert tokenizer.count_batch(["the"]).tolist() == plain.count_batch(["the"]).tolist()
    tokenizer.free()
    assert (tokenizer.freed, freed) == (True, [1])
    known = tokenizer.encode_batch(texts[:2])
    assert [ids.tolist() for ids in known] == [ids.tolist() for ids in expected][:2]
    assert tokenizer.count("zzz") == plain.count("zzz")
    assert tokenizer.token_bytes(3) == plain.token_bytes(3)
    assert (tokenizer.name, tokenizer.engine, len(tokenizer)) == (plain.name, plain.engine, len(plain))
    assert loads == [path]
    assert tokenizer.encode("the the") == plain.encode("the the")
    assert loads == [path] * 2
    assert not tokenizer.freed
    for name in ("special_tokens", "reserved_texts"):
        assert getattr(tokenizer, name)() == getattr(plain, name)()
    assert tokenizer.decode(tokenizer.encode("dog")) == plain.decode(plain.encode("dog"))
    assert repr(tokenizer) == repr(plain)


def test_each_tokenizer_is_freed_when_it_has_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading, "BUDGET", 1)  # one at a time
    corpus = ParallelCorpus.from_texts(TEXTS)
    pair = ["utf8", str(make_wordpiece(tmp_path))]
    with start_loading(pair, take_sample(corpus), freeable=True) as started:
        measured = measure(started, corpus)
        tokenizers = started.finish()
    assert all(isinstance(one, FreeableTokenizer) and one.freed for one in tokenizers)
    assert measured.vocab.height == sum(map(len, tokenizers))


def test_comparisons_do_not_depend_on_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = ["utf8", str(make_wordpiece(tmp_path))]
    kept = FreeableTokenizer.free
    freed: list[str] = []

    def free(tokenizer: FreeableTokenizer) -> None:
        freed.append(tokenizer.name)
        kept(tokenizer)

    monkeypatch.setattr(FreeableTokenizer, "free", free)
    one = tb.compare(pair, TEXTS, throughput=False)
    assert len(freed) == 2
    monkeypatch.setattr(_compare, "FREED_BYTES", 0)
    other = tb.compare(pair, TEXTS, throughput=False)
    assert len(freed) == 2
    assert one.frame.equals(other.frame)
    assert (one.examples, one.tokenizers) == (other.examples, other.tokenizers)
    monkeypatch.undo()
    assert tb.compare(pair, TEXTS, metrics=["strr_bare"]).frame.height
