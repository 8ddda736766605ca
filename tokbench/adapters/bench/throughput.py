"""Measure encoding speed on this machine.

It is a property of tokenizer, engine, API path, threads and machine together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from tokbench._shared.environment import Clock
from tokbench._shared.threads import single_thread
from tokbench.adapters._protocol import Tokenizer
from tokbench.corpora import ParallelCorpus

ROUNDS = 5
ROUND_BYTES = 100_000
"""UTF-8 bytes that one round encodes; at least one text."""


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


def split_rounds(corpus: ParallelCorpus, rounds: int, round_bytes: int) -> list[list[str]]:
    """Split texts into a warm-up and rounds of nearly equal size.

    No text is in two of them, and languages are mixed.
    A corpus with fewer segments than rounds gives fewer rounds; empty ones are left out.
    """
    mixed = (text for row in corpus.iterate_rows() for text in row)
    parts: list[list[str]] = [[] for _ in range(rounds + 1)]
    sizes = [0] * (rounds + 1)
    for text in mixed:
        smallest = min(range(rounds + 1), key=sizes.__getitem__)
        if sizes[smallest] >= round_bytes:
            break
        parts[smallest].append(text)
        sizes[smallest] += len(text.encode())
    return [part for part in parts if part]


def measure_throughput(
    tokenizers: Sequence[Tokenizer],
    corpus: ParallelCorpus,
    *,
    clock: Clock,
    rounds: int = ROUNDS,
    round_bytes: int = ROUND_BYTES,
) -> list[Throughput]:
    """Encode parts of a corpus on one thread, tokenizers in turn in each round.

    Each round has text that no engine has seen before, after a warm-up on yet other text, so that word caches help
    as much as they do on fresh text. A corpus of one text has no rounds, only a warm-up.
    """
    warm_up, *timed = split_rounds(corpus, rounds, round_bytes)
    speeds: list[list[float]] = [[] for _ in tokenizers]
    with single_thread():
        for tokenizer in tokenizers:
            tokenizer.encode_batch(warm_up)
        for texts in timed:
            size = sum(len(text.encode()) for text in texts)
            for tokenizer, rates in zip(tokenizers, speeds, strict=True):
                start = clock()
                tokenizer.encode_batch(texts)
                rates.append(size / 1e6 / (clock() - start))
    return [
        Throughput(tokenizer.name, tokenizer.engine, tokenizer.call, tuple(rates))
        for tokenizer, rates in zip(tokenizers, speeds, strict=True)
        if rates
    ]
