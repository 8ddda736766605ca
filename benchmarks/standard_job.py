"""Our whole comparison against its floor and against the field's way, as ratios measured in one run.

`python benchmarks/standard_job.py FOLDER_OF_NTREX [-n SEGMENTS] [--rounds N]`: 10 tokenizers x 20 languages x 1,997
segments. Every way runs in a process of its own, in turn in each round; wall time of the whole process, start of
Python and loading included. The tokenizers' files are found as `tokbench` finds them (TOKBENCH_TOKENIZERS).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

from tokbench.adapters.bench.speed import Interval

JOBS = Path(__file__).with_name("jobs.py")
WAYS = ("ours", "floor", "floor1", "batches", "field")


def run_way(way: str, corpus: Path, segments: int) -> tuple[float, float, str]:
    """Seconds, peak memory in MiB, and what it printed."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(JOBS), way, str(corpus), "-n", str(segments)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way} failed")
    return time.perf_counter() - start, usage.ru_maxrss / 1024, printed.strip()


def show(label: str, values: list[float]) -> None:
    """A median with its interval."""
    found = Interval.of(values)
    print(f"{label:46} {found.value:6.2f} [{found.low:.2f}, {found.high:.2f}]")


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("-n", "--segments", type=int, default=1997)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--ways", default=",".join(WAYS))
    options = parser.parse_args()
    ways = options.ways.split(",")
    run_way("ours", options.corpus, options.segments)  # verifies the engines once, and warms the disk
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    peaks: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way in ways:
            taken, peak, _ = run_way(way, options.corpus, options.segments)
            seconds[way].append(taken)
            peaks[way].append(peak)
    for way in ways:
        show(f"{way}, seconds", seconds[way])
        show(f"{way}, peak MiB", peaks[way])
    for way in ways[1:]:
        up = way in ("batches", "field")
        pairs = zip(seconds[way], seconds["ours"], strict=True)
        label = f"{way} / ours" if up else f"ours / {way}"
        show(f"{label} (wall time)", [other / ours if up else ours / other for other, ours in pairs])
    half = [float(run_way("encoding", options.corpus, options.segments // 2)[2]) for _ in range(options.rounds)]
    whole = [float(run_way("encoding", options.corpus, options.segments)[2]) for _ in range(options.rounds)]
    show("twice the text / once (encoding)", [b / a for a, b in zip(half, whole, strict=True)])


if __name__ == "__main__":
    main()
