"""What measuring a stream will take, from a few MB that are measured in a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import polars as pl

from tokbench._shared.process_sizes import STATUS, read_sizes
from tokbench.adapters import Tokenizer
from tokbench.corpora import Shard, ShardTexts, Stream, extent, read_shard, read_window
from tokbench.errors import EngineError, TokbenchError
from tokbench.executors import Executor, Failure
from tokbench.measurement.shard_task import ShardSettings, ShardTask, ShippedTokenizer
from tokbench.measurement.shards import measure_shard
from tokbench.measurement.stream_sample import pick_shards

PROBED_BYTES = 2_000_000
"""Approximate UTF-8 bytes that are measured with each tokenizer."""

WINDOW_BYTES = 1_000_000
"""Bytes in storage that are read of each sampled shard."""

COMPRESSED = 4.0
"""Bytes of text assumed per byte in storage, where only all of a shard would tell."""

_ROUNDS = 2


class Probe(msgspec.Struct, frozen=True):
    """What a worker measured, in CPU seconds and bytes.

    load: loading all tokenizers. read: reading `read_bytes` of text, which take `stored_bytes` in storage (0: unknown).
    alone: measuring `bytes` of text with each tokenizer; together: with all of them.
    memory: peak of the worker's resident memory; 0 if unknown.
    """

    load: float
    read: float
    read_bytes: int
    stored_bytes: int
    bytes: int
    alone: dict[str, float]
    together: float
    memory: int


@dataclass(frozen=True)
class ProbeTask:
    """Measures how long the parts of a shard take; its items are lists of shards to sample."""

    task: ShardTask

    @property
    def files(self) -> Mapping[str, Path]:
        """The files of all tokenizers."""
        return self.task.files

    def start(self, files: Mapping[str, Path]) -> Callable[[Sequence[Shard]], bytes]:
        """Load the tokenizers, and return what probes shards."""
        begun = time.process_time()
        loaded = [one.load(files) for one in self.task.tokenizers]
        load = time.process_time() - begun
        return lambda shards: msgspec.json.encode(probe(loaded, self.task.settings, shards, load))


@dataclass(frozen=True)
class PlannedTokenizer:
    """A tokenizer of a plan; rate: MB of text per second and core if it is measured alone."""

    name: str
    engine: str
    rate: float


@dataclass(frozen=True)
class Plan:
    """What measuring a stream will take.

    bytes: in storage; text_bytes: of UTF-8 text, estimated. rate: MB of text per second and core, all tokenizers
    together. load_seconds: of each worker, before its first shard. memory: bytes per worker, None if unknown.
    cpu_hours, seconds: of all workers together, and elapsed. sampled: shards and bytes of text that were measured.
    """

    name: str
    executor: str
    workers: int
    files: int
    shards: int
    bytes: int
    text_bytes: int
    tokenizers: tuple[PlannedTokenizer, ...]
    rate: float
    read_rate: float
    load_seconds: float
    memory: int | None
    cpu_hours: float
    seconds: float
    sampled: tuple[int, int]
    assumptions: tuple[str, ...]


def make_plan(
    tokenizers: Sequence[Tokenizer], stream: Stream, settings: ShardSettings, executor: Executor, name: str
) -> Plan:
    """Measure a sample of a stream in a worker, and calculate what the whole takes.

    name: of the executor. Raises TokbenchError if no sampled shard can be read.
    """
    shipped = tuple(map(ShippedTokenizer.of, tokenizers))
    shards = pick_shards(stream)
    ((_, content),) = executor.map(ProbeTask(ShardTask(shipped, settings)), [shards])
    if isinstance(content, Failure):
        raise TokbenchError(f"the sample cannot be measured: {content.reason}")
    measured = msgspec.json.decode(content, type=Probe)
    workers = min(executor.count_workers(), len(stream.shards))
    engines = {tokenizer.name: tokenizer.engine for tokenizer in tokenizers}
    return calculate(measured, stream, engines, workers, name, len(shards))


def calculate(
    measured: Probe, stream: Stream, engines: Mapping[str, str], workers: int, name: str, sampled: int
) -> Plan:
    """Calculate a plan from what a worker measured."""
    ratio = measured.read_bytes / measured.stored_bytes if measured.stored_bytes else COMPRESSED
    text_bytes = round(stream.size * ratio)
    per_byte = measured.read / max(measured.read_bytes, 1) + measured.together / measured.bytes
    seconds = text_bytes * per_byte
    rounds = -(-len(stream.shards) // workers)
    assumptions = [
        f"the rest is like the sample: {measured.bytes / 1e6:.1f} MB of text from {sampled} shards, evenly spaced",
        "every core is as fast as the worker that measured it, and has nothing else to do",
        "storage and network deliver at the rate at which texts are read",
    ]
    if not measured.stored_bytes:
        assumptions.append(f"compressed text is {COMPRESSED:g} times its size in storage")
    return Plan(
        name=stream.name,
        executor=name,
        workers=workers,
        files=len({shard.file for shard in stream.shards}),
        shards=len(stream.shards),
        bytes=stream.size,
        text_bytes=text_bytes,
        tokenizers=tuple(
            PlannedTokenizer(tokenizer, engine, compute_rate(measured.bytes, measured.alone[tokenizer]))
            for tokenizer, engine in engines.items()
        ),
        rate=1e-6 / per_byte if per_byte else 0.0,
        read_rate=compute_rate(measured.read_bytes, measured.read),
        load_seconds=measured.load,
        memory=measured.memory or None,
        cpu_hours=(seconds + workers * measured.load) / 3600,
        seconds=seconds * rounds / len(stream.shards) + measured.load,
        sampled=(sampled, measured.bytes),
        assumptions=tuple(assumptions),
    )


def compute_rate(size: int, seconds: float) -> float:
    """Return MB per second; 0 if it took no time that the clock sees."""
    return size / seconds / 1e6 if seconds > 0 else 0.0


def probe(tokenizers: Sequence[Tokenizer], settings: ShardSettings, shards: Sequence[Shard], load: float) -> Probe:
    """Read a window of each shard, and measure some of its texts with each tokenizer, and with all."""
    batches: list[ShardTexts] = []
    read_bytes = stored_bytes = 0
    begun = time.process_time()
    fault: TokbenchError | None = None
    for shard in shards:
        try:
            found, stored = read_piece(shard)
        except TokbenchError as error:
            fault = fault or error
            continue
        size = sum(count_bytes(batch.texts) for batch in found)
        read_bytes, stored_bytes = read_bytes + size, stored_bytes + stored
        batches += shorten(found, PROBED_BYTES // len(shards))
    read = time.process_time() - begun
    if not batches:
        raise fault or TokbenchError("the sampled shards have no text")
    alone = {tokenizer.name: time_measuring([tokenizer], settings, shards[0], batches) for tokenizer in tokenizers}
    return Probe(
        load=load,
        read=read,
        read_bytes=read_bytes,
        stored_bytes=stored_bytes,
        bytes=sum(count_bytes(batch.texts) for batch in batches),
        alone=alone,
        together=time_measuring(tokenizers, settings, shards[0], batches) if len(alone) > 1 else sum(alone.values()),
        memory=read_sizes(STATUS).get("VmHWM", 0) if STATUS.exists() else 0,
    )


def read_piece(shard: Shard) -> tuple[list[ShardTexts], int]:
    """Return some texts of a shard, and the bytes that they take in storage: 0 if only all of the shard would tell."""
    whole = extent(shard)
    if whole is None:
        first = next(iter(read_shard(shard)), None)
        return ([] if first is None else [first]), 0
    start, end = whole
    width = max(1, min(end - start, (end - start) * WINDOW_BYTES // max(shard.size, 1)))
    return list(read_window(shard, start, start + width)), shard.size * width // max(end - start, 1)


def shorten(batches: Sequence[ShardTexts], size: int) -> list[ShardTexts]:
    """Return the first texts of each batch, about `size` bytes in all."""
    kept = []
    for batch in batches:
        before = batch.texts.str.len_bytes().cum_sum() - batch.texts.str.len_bytes()
        count = int((before < size // len(batches)).sum())
        kept.append(
            ShardTexts(batch.group, batch.texts.head(count), batch.segments.head(count), batch.documents.head(count))
        )
    return kept


def time_measuring(
    tokenizers: Sequence[Tokenizer], settings: ShardSettings, shard: Shard, batches: Sequence[ShardTexts]
) -> float:
    """Return the CPU seconds of measuring texts: the lesser of two rounds, the first of which warms up."""
    seconds = []
    for _ in range(_ROUNDS):
        begun = time.process_time()
        try:
            measure_shard(
                tokenizers,
                shard,
                read=lambda _: batches,
                segmenter=settings.segmenter,
                spaced=settings.spaced,
                needs=settings.needs,
            )
        except EngineError as error:
            raise TokbenchError(str(error), "leave that tokenizer out") from error
        seconds.append(time.process_time() - begun)
    return min(seconds)


def count_bytes(texts: pl.Series) -> int:
    """Return the UTF-8 bytes of texts."""
    return int(texts.str.len_bytes().sum())
