"""Our whole comparison against its floor and against the field's way, as ratios measured in one run.

`python benchmarks/standard_job.py FOLDER_OF_NTREX FOLDER_OF_FLORES [--rounds N] [--jobs standard,wide,large,small]`:
four jobs (see `jobs.py`), each as ours and as the bare engines, by wall time and by CPU seconds, which a busy machine
does not change as much. Every way runs in a process of its own, in turn in each round; start of Python and loading
included. The tokenizers' files are found as `tokbench` finds them (TOKBENCH_TOKENIZERS).
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from jobs import JOBS, make_large

from tokbench.adapters.bench.speed import Interval

SCRIPT = Path(__file__).with_name("jobs.py")
WAYS = {
    "standard": ("ours", "floor", "floor1", "batches", "field"),
    "wide": ("ours", "floor"),
    "large": ("ours", "counts", "floor"),
    "small": ("ours", "floor", "batches"),
}


class Run(NamedTuple):
    """What one process took: seconds by the wall and of CPU, peak memory in MiB; and what it printed."""

    wall: float
    cpu: float
    peak: float
    printed: str


def run_way(way: str, job: str, corpus: Path, segments: int | None) -> Run:
    """Run one way of a job."""
    limit = [] if segments is None else ["-n", str(segments)]
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), way, job, str(corpus), *limit], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    printed = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{way} failed")
    cpu = usage.ru_utime + usage.ru_stime
    return Run(time.perf_counter() - start, cpu, usage.ru_maxrss / 1024, printed.strip())


def show(label: str, values: list[float]) -> None:
    """Print a median with its interval."""
    found = Interval.of(values)
    print(f"{label:52} {found.value:7.2f} [{found.low:.2f}, {found.high:.2f}]", flush=True)


def compare_ways(job: str, corpus: Path, rounds: int, segments: int | None) -> None:
    """Run every way of a job in each round, and print seconds, memory and ratios."""
    run_way("ours", job, corpus, segments)  # verifies the engines once, and warms the disk
    runs: dict[str, list[Run]] = {way: [] for way in WAYS[job]}
    for _ in range(rounds):
        for way, done in runs.items():
            done.append(run_way(way, job, corpus, segments))
    for way, done in runs.items():
        for measure in ("wall", "cpu", "peak"):
            show(f"{job}: {way}, {measure}", [getattr(run, measure) for run in done])
    for way in WAYS[job][1:]:
        up = way in ("batches", "field")
        label = f"{way} / ours" if up else f"ours / {way}"
        for measure in ("wall", "cpu"):
            pairs = [
                (getattr(other, measure), getattr(ours, measure))
                for other, ours in zip(runs[way], runs["ours"], strict=True)
            ]
            show(f"{job}: {label}, {measure}", [other / ours if up else ours / other for other, ours in pairs])


def show_growth(corpus: Path, rounds: int) -> None:
    """Print how the seconds of encoding and counting grow with twice the text."""
    whole = JOBS["standard"].segments or 0
    seconds = [
        [float(run_way("encoding", "standard", corpus, size).printed) for _ in range(rounds)]
        for size in (whole // 2, whole)
    ]
    show("twice the text / once (encoding)", [b / a for a, b in zip(*seconds, strict=True)])


def main() -> None:
    """Run the rounds and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ntrex", type=Path)
    parser.add_argument("flores", type=Path, help="the folder of one split: a file per language")
    parser.add_argument("--jobs", default=",".join(WAYS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("-n", "--segments", type=int, help="of the standard, wide and small jobs")
    parser.add_argument("--large", type=int, default=1_000_000_000, help="bytes of the large job")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpora = {"standard": options.ntrex, "wide": options.flores, "small": options.flores, "large": Path(folder)}
        for job in options.jobs.split(","):
            if job == "large":
                make_large(options.ntrex, Path(folder), options.large)
            compare_ways(job, corpora[job], options.rounds, None if job == "large" else options.segments)
    if "standard" in options.jobs:
        show_growth(options.ntrex, options.rounds)


if __name__ == "__main__":
    main()
