"""A gigabyte through `tokbench compare`: `python benchmarks/streaming.py FOLDER_OF_NTREX [--megabytes 1000]`.

Writes two languages in a temporary folder, NTREX again and again with each copy's words marked anew, runs the
comparison in a process of its own, and prints its peak memory and MB/s.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokbench.adapters.bench.footprint import make_distinct


def write_corpus(source: Path, folder: Path, megabytes: int) -> int:
    """Write two languages of as many lines each; the number of lines."""
    columns = [
        next(source.glob(f"*-src.{lang}.txt" if lang == "eng" else f"*-ref.{lang}.txt"))
        .read_text(encoding="utf-8")
        .splitlines()
        for lang in ("eng", "deu")
    ]
    written = 0
    with (folder / "eng.txt").open("w") as first, (folder / "deu.txt").open("w") as second:
        streams = (make_distinct(column, 10**12) for column in columns)
        lines = [(line for batch in stream for line in batch) for stream in streams]
        size = 0
        while size < megabytes * 1_000_000:
            pair = [next(column) for column in lines]
            for file, line in zip((first, second), pair, strict=True):
                file.write(line + "\n")
                size += len(line.encode()) + 1
            written += 1
    return written


def main() -> None:
    """Write, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--tokenizer", default="gpt-neox-20b")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = write_corpus(options.corpus, folder, options.megabytes)
        start = time.perf_counter()
        command = [sys.executable, "-m", "tokbench", "compare", options.tokenizer, "-c", str(folder), "-q", "--offline"]
        process = subprocess.Popen([*command, "--no-throughput"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
    print(f"exit {process.returncode}, {lines} segments, {options.megabytes} MB in {seconds:.1f} s")
    print(f"{options.megabytes / seconds:.1f} MB/s, peak {usage.ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
