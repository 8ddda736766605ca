"""Streams measured shard by shard: equal counts whatever the executor and the order; nothing is measured twice."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers.streams import digest, write_stream
from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.corpora import Shard, Stream
from tokbench.errors import EngineError, TokbenchError
from tokbench.executors import Failure, Task
from tokbench.executors.local import LocalExecutor
from tokbench.measurement.id_sums import IdSum, read_histogram
from tokbench.measurement.needs import EVERYTHING, Needs
from tokbench.measurement.resume import ResultFolder
from tokbench.measurement.shard_results import format_shard, parse_shard
from tokbench.measurement.shard_task import ShardSettings, ShippedTokenizer, count_shard, identify
from tokbench.measurement.streams import (
    InterruptedStreamError,
    MergingTree,
    StreamMeasurements,
    count_rows,
    measure_stream,
)

SETTINGS = ShardSettings("whitespace", {"a": True, "b": True}, EVERYTHING)


@dataclass
class Recorded:
    """Works here, in a given order; remembers the shards."""

    order: Callable[[list[tuple[int, Shard]]], list[tuple[int, Shard]]] = list
    change: Callable[[int, bytes | Failure], bytes | Failure] = lambda _, content: content
    seen: list[int] = field(default_factory=list)

    def map(self, task: Task[Any], items: Iterable[Any]) -> Iterator[tuple[int, bytes | Failure]]:
        work = task.start(task.files)
        for number, item in self.order(list(enumerate(items))):
            self.seen.append(item.number)
            yield number, self.change(item.number, work(item))

    def count_workers(self) -> int:
        return 1


@pytest.fixture(scope="module")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Stream:
    return write_stream(tmp_path_factory.mktemp("stream"))


@pytest.fixture(scope="module")
def tokenizers(stream: Stream, tmp_path_factory: pytest.TempPathFactory) -> list[Tokenizer]:
    from helpers.made import make_tokenizer_json

    return [load_tokenizer("utf8"), load_tokenizer(make_tokenizer_json(tmp_path_factory.mktemp("made")))]


@pytest.fixture(scope="module")
def whole(stream: Stream, tokenizers: list[Tokenizer]) -> StreamMeasurements:
    return measure_stream(tokenizers, stream, SETTINGS)


def same(one: StreamMeasurements, other: StreamMeasurements) -> bool:
    return (digest(one.measurements), one.sha256, one.bytes, one.segments, one.read) == (
        *(digest(other.measurements), other.sha256, other.bytes, other.segments, other.read),
    )


def test_totals_are_those_of_the_texts(stream: Stream, whole: StreamMeasurements) -> None:
    texts = [line for shard in stream.shards for line in Path(shard.file).read_text(encoding="utf-8").split("\n")[:-1]]
    assert whole.segments == len(texts) == 240
    assert whole.bytes == whole.measurements.texts["bytes"].sum()
    utf8 = whole.measurements.counts.filter(pl.col("tokenizer") == "utf8")
    assert utf8["tokens"].sum() == whole.bytes
    assert whole.measurements.ids["count"].sum() == whole.measurements.counts["tokens"].sum()
    assert whole.read == 6
    assert not whole.missing


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_the_same(
    workers: int, stream: Stream, tokenizers: list[Tokenizer], whole: StreamMeasurements
) -> None:
    assert same(measure_stream(tokenizers, stream, SETTINGS, executor=LocalExecutor(workers)), whole)


@pytest.mark.parametrize("seed", range(3))
def test_any_order_gives_the_same(
    seed: int, stream: Stream, tokenizers: list[Tokenizer], whole: StreamMeasurements
) -> None:
    shuffled = Recorded(lambda items: random.Random(seed).sample(items, len(items)))
    assert same(measure_stream(tokenizers, stream, SETTINGS, executor=shuffled), whole)


def test_only_what_is_missing_is_measured(
    tmp_path: Path, stream: Stream, tokenizers: list[Tokenizer], whole: StreamMeasurements
) -> None:
    folder = tmp_path / "results"

    def stop(number: int, content: bytes | Failure) -> bytes | Failure:
        if number == 3:
            raise KeyboardInterrupt
        return content

    with pytest.raises(InterruptedStreamError) as interruption:
        measure_stream(tokenizers, stream, SETTINGS, executor=Recorded(change=stop), resume=folder)
    first = interruption.value.finish()
    assert first is not None
    assert first.read == 3
    assert first.segments == 120
    again = Recorded()
    assert same(measure_stream(tokenizers, stream, SETTINGS, executor=again, resume=folder), whole)
    assert again.seen == [3, 4, 5]
    nothing = Recorded()
    assert same(measure_stream(tokenizers, stream, SETTINGS, executor=nothing, resume=folder), whole)
    assert nothing.seen == []


def test_damaged_results_are_measured_again(tmp_path: Path, stream: Stream, tokenizers: list[Tokenizer]) -> None:
    folder = ResultFolder(tmp_path, identify(tokenizers, SETTINGS))
    measure_stream(tokenizers, stream, SETTINGS, resume=tmp_path)
    paths = [folder.find(shard) for shard in stream.shards]
    content = paths[1].read_bytes()
    paths[1].write_bytes(content[:-9] + b"\0" + content[-8:])
    paths[2].write_bytes(content[:100])
    paths[4].unlink()
    again = Recorded()
    measure_stream(tokenizers, stream, SETTINGS, executor=again, resume=tmp_path)
    assert again.seen == [1, 2, 4]
    assert paths[1].read_bytes() == content


def test_a_file_that_changed_is_measured_again(tmp_path: Path, tokenizers: list[Tokenizer]) -> None:
    stream = write_stream(tmp_path / "texts", files=2)
    measure_stream(tokenizers, stream, SETTINGS, resume=tmp_path / "results")
    path = Path(stream.shards[1].file)
    text = path.read_bytes()
    path.write_bytes(text.replace(b"fox", b"dog"))
    again = Recorded()
    changed = measure_stream(tokenizers, stream, SETTINGS, executor=again, resume=tmp_path / "results")
    assert again.seen == [1]
    assert same(changed, measure_stream(tokenizers, stream, SETTINGS))


def test_a_folder_of_another_run_is_refused(tmp_path: Path, stream: Stream, tokenizers: list[Tokenizer]) -> None:
    measure_stream(tokenizers, stream, SETTINGS, resume=tmp_path / "results")
    other = replace(SETTINGS, needs=Needs(words=False))
    with pytest.raises(TokbenchError, match="is of a run with another value of needs; name another folder"):
        measure_stream(tokenizers, stream, other, resume=tmp_path / "results")
    with pytest.raises(TokbenchError, match="another value of tokenizers"):
        measure_stream(tokenizers[:1], stream, SETTINGS, resume=tmp_path / "results")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").touch()
    with pytest.raises(TokbenchError, match=r"holds other files \(notes.txt\)"):
        measure_stream(tokenizers, stream, SETTINGS, resume=tmp_path / "mine")


def test_bad_shards_are_named_and_the_rest_goes_on(stream: Stream, tokenizers: list[Tokenizer]) -> None:
    def lose(number: int, content: bytes | Failure) -> bytes | Failure:
        return {1: Failure("it ran out of memory"), 4: b"nonsense"}.get(number, content)

    found = measure_stream(tokenizers, stream, SETTINGS, executor=Recorded(change=lose))
    assert [(one.name, one.reason) for one in found.missing] == [
        (stream.shards[1].name, "it ran out of memory"),
        (stream.shards[4].name, "its result came damaged"),
    ]
    assert found.read == 4
    assert found.segments == 160
    every = Recorded(change=lambda *_: Failure("no such file"))
    with pytest.raises(TokbenchError, match=r"no shard of .* can be measured: part00/a.txt: no such file"):
        measure_stream(tokenizers, stream, SETTINGS, executor=every)


@dataclass(frozen=True)
class FailsOn:
    """A tokenizer that fails on texts with a word."""

    tokenizer: Tokenizer
    word: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.tokenizer, name)

    def encode_batch(self, texts: list[str]) -> Any:
        for text in texts:
            if self.word in text:
                raise EngineError(self.tokenizer.name, "encode", "it panics", None, text=text)
        return self.tokenizer.encode_batch(texts)

    encode_located = encode_batch


def test_a_tokenizer_that_fails_on_a_text_is_left_out(tmp_path: Path, tokenizers: list[Tokenizer]) -> None:
    stream = write_stream(tmp_path, files=3)
    path = Path(stream.shards[1].file)
    path.write_bytes(path.read_bytes().replace(b"fox", b"box"))
    shards = [replace(shard, size=Path(shard.file).stat().st_size) for shard in stream.shards]
    fails: Any = FailsOn(tokenizers[1], "box")
    for order in itertools.permutations(range(3)):
        arranged = replace(stream, shards=tuple(shards[place] for place in order))
        found = measure_stream([tokenizers[0], fails], arranged, SETTINGS)
        assert found.measurements.tokenizers["tokenizer"].to_list() == ["utf8"]
        assert found.read == 3
        (fault,) = found.faults
        assert fault.tokenizer == tokenizers[1].name
        assert "part01/b.txt" in fault.task
    with pytest.raises(EngineError, match="it panics"):
        measure_stream([fails], stream, SETTINGS)


def test_results_are_sealed(stream: Stream, tokenizers: list[Tokenizer]) -> None:
    content = count_shard(tokenizers, SETTINGS, stream.shards[0])
    counted = parse_shard(content)
    assert counted is not None
    again = parse_shard(content)
    assert again is not None
    assert format_shard(again) == format_shard(counted)
    for place in (0, 30, 90, 200, len(content) - 1):
        assert parse_shard(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]) is None
    assert parse_shard(b"") is None


def test_a_shard_without_text_counts_nothing(tmp_path: Path, tokenizers: list[Tokenizer]) -> None:
    stream = write_stream(tmp_path, files=2)
    Path(stream.shards[1].file).write_text("\n \n\n")
    found = measure_stream(tokenizers, stream, SETTINGS)
    assert found.read == 2
    assert not found.missing
    assert found.segments == 40


def test_words_are_known_in_all_shards_of_a_group_or_in_none(tmp_path: Path, tokenizers: list[Tokenizer]) -> None:
    stream = write_stream(tmp_path, files=4)
    Path(stream.shards[2].file).write_text("\u4e2d\u6587\u4e2d\u6587\n" * 9, encoding="utf-8")  # of group a
    found = measure_stream(tokenizers, stream, replace(SETTINGS, spaced={}))
    by_group = found.measurements.texts.group_by("lang").agg(pl.col("words").null_count() / pl.len())
    assert dict(by_group.cast({"lang": pl.String}).iter_rows()) == {"a": 1.0, "b": 0.0}


def test_the_tree_holds_little(stream: Stream, tokenizers: list[Tokenizer]) -> None:
    results = [parse_shard(count_shard(tokenizers, SETTINGS, shard)) for shard in stream.shards]
    parts = [one.result.measurements for one in results if one is not None and one.result is not None]
    tree = MergingTree()
    for part in parts * 5:
        tree.add(part)
        sizes = [count_rows(held) for held in tree.parts]
        assert all(one > 2 * other for one, other in itertools.pairwise(sizes))
    total = tree.total()
    assert total is not None
    assert total.counts["tokens"].sum() == 5 * sum(part.counts["tokens"].sum() for part in parts)


def test_objects_cannot_be_shipped(tokenizers: list[Tokenizer]) -> None:
    from tokenizers import Tokenizer as Fast

    adopted = load_tokenizer(Fast.from_file(str(tokenizers[1].asset.files[0])), name="mine")
    with pytest.raises(TokbenchError, match="mine has no files that a worker could load"):
        ShippedTokenizer.of(adopted)


def test_shipped_tokenizers_are_the_same(tokenizers: list[Tokenizer]) -> None:
    for tokenizer in tokenizers:
        shipped = ShippedTokenizer.of(tokenizer)
        loaded = shipped.load(dict(shipped.list_files()))
        assert loaded.encode("na\u00efve 1234") == tokenizer.encode("na\u00efve 1234")
        assert (loaded.engine, loaded.call, loaded.unk_id) == (tokenizer.engine, tokenizer.call, tokenizer.unk_id)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 15), st.integers(0, 9), st.integers(1, 2**40)), max_size=9), max_size=6)
)
def test_sums_of_ids_are_exact(shards: list[list[tuple[int, int, int]]]) -> None:
    total, expected = IdSum(), Counter[tuple[int, int]]()
    for shard in shards:
        rows = pl.DataFrame(shard, {"block": pl.UInt8, "id": pl.Int32, "count": pl.Int64}, orient="row")
        total.add(read_histogram(rows))
        total.rows = 1 << 30  # merges at the next
        for block, number, count in shard:
            expected[block, number] += count
    assert [((block, number), count) for block, number, count in total.frame().rows()] == sorted(expected.items())
