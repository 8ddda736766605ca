"""Engines of one tokenizer against each other: speed by API path and threads, gated on equal ids, in paired rounds.

Engines take turns in each round on the same text, which none of them has seen; the reference takes part twice, so
that the machine's own unrest is measured beside the differences. Two engines differ only where the interval of their
paired ratio excludes 1 and the ratio exceeds that of the reference against itself.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from statistics import median

from tokbench._shared.environment import Clock
from tokbench._shared.process import single_thread
from tokbench.adapters._accelerated import EngineTokenizer
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters.bench.admission import EngineResult, admit
from tokbench.adapters.bench.throughput import split_rounds
from tokbench.adapters.selection.engine_check import Engine
from tokbench.catalog.sources import Asset
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError

PATHS = ("batch", "single", "count", "decode")
ROUNDS = 12
ROUND_BYTES = 200_000
COVERAGE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median with the interval that holds it in at least 95 % of all series (fewer than 6 values: in less)."""

    value: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Interval:
        """From the order statistics: nothing is supposed of the distribution.

        >>> Interval.of([3.0, 1.0, 2.0])
        Interval(value=2.0, low=1.0, high=3.0)
        """
        ordered = sorted(values)
        n, outside, cut = len(ordered), 0.0, 0
        while cut < (n - 1) // 2:
            outside += 2 * math.comb(n, cut) / 2**n
            if 1 - outside - 2 * math.comb(n, cut + 1) / 2**n < COVERAGE:
                break
            cut += 1
        return cls(median(ordered), ordered[cut], ordered[-1 - cut])


@dataclass(frozen=True)
class Speed:
    """One cell: MB of text per second (10^6 UTF-8 bytes) in each round."""

    name: str
    path: str
    threads: int
    rounds: tuple[float, ...]

    @property
    def interval(self) -> Interval:
        """Median over the rounds."""
        return Interval.of(self.rounds)


@dataclass(frozen=True)
class Ratio:
    """How many times faster one engine is than another, by paired rounds; `null` is the reference against itself."""

    faster: str
    slower: str
    path: str
    threads: int
    interval: Interval
    null: Interval

    @property
    def differ(self) -> bool:
        """Whether the interval excludes 1 and the ratio exceeds what the machine makes of one engine."""
        unrest = max(abs(math.log(self.null.low)), abs(math.log(self.null.high)))
        excludes = self.interval.low > 1 or self.interval.high < 1
        return excludes and abs(math.log(self.interval.value)) > unrest

    def __str__(self) -> str:
        where = f"({self.path}, {self.threads} thread{'s' if self.threads > 1 else ''})"
        found = self.interval
        shown = f"{found.value:.2f} [{found.low:.2f}, {found.high:.2f}]"
        if not self.differ:
            return f"no difference between {self.faster} and {self.slower}: {shown} {where}"
        return f"{self.faster} is {shown} times faster than {self.slower} {where}"


@dataclass(frozen=True)
class EngineBenchmark:
    """The outcome for one tokenizer: the fastest exact engine of each path and number of threads comes first."""

    tokenizer: str
    results: tuple[EngineResult, ...]
    speeds: tuple[Speed, ...]
    nulls: Mapping[tuple[str, int], Interval]
    ratios: tuple[Ratio, ...]


def prepare_call(tokenizer: Tokenizer, path: str, texts: Sequence[str]) -> Callable[[], object]:
    """Return what is timed on a path, after preparing for it."""
    if path == "batch":
        return lambda: tokenizer.encode_batch(texts)
    if path == "single":
        return lambda: [tokenizer.encode_batch([text]) for text in texts]
    if path == "count":
        return lambda: tokenizer.count_batch(texts)
    batch = tokenizer.encode_batch(texts)
    return lambda: tokenizer.decode_batch(batch)


