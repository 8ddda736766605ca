"""Shards of a stream: measured one by one, merged in any order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import permutations
from pathlib import Path

import polars as pl
import pytest

from helpers.corpora import equal
from helpers.made import make_wordpiece
from tokbench import load_tokenizer
from tokbench.corpora import Shard, ShardTexts
from tokbench.errors import EngineError
from tokbench.measurement import Measurements, shards
from tokbench.measurement.needs import Needs
from tokbench.measurement.shards import ShardResult, cut_batch, measure_shard
from tokbench.metrics import evaluate, is_grouped

SHARDS = [Shard(i, f"/data/{i}.txt", f"{i}.txt", "text", 0, 9, 9) for i in range(3)]
TEXTS = {0: [("a", ["one two", "é"]), ("b", ["x"])], 1: [("a", ["three"])], 2: [("b", ["yy", "z z"]), ("a", ["w"])]}


def read(shard: Shard) -> Iterator[ShardTexts]:
    start = 0
    for group, texts in TEXTS[shard.number]:
        numbers = pl.Series(range(start, start + len(texts)), dtype=pl.UInt32)
        start += len(texts)
        yield ShardTexts(group, pl.Series(texts), numbers, numbers)


def measure_all() -> list[ShardResult]:
    tokenizers = [load_tokenizer("utf8"), load_tokenizer("byt5")]
    return [measure_shard(tokenizers, shard, read=read, spaced={"a": True, "b": True}) for shard in SHARDS]


def merge(results: Sequence[ShardResult]) -> Measurements:
    return reduce(Measurements.merge, [result.measurements for result in results])


def test_counts_of_a_shard_by_hand() -> None:
    found = measure_all()[0]
    assert (found.bytes, found.segments) == (10, 3)
    assert found.measurements.pooled
    assert found.measurements.texts.select("lang", "segments", "bytes", "chars", "words").rows() == [
        ("a", 2, 9, 8, 3),  # neighbours are one unit
        ("b", 1, 1, 1, 1),
    ]
    tokens = found.measurements.counts.select("tokenizer", "lang", "tokens", "exact").rows()
    assert tokens == [("byt5", "a", 9, 2), ("byt5", "b", 1, 1), ("utf8", "a", 9, 2), ("utf8", "b", 1, 1)]
    blocks = found.measurements.ids.select("lang", "block").unique()
    numbers = found.measurements.texts.select("lang", (pl.col("segment") % 16).cast(pl.UInt8).alias("block"))
    assert blocks.sort("lang").equals(numbers.sort("lang"))


def test_the_order_of_shards_does_not_matter() -> None:
    results = measure_all()
    first = merge(results)
    for order in permutations(results):
        assert equal(merge(order), first)
    left = results[0].measurements.merge(results[1].measurements.merge(results[2].measurements))
    assert equal(left, first)
    assert first.texts["segments"].sum() == sum(result.segments for result in results) == 7
    assert len({result.sha256 for result in results}) == 3


def test_groups_of_a_stream_have_values() -> None:
    merged = merge(measure_all())
    assert is_grouped(merged)
    values = evaluate(merged, ["tokens_per_segment", "round_trip_exact"])
    of_bytes = values.filter(pl.col("tokenizer") == "utf8").select("lang", "metric", "value", "n").rows()
    assert of_bytes == [
        ("a", "tokens_per_segment", 15 / 4, 4),
        ("b", "tokens_per_segment", 6 / 3, 3),
        (None, "tokens_per_segment", 3.0, 7),
        ("a", "round_trip_exact", 1.0, 4),
        ("b", "round_trip_exact", 1.0, 3),
        (None, "round_trip_exact", 1.0, 7),
    ]


def test_only_what_is_needed_is_counted(tmp_path: Path) -> None:
    needs = Needs.of({"tokens"}, ids=False)
    found = measure_shard([load_tokenizer(str(make_wordpiece(tmp_path)))], SHARDS[0], read=read, needs=needs)
    assert found.measurements.ids.is_empty()
    assert found.measurements.counts["lossy"].null_count() == found.measurements.counts.height
    assert found.measurements.texts["words"].null_count() == found.measurements.texts.height


def test_large_batches_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = pl.Series(range(5), dtype=pl.UInt32)
    batch = ShardTexts("a", pl.Series(["ab", "cde", "f", "ghijkl", "m"]), numbers, numbers)
    whole = measure_shard([load_tokenizer("utf8")], SHARDS[0], read=lambda _: [batch])
    assert [part.texts.to_list() for part in cut_batch(batch)] == [batch.texts.to_list()]
    monkeypatch.setattr(shards, "PART_BYTES", 4)
    assert [part.texts.to_list() for part in cut_batch(batch)] == [["ab", "cde"], ["f", "ghijkl"], ["m"]]
    assert [part.segments.to_list() for part in cut_batch(batch)] == [[0, 1], [2, 3], [4]]
    cut = measure_shard([load_tokenizer("utf8")], SHARDS[0], read=lambda _: [batch])
    assert equal(cut.measurements, whole.measurements)


def test_a_shard_without_text_changes_nothing() -> None:
    results = measure_all()
    tokenizers = [load_tokenizer("utf8"), load_tokenizer("byt5")]
    empty = measure_shard(tokenizers, SHARDS[0], read=lambda _: iter(()))
    assert (empty.bytes, empty.segments, empty.measurements.pooled) == (0, 0, True)
    whole = merge(results)
    assert equal(whole.merge(empty.measurements), whole)
    assert equal(empty.measurements.merge(whole), whole)


def test_an_engine_that_fails_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = load_tokenizer("utf8")

    def fail(texts: object) -> None:
        raise EngineError(tokenizer.name, "encode 'x'", "gave up", None, text="x")

    monkeypatch.setattr(tokenizer, "encode_batch", fail)
    with pytest.raises(EngineError, match="segment 2 of b"):
        measure_shard([tokenizer], Shard(0, "", "", "text", 0, 1, 1), read=lambda s: list(read(s))[1:])
