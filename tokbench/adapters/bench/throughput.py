"""How fast tokenizers encode here: a property of tokenizer, engine, API path, threads and machine together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from tokbench._shared.threads import single_thread
from tokbench.adapters._protocol import Tokenizer
from tokbench.corpora import ParallelCorpus

Clock = Callable[[], float]
"""Seconds from some fixed point."""

ROUNDS = 5
ROUND_BYTES = 100_000
"""UTF-8 bytes that one round encodes, at least one text."""


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
        """The slowest round, MB/s. Slowest to fastest of five holds the median in 94 % of all series."""
        return min(self.rounds)

    @property
    def high(self) -> float:
        """The fastest round, MB/s."""
        return max(self.rounds)


def split_rounds(corpus: ParallelCorpus, rounds: int, round_bytes: int) -> list[list[str]]:
    """Texts for the warm-up and for each round: no text in two of them, languages mixed, sizes nearly equal.

    A corpus of fewer segments than rounds gives fewer rounds; empty ones are left out.
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
    """Encode pieces of a corpus on one thread, the tokenizers in turn in each round.

    Each round has text that no engine has seen before, after a warm-up on other text again, so that caches of
    words help as much as they do on fresh text. None of the rounds of a corpus of one text: that is the warm-up.
    """
    warm_up, *timed = split_rounds(corpus, rounds, round_bytes)
    speeds: list[list[float]] = [[] for _ in tokenizers]
    with single_thread():
        for tokenizer in tokenizers:
            tokenizer.encode_batch(warm_up)
        for texts in timed:
            size = sum(len(text.encode()) for text in texts)
            for tokenizer, own in zip(tokenizers, speeds, strict=True):
                start = clock()
                tokenizer.encode_batch(texts)
                own.append(size / 1e6 / (clock() - start))
    return [
        Throughput(tokenizer.name, tokenizer.engine, tokenizer.call, tuple(own))
        for tokenizer, own in zip(tokenizers, speeds, strict=True)
        if own
    ]