def time_call(
    tokenizer: Tokenizer, path: str, texts: Sequence[str], pool: ThreadPoolExecutor, threads: int, clock: Clock
) -> float:
    """Seconds of one path over texts, in as many equal parts as threads."""
    bounds = [part * len(texts) // threads for part in range(threads + 1)]
    calls = [prepare_call(tokenizer, path, texts[a:b]) for a, b in pairwise(bounds)]
    start = clock()
    if threads == 1:
        calls[0]()
    else:
        for future in [pool.submit(call) for call in calls]:
            future.result()
    return clock() - start


def ignore_round(what: str) -> None:
    """Show nothing after a round."""


def benchmark_engines(
    asset: Asset,
    corpus: Corpus,
    *,
    engines: Sequence[str] = ("all",),
    paths: Sequence[str] = ("batch",),
    threads: Sequence[int] = (1,),
    rounds: int = ROUNDS,
    round_bytes: int = ROUND_BYTES,
    seed: int = 0,
    clock: Clock,
    on_round: Callable[[str], object] = ignore_round,
    functions: Mapping[str, Engine] | None = None,
) -> EngineBenchmark:
    """Admit the engines of a tokenizer, time those that are exact, and compare the fastest with the others.

    on_round: called after each timed round with what it timed. functions: engines of the caller's own, by name.
    """
    results = admit(asset, engines, corpus, functions)
    runners = {c.name: c.tokenizer for c in results if c.ranked and c.tokenizer is not None}
    speeds: list[Speed] = []
    nulls: dict[tuple[str, int], Interval] = {}
    ratios: list[Ratio] = []
    for path, count in ((path, count) for path in paths for count in threads):
        # An engine that leaves decoding to the reference would be timed against itself.
        takes_part = {n: t for n, t in runners.items() if path != "decode" or not isinstance(t, EngineTokenizer)}
        tell = partial(on_round, f"{asset.name} {path}, {count} threads" if count > 1 else f"{asset.name} {path}")
        timed = time_rounds(takes_part, results[0].name, corpus, path, count, rounds, round_bytes, seed, clock, tell)
        own = [Speed(name, path, count, tuple(timed[name])) for name in takes_part]
        own.sort(key=lambda speed: -speed.interval.value)
        null = Interval.of([a / b for a, b in zip(timed[""], timed[results[0].name], strict=True)])
        nulls[path, count] = null
        speeds += own
        ratios += [compare_speeds(own[0], other, null) for other in own[1:]]
    return EngineBenchmark(asset.name, tuple(results), tuple(speeds), nulls, tuple(ratios))


def compare_speeds(faster: Speed, slower: Speed, null: Interval) -> Ratio:
    """Return the paired ratio of two engines over the rounds."""
    paired = [a / b for a, b in zip(faster.rounds, slower.rounds, strict=True)]
    return Ratio(faster.name, slower.name, faster.path, faster.threads, Interval.of(paired), null)


def time_rounds(
    runners: Mapping[str, Tokenizer],
    twice: str,
    corpus: Corpus,
    path: str,
    threads: int,
    rounds: int,
    round_bytes: int,
    seed: int,
    clock: Clock,
    on_round: Callable[[], object],
) -> dict[str, list[float]]:
    """MB/s of each runner in each round, in an order drawn anew; the one named `twice` runs again, under no name."""
    warm_up, *timed = split_rounds(corpus, rounds, round_bytes)
    if not timed:
        raise TokbenchError("the corpus is too small for warm-up and rounds", "take one of more segments")
    order = [*runners, ""]
    found: dict[str, list[float]] = {name: [] for name in order}
    draw = random.Random(seed)  # noqa: S311 - no secret
    with single_thread(), ThreadPoolExecutor(threads) as pool:
        for tokenizer in runners.values():
            time_call(tokenizer, path, warm_up, pool, threads, clock)
        for texts in timed:
            size = sum(len(text.encode()) for text in texts) / 1e6
            draw.shuffle(order)
            for name in order:
                tokenizer = runners[name or twice]
                found[name].append(size / time_call(tokenizer, path, texts, pool, threads, clock))
            on_round()
    return found


def describe_benchmark(outcome: EngineBenchmark) -> Iterator[str]:
    """Write the outcome: what is fastest, by how much, and why others are not ranked."""
    by_cell: dict[tuple[str, int], list[Speed]] = {}
    for speed in outcome.speeds:
        by_cell.setdefault((speed.path, speed.threads), []).append(speed)
    for (path, threads), speeds in by_cell.items():
        best = speeds[0]
        ties = [r.slower for r in outcome.ratios if (r.path, r.threads) == (path, threads) and not r.differ]
        rate = f"{best.interval.value:.1f} [{best.interval.low:.1f}, {best.interval.high:.1f}] MB/s"
        null = outcome.nulls[path, threads]
        machine = f"this machine's A/A ratio is {null.value:.2f} [{null.low:.2f}, {null.high:.2f}]"
        named = " and ".join([best.name, *ties])
        yield f"{outcome.tokenizer}, {path}, threads {threads}: fastest exact engine {named}, {rate}; {machine}"
    yield from map(str, outcome.ratios)
    for result in outcome.results:
        if result.reason is not None:
            yield f"{result.name} is not ranked: it {result.reason}"
