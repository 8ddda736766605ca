"""Measure encoding speed on this machine.

It is a property of tokenizer, engine, API path, threads and machine together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from tokbench._shared.environment import Clock
from tokbench._shared.process import single_thread
from tokbench._shared.progress import NO_PROGRESS, SPEED, Progress
from tokbench.adapters._protocol import Tokenizer
from tokbench.corpora import Corpus
from tokbench.errors import EngineError

ROUNDS = 5
ROUND_BYTES = 100_000
"""UTF-8 bytes that one round encodes; at least one text."""


def raise_failure(error: EngineError) -> None:
    """Raise the error of an engine."""
    raise error


@dataclass(frozen=True)
class Throughput:
    """Input bytes per second of one tokenizer: MB/s (10^6 bytes) in each round."""

    tokenizer: str
    engine: str
    path: str
    rounds: tuple[float, ...]

    @property
    def value(self) -> float:
        """Median of the rounds, MB/s."""
        return median(self.rounds)

    @property
    def low(self) -> float:
        """Slowest round, MB/s.

        The range from slowest to fastest of five contains the median in 94 % of all series.
        """
        return min(self.rounds)

    @property
    def high(self) -> float:
        """Fastest round, MB/s."""
        return max(self.rounds)


def split_rounds(corpus: Corpus, rounds: int, round_bytes: int) -> list[list[str]]:
    """Split texts into a warm-up and rounds of nearly equal size.

    No text is in two of them, and languages are mixed.
    A corpus with fewer segments than rounds gives fewer rounds; empty ones are left out.
    """
    parts: list[list[str]] = [[] for _ in range(rounds + 1)]
    sizes = [0] * (rounds + 1)
    for text in corpus.iterate_texts():
        smallest = min(range(rounds + 1), key=sizes.__getitem__)
        if sizes[smallest] >= round_bytes:
            break
        parts[smallest].append(text)
        sizes[smallest] += len(text.encode())
    return [part for part in parts if part]


def measure_throughput(
    tokenizers: Sequence[Tokenizer],
    corpus: Corpus,
    *,
    clock: Clock,
    rounds: int = ROUNDS,
    round_bytes: int = ROUND_BYTES,
    on_failure: Callable[[EngineError], None] = raise_failure,
    progress: Progress = NO_PROGRESS,
) -> list[Throughput]:
    """Encode parts of a corpus on one thread, tokenizers in turn in each round.

    A tokenizer whose engine fails has no result, unless `on_failure` raises the error that it is given.

    Each round has text that no engine has seen before, after a warm-up on yet other text, so that word caches help
    as much as they do on fresh text. A corpus of one text has no rounds, only a warm-up.

    progress: told of each round of each tokenizer, outside of what is timed.
    """
    warm_up, *timed = split_rounds(corpus, rounds, round_bytes)
    progress.start(SPEED, len(tokenizers) * (1 + len(timed)))
    speeds: dict[str, list[float]] = {tokenizer.name: [] for tokenizer in tokenizers}

    def encode(tokenizer: Tokenizer, texts: list[str]) -> float | None:
        progress.advance(SPEED, what=tokenizer.name)
        try:
            start = clock()
            tokenizer.encode_batch(texts)
            return clock() - start
        except EngineError as error:
            del speeds[tokenizer.name]
            on_failure(error)
            return None

    with single_thread():
        for tokenizer in tokenizers:
            encode(tokenizer, warm_up)
        for texts in timed:
            size = sum(len(text.encode()) for text in texts)
            for tokenizer in (t for t in tokenizers if t.name in speeds):
                seconds = encode(tokenizer, texts)
                if seconds:  # not None, and not below the clock's resolution
                    speeds[tokenizer.name].append(size / 1e6 / seconds)
    progress.finish(SPEED)
    return [
        Throughput(tokenizer.name, tokenizer.engine, tokenizer.call, tuple(rates))
        for tokenizer in tokenizers
        if (rates := speeds.get(tokenizer.name))
    ]
