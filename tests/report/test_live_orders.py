"""Tokenizers that come and go while others load or encode: nobody waits, and none is taken for another."""

from __future__ import annotations

import json
import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tokbench as tb
from helpers.served import load_in_time
from tokbench._shared.environment import count_cores
from tokbench.report.live import Wanted, Worker, _process, _worker
from tokbench.report.live._encoding import Encoded, Kept, answer
from tokbench.report.live._process import LONGEST_FAULT, explain
from tokbench.report.live._question import Question


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    one = Worker(load_in_time)
    one.start()
    yield one
    one.close()


def count(worker: Worker, name: str) -> Any:
    """Return the tokens of "ab" by a tokenizer, or why it has none."""
    body = json.dumps({"text": "ab", "tokenizers": [name]}).encode()
    (result,) = json.loads(worker.ask(body).content)["results"]
    return result.get("tokens", result.get("error"))


def test_tokenizers_come_and_go_while_a_text_never_ends(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Orders to a process that reads nothing would fill its pipe, and whoever sends them would wait."""
    monkeypatch.setattr(worker, "_limit", 600.0)
    worker.add(Wanted("utf8", "utf8"))
    worker.wait(60)
    replies: list[Any] = []
    body = json.dumps({"text": "hang", "tokenizers": ["utf8"]}).encode()
    asking = threading.Thread(target=lambda: replies.append(worker.ask(body)))
    asking.start()
    for number in range(1000):
        worker.add(Wanted(f"other-{number}", "utf8"))
        worker.remove(f"other-{number}")
    worker.add(Wanted("other", "utf8"))
    assert [one.name for one in worker.list()] == ["utf8", "other"]
    worker._drop(worker._process)
    asking.join()
    assert replies[0].status == 503
    assert [one.state for one in worker.wait(60)] == ["ready", "ready"]
    for name in ("utf8", "other"):
        worker.remove(name)


def test_what_is_removed_while_it_loads_is_not_taken_for_its_successor(worker: Worker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    worker.add(Wanted("one", f"{gate}:utf8"))
    worker.remove("one")
    worker.add(Wanted("one", "byt5"))
    (listed,) = worker.wait(60)
    assert (listed.state, listed.vocabulary) == ("ready", tb.load_tokenizer("byt5").vocab_total)
    gate.touch()
    worker.add(Wanted("two", "utf8"))
    worker.wait(60)
    assert (worker.list()[0], count(worker, "one"), count(worker, "two")) == (listed, 2, 2)
    for name in ("one", "two"):
        worker.remove(name)


def test_what_waits_for_its_turn_can_be_removed(worker: Worker, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    names = [f"slow-{number}" for number in range(count_cores() + 3)]
    for name in names:
        worker.add(Wanted(name, f"{gate}:utf8"))
    for name in names:
        worker.remove(name)
    worker.add(Wanted("next", "utf8"))
    gate.touch()
    assert [(one.name, one.state) for one in worker.wait(60)] == [("next", "ready")]
    worker.remove("next")


def test_failed_ones_are_not_listed_for_ever(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_worker, "MOST_LISTED", 3)
    for number in range(6):
        worker.add(Wanted(f"nobody-{number}", "nobody"))
        worker.wait(60)
    assert [one.name for one in worker.list()] == ["nobody-3", "nobody-4", "nobody-5"]
    for listed in worker.list():
        worker.remove(listed.name)


def test_memory_of_what_is_removed_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    returned: list[int] = []
    monkeypatch.setattr(_process, "release_freed", lambda: returned.append(1))
    ours, theirs = multiprocessing.Pipe()
    process = _process._Process(theirs, load_in_time)
    process.want([_process.Numbered(1, Wanted("utf8", "utf8"))])
    assert ours.recv().listed.state == "ready"
    assert returned == []
    process.want([])
    assert returned == [1]
    ours.close()
    theirs.close()


def test_a_second_text_kept_is_that_of_the_same_tokenizer() -> None:
    kept: Kept = {}

    def ask(tokenizer: Any) -> Any:
        question = Question.read({"text": "a", "second": "ab", "tokenizers": ["x"]})
        (found,) = answer(question, {"x": tokenizer}, kept)
        assert isinstance(found, Encoded)
        return [piece.id for piece in found.second.cut.pieces] if found.second else None

    utf8, byt5 = (tb.load_tokenizer(name, name="x") for name in ("utf8", "byt5"))
    assert (ask(utf8), ask(byt5), ask(utf8)) == ([97, 98], [100, 101], [97, 98])


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (FileNotFoundError(2, "No such file or directory", "/somewhere/secret"), "No such file or directory"),
        (MemoryError(), "not enough memory"),
        (ValueError("odd\x1b[31m"), "ValueError: odd\\x1b[31m"),
        (tb.TokbenchError("x" * 9999, "hint"), "x…"),
    ],
)
def test_faults_are_short_and_name_no_file(error: Exception, says: str) -> None:
    fault = explain(error)
    assert says in fault
    assert "secret" not in fault
    assert len(fault) <= LONGEST_FAULT + 1


def test_a_slow_answer_while_tokenizers_load_costs_none_of_them(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine, loading may take the processor from the answer: neither is at fault."""
    monkeypatch.setattr(worker, "_limit", 0.2)
    monkeypatch.setattr(_worker, "PATIENCE", 2)
    gate = tmp_path / "gate"
    worker.add(Wanted("utf8", "utf8"))
    worker.wait(60)
    worker.add(Wanted("slow", f"{gate}:byt5"))
    reply = worker.ask(json.dumps({"text": "hang", "tokenizers": ["utf8"]}).encode())
    assert (reply.status, json.loads(reply.content)["culprits"]) == (503, ["utf8"])
    assert {one.state for one in worker.list()} == {"loading"}
    gate.touch()
    monkeypatch.setattr(worker, "_limit", 60.0)
    assert [(one.name, one.state) for one in worker.wait(60)] == [("utf8", "ready"), ("slow", "ready")]
    assert count(worker, "slow") == 2
