"""Does an engine against itself come out as equal? `python benchmarks/null.py TOKENIZER [-c CORPUS] [-n 100]`.

Repeats the whole decision of `tokbench bench` with the reference engine on both sides and counts its answers.
"""

from __future__ import annotations

import argparse
import time

from tokbench.adapters import find_asset, load_asset
from tokbench.adapters.bench.speed import Interval, Speed, compare_speeds, time_rounds
from tokbench.corpora import load_corpus


def main() -> None:
    """Print how often no difference was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("tokenizer", nargs="?", default="gpt-neox-20b")
    parser.add_argument("-c", "--corpus")
    parser.add_argument("-n", "--repetitions", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--round-bytes", type=int, default=20_000)
    options = parser.parse_args()
    corpus = load_corpus(options.corpus)
    loaded = load_asset(find_asset(options.tokenizer))
    equal = 0
    for repetition in range(options.repetitions):
        runners = {"A": loaded, "B": loaded}
        timed = time_rounds(
            runners, "A", corpus, "batch", 1, options.rounds, options.round_bytes, repetition, time.perf_counter
        )
        null = Interval.of([a / b for a, b in zip(timed[""], timed["A"], strict=True)])
        speeds = sorted(
            (Speed(name, "batch", 1, tuple(timed[name])) for name in runners), key=lambda s: -s.interval.value
        )
        equal += not compare_speeds(speeds[0], speeds[1], null).differ
    print(f"no difference in {equal} of {options.repetitions} repetitions")


if __name__ == "__main__":
    main()
