"""Kill commands at random moments: `python -m tests.hostile.kills --kills 200 --seed N`.

After each kill, every output is whole or absent, and the same command, run again on the same cache, gives what it gives
when nothing disturbs it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from helpers.made import make_tokenizer_json, train_byte_level
from hostile.server import Server

TEXTS = {
    "en": "the quick fox jumps over the lazy dog",
    "zh": "\u4f60\u597d\uff0c\u4e16\u754c",
    "th": "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35",
}
LINES = 3_000
SIGNALS = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
LIMIT = 120.0
"""Seconds after which a command hangs."""


@dataclass(frozen=True)
class Job:
    """A command that writes files into its working directory.

    outputs: the files and folders that it writes. read: what must be equal in undisturbed runs, from the folder.
    """

    name: str
    command: tuple[str, ...]
    outputs: tuple[str, ...]
    read: Callable[[Path, str], Any]


@dataclass(frozen=True)
class Finding:
    """What a kill left behind; empty if all is well."""

    job: str
    signal: str
    after: float
    fault: str
    killed: bool


def read_comparison(folder: Path, printed: str) -> Any:
    """The figures of a comparison, from each of its outputs."""
    import tokbench as tb

    document = json.loads((folder / "out.json").read_text("utf-8"))
    assert (folder / "out.html").read_text("utf-8").rstrip().endswith("</html>")
    assert tb.load(folder / "saved").frame.height == len(document["results"])
    rows = [row for row in document["results"] if row["metric"] != "throughput"]
    return rows, document["examples"], len(printed.splitlines())


def read_benchmark(folder: Path, printed: str) -> Any:
    """The engines of a benchmark, and which are exact."""
    document = json.loads((folder / "bench.json").read_text("utf-8"))
    return [benchmark["engines"] for benchmark in document["benchmarks"]]


def read_measurement(folder: Path, printed: str) -> Any:
    """What a measurement of a model says, apart from what it measured."""
    return drop_numbers(json.loads((folder / "model.json").read_text("utf-8"))["measurements"])


def drop_numbers(value: Any) -> Any:
    """The same document without dates, and with every number replaced by its type."""
    if isinstance(value, dict):
        return {key: drop_numbers(inner) for key, inner in value.items() if key != "date"}
    if isinstance(value, list):
        return [drop_numbers(inner) for inner in value]
    return type(value).__name__ if isinstance(value, int | float) else value


def read_pull(folder: Path, printed: str) -> Any:
    """The ids that the downloaded tokenizer gives."""
    done = run(("encode", "hf:org/name", "the quick fox"), folder, dict(os.environ) | ENVIRONMENT[folder])
    assert done.returncode == 0, done.stderr
    return done.stdout


ENVIRONMENT: dict[Path, dict[str, str]] = {}
"""Of each working directory: its own cache, and the hub."""


def run(command: tuple[str, ...], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tokbench", *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def list_jobs(base: Path) -> tuple[Job, ...]:
    """The commands, on small files in `base`."""
    corpus, tokenizer, model = str(base / "corpus"), str(base / "tokenizer.json"), str(base / "pythia-70m")
    files = ("out.json", "out.html", "saved")
    compare = ("compare", "utf8", "byt5", tokenizer, "-c", corpus, "--resamples", "200", "-q", "--save", "saved")
    bench = ("bench", tokenizer, "-c", corpus, "-n", "300", "--rounds", "3", "-f", "json", "-o", "bench.json")
    jobs = [
        Job("compare", (*compare, "-o", "out.json", "-o", "out.html"), files, read_comparison),
        Job("bench", bench, ("bench.json",), read_benchmark),
        Job("pull", ("pull", "hf:org/name"), (), read_pull),
    ]
    if (base / "pythia-70m").is_dir():
        shape = ("--prompts", "16", "--batches", "1", "--new-tokens", "120", "--rounds", "1", "--context", "200")
        measure = ("model", "measure", model, "--backend", "ctranslate2", "--quantization", "float32", "--offline")
        jobs.append(Job("model", (*measure, *shape, "-o", "model.json"), ("model.json",), read_measurement))
    return tuple(jobs)


def prepare(base: Path) -> None:
    """Write the corpus, the tokenizer and, where the libraries are, a small model."""
    (base / "corpus").mkdir()
    for lang, text in TEXTS.items():
        (base / "corpus" / f"{lang}.txt").write_text("".join(f"{text} {i}\n" for i in range(LINES)), "utf-8")
    make_tokenizer_json(base).rename(base / "tokenizer.json")
    try:
        import ctranslate2  # noqa: F401
        import safetensors  # noqa: F401
    except ImportError:
        return
    from tokbench.pythia.formats.random_weights import make
    from tokbench.pythia.model.architecture import Architecture

    make(Architecture(layers=2, width=64, heads=4, vocab_rows=420, context=256), base / "pythia-70m", seed=1)
    train_byte_level(400).save(str(base / "pythia-70m" / "tokenizer.json"))


def make_environment(folder: Path, address: str) -> dict[str, str]:
    """An environment in which everything that is kept is kept in the folder."""
    own = {
        "TOKBENCH_CACHE": str(folder / "cache"),
        "HF_HOME": str(folder / "hub"),
        "HF_ENDPOINT": address,
        "HF_HUB_OFFLINE": "0",
        "TOKBENCH_TOKENIZERS": "",
    }
    ENVIRONMENT[folder] = own
    return dict(os.environ) | own


def kill_once(job: Job, base: Path, address: str, expected: Any, seconds: float, seed: str) -> Finding:
    """Run a command, kill it, look at what it left, and run it again."""
    draw = random.Random(seed)
    number, after = draw.choice(SIGNALS), draw.uniform(0, seconds)
    with tempfile.TemporaryDirectory(dir=base) as name:
        folder = Path(name)
        environment = make_environment(folder, address)
        with subprocess.Popen(
            [sys.executable, "-m", "tokbench", *job.command],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                process.wait(after)
            except subprocess.TimeoutExpired:
                process.send_signal(number)
            try:
                _, error = process.communicate(timeout=LIMIT)
            except subprocess.TimeoutExpired:
                process.kill()
                return Finding(job.name, number.name, after, f"hangs after {number.name}", killed=True)
        killed = process.returncode != 0
        fault = find_fault(job, folder, number, error, killed=killed)
        if not fault:
            fault = run_again(job, folder, environment, expected)
        return Finding(job.name, number.name, after, fault, killed)


def find_fault(job: Job, folder: Path, number: signal.Signals, error: str, *, killed: bool) -> str:
    """Return what is half-written, left over or untidy after a kill; empty if nothing is."""
    for output in job.outputs:
        if (folder / output).exists() and (reason := find_damage(folder / output)):
            return f"{output}: {reason}"
    if killed and number is not signal.SIGKILL:
        left = [path.name for path in folder.rglob(".tokbench-*")]
        if left:
            return f"left over: {', '.join(left)}"
        if "Traceback" in error and "KeyboardInterrupt" not in error.splitlines()[-1]:
            return f"a traceback: {error.splitlines()[-1]}"
        if "Traceback" in error and "tokbench" in error:
            return f"a traceback at {number.name}"
    return ""


def find_damage(path: Path) -> str:
    """Return why an output is not whole, empty if it is."""
    import tokbench as tb

    try:
        if path.is_dir():
            tb.load(path)
        elif path.suffix == ".json":
            json.loads(path.read_text("utf-8"))
        elif not path.read_text("utf-8").rstrip().endswith("</html>"):
            return "the page has no end"
    except (tb.TokbenchError, ValueError) as error:
        return str(error)
    return ""


def run_again(job: Job, folder: Path, environment: dict[str, str], expected: Any) -> str:
    """Run the command on what the kill left; return what differs from an undisturbed run."""
    try:
        done = run(job.command, folder, environment)
    except subprocess.TimeoutExpired:
        return "the next run hangs"
    if done.returncode:
        return f"the next run ends with {done.returncode}: {done.stderr.strip()[-300:]}"
    return "" if job.read(folder, done.stdout) == expected else "the next run gives other figures"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what it starts with & ignore it
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        prepare(base)
        server = Server((base / "tokenizer.json").read_bytes())
        server.start()
        address = f"http://127.0.0.1:{server.port}"
        jobs = list_jobs(base)
        expected, seconds = {}, {}
        for job in jobs:
            folder = base / f"undisturbed-{job.name}"
            folder.mkdir()
            start = monotonic()
            done = run(job.command, folder, make_environment(folder, address))
            seconds[job.name] = monotonic() - start
            assert done.returncode == 0, (job.name, done.stderr)
            expected[job.name] = job.read(folder, done.stdout)
        with ThreadPoolExecutor(options.workers) as pool:
            runs = [
                pool.submit(kill_once, job, base, address, expected[job.name], seconds[job.name], f"{options.seed}/{i}")
                for i in range(options.kills)
                for job in (jobs[i % len(jobs)],)
            ]
            findings = []
            for done, future in enumerate(as_completed(runs), 1):
                findings.append(future.result())
                if done % 20 == 0:
                    print(
                        f"{done} of {options.kills} kills, {sum(bool(f.fault) for f in findings)} faults",
                        file=sys.stderr,
                    )
    print(f"{len(findings)} kills, seed {options.seed}")
    for (job_name, number), count in sorted(Counter((f.job, f.signal) for f in findings).items()):
        inside = sum(f.killed for f in findings if (f.job, f.signal) == (job_name, number))
        print(f"{job_name:8} {number:8} {count:4} ({inside} before the command had ended)")
    faults = [finding for finding in findings if finding.fault]
    for finding in faults:
        print(f"{finding.job} {finding.signal} after {finding.after:.2f} s: {finding.fault}")
    print(f"{len(faults)} faults")
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
