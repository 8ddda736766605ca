"""Duration of single calls: percentiles by length of text.

All engines run on the same texts in turn.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from tokbench._shared.process import single_thread
from tokbench.adapters._protocol import Tokenizer
from tokbench.adapters.bench.throughput import Clock

BUCKETS = (32, 128, 512, 2048)
"""Upper bounds of the buckets in UTF-8 bytes; a last one contains longer texts."""

TEXTS = 2000


@dataclass(frozen=True)
class Latency:
    """Microseconds per call with one text: percentiles over n texts.

    bytes: the upper bound of their lengths; None: longer than all.
    """

    name: str
    bytes: int | None
    n: int
    p50: float
    p95: float
    p99: float


def measure_latency(runners: Mapping[str, Tokenizer], texts: Sequence[str], clock: Clock) -> list[Latency]:
    """Time single calls over at most `TEXTS` spread texts, after a warm-up call."""
    chosen = texts[:: max(1, len(texts) // TEXTS)][:TEXTS]
    sizes = [bisect_left(BUCKETS, len(text.encode())) for text in chosen]
    times: dict[str, list[float]] = {name: [] for name in runners}
    with single_thread():
        for tokenizer in runners.values():
            tokenizer.encode_batch(["Warm-up."])
        for text in chosen:
            for name, tokenizer in runners.items():
                start = clock()
                tokenizer.encode_batch([text])
                times[name].append(clock() - start)
    latencies = []
    for name, seconds in times.items():
        for bucket in sorted(set(sizes)):
            chosen_times = [s * 1e6 for s, size in zip(seconds, sizes, strict=True) if size == bucket]
            p50, p95, p99 = (float(p) for p in np.percentile(chosen_times, (50, 95, 99)))
            latencies.append(Latency(name, (*BUCKETS, None)[bucket], len(chosen_times), p50, p95, p99))
    return latencies
