"""compare() on streams from Python."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tokbench as tb
from helpers.streams import write_stream
from tokbench.comparison import Comparison
from tokbench.errors import TokbenchError
from tokbench.executors import Failure, Task


class StopsAfter:
    """Is interrupted after some items."""

    def __init__(self, count: int) -> None:
        self.count = count

    def map(self, task: Task[Any], items: Iterable[Any]) -> Iterator[tuple[int, bytes | Failure]]:
        work = task.start(task.files)
        for number, item in enumerate(items):
            if number == self.count:
                raise KeyboardInterrupt
            yield number, work(item)

    def count_workers(self) -> int:
        return 1


def test_an_interruption_keeps_the_shards_that_are_finished(tmp_path: Path) -> None:
    stream = write_stream(tmp_path)
    kept: list[Callable[[], Comparison]] = []
    with pytest.raises(KeyboardInterrupt):
        tb.compare(
            ["utf8"], stream, throughput=False, bootstrap=None, executor=StopsAfter(2), on_interruption=kept.append
        )
    first = kept[0]()
    assert first.corpus.shards == 2
    assert first.corpus.segments == 80
    assert set(first.frame.filter(metric="bytes_per_token")["value"]) == {1.0}
    nothing: list[Callable[[], Comparison]] = []
    with pytest.raises(KeyboardInterrupt):
        tb.compare(["utf8"], stream, executor=StopsAfter(0), on_interruption=nothing.append)
    assert not nothing


def test_a_saved_comparison_of_a_stream_is_read_again(tmp_path: Path) -> None:
    result = tb.compare(["utf8"], write_stream(tmp_path / "texts"), throughput=False, bootstrap=None)
    result.save(tmp_path / "saved")
    again = tb.load(tmp_path / "saved")
    assert again.to_document() == result.to_document()
    assert again.corpus.shards == 6
    assert again.measurements is not None
    assert again.measurements.pooled


def test_a_whole_corpus_takes_no_executor() -> None:
    with pytest.raises(TokbenchError, match="executor is for streams, and texts is read as a whole"):
        tb.compare(["utf8"], {"en": ["a"]}, executor="local")
