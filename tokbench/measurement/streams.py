"""measure_stream(): measure the shards of a stream on an executor, and merge what comes."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import polars as pl

from tokbench._shared.process import release_freed
from tokbench._shared.progress import COUNTING, NO_PROGRESS, Progress
from tokbench.adapters import Tokenizer
from tokbench.corpora import Shard, Stream
from tokbench.errors import EngineError, TokbenchError
from tokbench.executors import Executor, Failure, InProcess, Task
from tokbench.measurement._frames import list_vocabulary
from tokbench.measurement._measurements import Measurements
from tokbench.measurement.drawn import Sample
from tokbench.measurement.id_sums import IdSum
from tokbench.measurement.resume import ResultFolder
from tokbench.measurement.saved import POOLED_SCHEMAS
from tokbench.measurement.shard_results import CountedShard, Fault, parse_shard
from tokbench.measurement.shard_task import (
    LoadedTask,
    ShardSettings,
    ShardTask,
    ShippedTokenizer,
    identify,
    name_shard,
)

_DAMAGED = "its result came damaged"


@dataclass(frozen=True)
class MissingShard:
    """A shard that is not in the measurements: what it is called, and why."""

    name: str
    reason: str


@dataclass(frozen=True, eq=False)
class StreamMeasurements:
    """What was counted in a stream.

    measurements: pooled, of the tokenizers that failed on no text.
    sha256: of the hashes of the texts of all shards that were read, in the stream's order.
    bytes, segments: how much text was read.
    read: number of shards. missing: the others that were tried, in order.
    faults: the first text on which each tokenizer failed.
    sample: how much was drawn of a sample; None if all was read. source_bytes: then the estimated UTF-8 bytes of the
        whole source, by group.
    """

    measurements: Measurements
    sha256: str
    bytes: int
    segments: int
    read: int
    missing: tuple[MissingShard, ...]
    faults: tuple[EngineError, ...]
    sample: Sample | None = None
    source_bytes: Mapping[str, float] = field(default_factory=dict)


class InterruptedStreamError(KeyboardInterrupt):
    """Measuring a stream was interrupted; finish: returns what was counted until then, None if there is nothing."""

    def __init__(self, finish: Callable[[], StreamMeasurements | None]) -> None:
        super().__init__()
        self.finish = finish


class MergingTree:
    """Merges texts and counts as they come, with partners of similar size: each is merged log(n) times.

    At most about twice the size of the total is held. Ids are added up apart (`id_sums`).
    """

    def __init__(self) -> None:
        self.parts: list[Measurements] = []

    def add(self, part: Measurements) -> None:
        """Add measurements of other shards."""
        self.parts.append(part)
        while len(self.parts) > 1 and count_rows(self.parts[-2]) <= 2 * count_rows(self.parts[-1]):
            self.merge_last()

    def merge_last(self) -> None:
        """Merge the two smallest parts: the tokenizers that both have."""
        one, other = self.parts.pop(), self.parts.pop()
        names = list_names(one) & list_names(other)
        if names:
            self.parts.append(one.keep(names).merge(other.keep(names)))

    def total(self) -> Measurements | None:
        """Merge everything; None if there is nothing that has a tokenizer in common."""
        while len(self.parts) > 1:
            self.merge_last()
        return self.parts[0] if self.parts else None


def count_rows(measurements: Measurements) -> int:
    """Return how many rows have to be merged."""
    return measurements.counts.height + measurements.texts.height


def list_names(measurements: Measurements) -> set[str]:
    """Return the names of the tokenizers."""
    return set(measurements.tokenizers["tokenizer"].cast(pl.String))


@dataclass(eq=False)
class _Collection:
    """What has come of a stream."""

    tokenizers: Sequence[Tokenizer]
    tree: MergingTree = field(default_factory=MergingTree)
    ids: defaultdict[tuple[str, str], IdSum] = field(default_factory=lambda: defaultdict(IdSum))
    hashes: dict[int, str] = field(default_factory=dict)
    faults: dict[str, tuple[int, Fault]] = field(default_factory=dict)
    unfit: set[str] = field(default_factory=set)
    missing: dict[int, MissingShard] = field(default_factory=dict)
    bytes: int = 0
    segments: int = 0

    def add(self, shard: Shard, counted: CountedShard) -> None:
        """Add the counts of a shard."""
        for fault in counted.faults:
            known = self.faults.get(fault.tokenizer)
            if known is None or shard.number < known[0]:
                self.faults[fault.tokenizer] = shard.number, fault
        self.unfit.update(counted.unfit)
        result = counted.result
        if result is None and not counted.faults:  # a shard without text
            self.hashes[shard.number] = ""
        if result is not None:
            self.tree.add(result.measurements)
            for cell, histogram in counted.ids.items():
                self.ids[cell].add(histogram)
            self.hashes[shard.number] = result.sha256
            self.bytes += result.bytes
            self.segments += result.segments
        release_freed()

    def miss(self, shard: Shard, reason: str) -> None:
        """Note a shard that could not be measured."""
        self.missing[shard.number] = MissingShard(name_shard(shard), reason)

    def finish(self) -> StreamMeasurements | None:
        """Return what was counted; None without any shard. Raises EngineError if all tokenizers failed."""
        errors = {
            name: EngineError(name, fault.task, fault.reason, fault.hint)
            for name, (_, fault) in sorted(self.faults.items(), key=lambda item: (item[1][0], item[0]))
        }
        left = [tokenizer for tokenizer in self.tokenizers if tokenizer.name not in errors]
        if not left:
            raise next(iter(errors.values()))
        measurements = self.tree.total()
        if measurements is None:
            return None
        measurements = leave_out_words(measurements.keep([tokenizer.name for tokenizer in left]), self.unfit)
        names = pl.Enum(sorted(tokenizer.name for tokenizer in left))
        vocab = pl.concat(list_vocabulary(t, names) for t in left)
        return StreamMeasurements(
            replace(measurements, vocab=vocab, ids=self.frame_ids(names, measurements.texts)).sorted(),
            hash_in_order(self.hashes),
            self.bytes,
            self.segments,
            len(self.hashes),
            tuple(missing for _, missing in sorted(self.missing.items())),
            tuple(errors.values()),
        )

    def frame_ids(self, names: pl.Enum, texts: pl.DataFrame) -> pl.DataFrame:
        """Return the frame `ids` of the named tokenizers."""
        groups = pl.Enum(texts["lang"].cast(pl.String).unique().sort())
        frames = [
            self.ids[name, group]
            .frame()
            .select(
                pl.lit(name, names).alias("tokenizer"),
                pl.lit(group, groups).alias("lang"),
                *(pl.col(column).cast(POOLED_SCHEMAS["ids"][column]) for column in ("block", "id", "count")),
            )
            for name in names.categories
            for group in groups.categories
        ]
        return pl.concat(frames)


def measure_stream(
    tokenizers: Sequence[Tokenizer],
    stream: Stream,
    settings: ShardSettings,
    *,
    executor: Executor | None = None,
    resume: Path | None = None,
    progress: Progress = NO_PROGRESS,
) -> StreamMeasurements:
    """Measure each shard of a stream and merge the counts; the outcome depends neither on the executor nor on order.

    executor: where shards are measured; by default one after the other in this process.
    resume: a folder of results, each written as it comes; those that are there are not measured again, unless damaged.

    A shard that cannot be measured is listed in `missing`. Raises InterruptedStreamError on KeyboardInterrupt,
    TokbenchError if no shard can be measured, EngineError if all tokenizers failed.
    """
    task: Task[Shard] = LoadedTask(tuple(tokenizers), settings)
    if executor is not None:
        task = ShardTask(tuple(map(ShippedTokenizer.of, tokenizers)), settings)
    folder = None if resume is None else ResultFolder.open(resume, identify(tokenizers, settings))
    collected = _Collection(tokenizers)
    try:
        # Results are taken on a separate thread, which an interruption does not reach: completely or not at all.
        with ThreadPoolExecutor(1) as keeper:

            def take(shard: Shard, content: bytes | Failure, into: ResultFolder | None) -> bool:
                return keeper.submit(take_result, collected, into, shard, content).result()

            todo = []
            for shard in stream.shards:
                known = None if folder is None else folder.read(shard)
                if known is None or not take(shard, known, None):
                    todo.append(shard)
            progress.start(COUNTING, sum(shard.size for shard in todo))
            with closing(run(executor or InProcess(), task, todo)) as results:
                for number, content in results:
                    shard = todo[number]
                    if not take(shard, content, folder):
                        collected.miss(shard, _DAMAGED)
                    progress.advance(COUNTING, shard.size, name_shard(shard))
    except KeyboardInterrupt as interruption:
        raise InterruptedStreamError(collected.finish) from interruption
    found = collected.finish()
    if found is None:
        first = next(iter(collected.missing.values()))
        raise TokbenchError(f"no shard of {stream.name} can be measured: {first.name}: {first.reason}")
    return found


def run(
    executor: Executor, task: Task[Shard], shards: Sequence[Shard]
) -> Generator[tuple[int, bytes | Failure], None, None]:
    """Yield the results of shards; no process starts if there are none."""
    if shards:
        yield from executor.map(task, shards)


def take_result(collected: _Collection, folder: ResultFolder | None, shard: Shard, content: bytes | Failure) -> bool:
    """Take what came of a shard, and write it to the folder, if any; return whether it is as it was sent."""
    if isinstance(content, Failure):
        collected.miss(shard, content.reason)
        return True
    counted = parse_shard(content)
    if counted is None:
        return False
    if folder is not None:
        folder.write(shard, content)
    collected.add(shard, counted)
    return True


def leave_out_words(measurements: Measurements, groups: set[str]) -> Measurements:
    """Return measurements without the words of groups that the segmenter does not fit everywhere."""
    if not groups:
        return measurements
    unfit = pl.col("lang").cast(pl.String).is_in(sorted(groups))

    def clear(frame: pl.DataFrame, names: Sequence[str]) -> pl.DataFrame:
        return frame.with_columns(pl.when(~unfit).then(pl.col(name)).alias(name) for name in names)

    return replace(
        measurements,
        texts=clear(measurements.texts, ["words"]),
        counts=clear(measurements.counts, ["continued_words", "continued_known_words", "continued_known_segments"]),
    )


def hash_in_order(hashes: dict[int, str]) -> str:
    """Return the hash of the hashes of shards, in the order of their numbers."""
    lines = "".join(f"{sha256}\n" for _, sha256 in sorted(hashes.items()))
    return hashlib.sha256(b"tokbench stream 1\n" + lines.encode()).hexdigest()
