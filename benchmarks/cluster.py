"""Run a real Ray cluster of two nodes on this machine, kill its parts, and see whether the counts stay the same.

    pip install -e '.[ray]'
    python benchmarks/cluster.py FOLDER --tokenizer gpt-neox-20b --mb 100

FOLDER: plain text files, such as those of NTREX-128; 24 files of the size that `--mb` says together are made from them.
Prints a line for each case: what was done, and whether the outcome is as it must be; exit status 1 if any is not.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SHARDS = 24
MARK = "TOKBENCH_CLUSTER_NODE"
"""Environment variable of every process of a node: its name."""

PORT = 6397
MEMORY = 2 << 30
"""Bytes that a worker may hold: one of the shards needs more."""

_DEADLINE = 240
_PROC = Path("/proc")


# ---- a run, in a process of its own


def drive(folder: Path, tokenizer: str, executor: str | None, workers: int | None, results: Path | None) -> None:
    """Measure the texts in a folder; print the digest, what is missing, and CPU seconds, as JSON."""
    from tokbench.adapters import load_tokenizer
    from tokbench.corpora import open_stream
    from tokbench.errors import TokbenchError
    from tokbench.executors import open_executor
    from tokbench.measurement.needs import EVERYTHING
    from tokbench.measurement.shard_task import ShardSettings
    from tokbench.measurement.streams import measure_stream

    stream = open_stream(f"{folder}/*.txt:format=text,label=all")
    settings = ShardSettings("whitespace", {"all": True}, EVERYTHING)
    progress = Counting()
    begun = time.monotonic()
    loaded = load_tokenizer(tokenizer, engine=choose_engine(tokenizer))
    loaded.encode("loaded")
    try:
        found = measure_stream(
            [loaded],
            stream,
            settings,
            executor=None if executor is None else open_executor(executor, workers),
            resume=results,
            progress=progress,
        )
    except TokbenchError as error:
        print(json.dumps({"error": str(error)}))
        return
    frames = vars(found.measurements.with_names_as_text())
    rows = repr([frames[name].rows() for name in sorted(frames)])
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    outcome = {
        "digest": hashlib.sha256((rows + found.sha256).encode()).hexdigest()[:16],
        "measured": progress.steps,
        "read": found.read,
        "missing": {one.name: one.reason for one in found.missing},
        "seconds": time.monotonic() - begun,
        "cpu": sum(one.ru_utime + one.ru_stime for one in used),
    }
    print(json.dumps(outcome))


def choose_engine(tokenizer: str) -> str | None:
    """Return the fast engine, if it runs the tokenizer: `compare` would choose it on so much text."""
    from tokbench.adapters import find_asset, find_engines

    return "fastokens" if "fastokens" in find_engines(find_asset(tokenizer).format) else None


class Counting:
    """Counts the shards that are measured, and says so on standard error."""

    steps = 0

    def start(self, phase: str, total: int) -> None:
        """Ignore the phase."""

    def advance(self, phase: str, amount: int = 1, what: str = "") -> None:
        """Count a shard."""
        self.steps += 1
        print(f"shard {self.steps}", file=sys.stderr, flush=True)

    def finish(self, phase: str) -> None:
        """Ignore the end."""


class Run:
    """A driver in a process of its own."""

    def __init__(self, arguments: list[str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--drive", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait_for_shards(self, count: int) -> None:
        """Return when so many shards have been measured."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.strip() == f"shard {count}":
                return

    def finish(self) -> dict[str, Any]:
        """Return what the driver printed."""
        output, errors = self.process.communicate(timeout=_DEADLINE * 4)
        lines = [line for line in output.splitlines() if line.startswith("{")]
        return dict(json.loads(lines[-1])) if lines else {"error": errors.strip()[-300:] or "it printed nothing"}


# ---- the cluster


@contextmanager
def start_node(name: str, folder: Path, **environment: str) -> Iterator[None]:
    """Run a node with one core while a block runs; then end its processes, and no others.

    The node called `head` is the head of the cluster; of others, there is one at a time.
    """
    head = name == "head"
    where = ["--head", f"--port={PORT}", f"--temp-dir={folder}", "--include-dashboard=false"]
    command = [
        *(str(Path(sys.executable).parent / "ray"), "start", *(where if head else [f"--address=127.0.0.1:{PORT}"])),
        *("--num-cpus=1", "--block", "--object-store-memory=150000000", "--disable-usage-stats"),
    ]
    own = {**os.environ, MARK: name, "TOKBENCH_WORKER_MEMORY": str(MEMORY), **environment}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, env=own, start_new_session=True, **quiet)
    begun = time.monotonic()
    while not has_nodes(1 if head else 2):
        if process.poll() is not None:  # on a busy machine, nodes give up early
            kill_node(name)
            process = subprocess.Popen(command, env=own, start_new_session=True, **quiet)
        if time.monotonic() - begun > _DEADLINE:
            kill_node(name)
            raise SystemExit(f"the node {name} does not start")
    try:
        yield
    finally:
        kill_node(name)
        process.wait()
        while not head and not has_nodes(1):  # until the cluster knows
            time.sleep(1)


def has_nodes(count: int) -> bool:
    """Return whether the cluster has so many live nodes."""
    code = (
        f"import ray; ray.init('127.0.0.1:{PORT}', log_to_driver=False, logging_level='ERROR'); "
        "print('alive', sum(n['Alive'] for n in ray.nodes()))"
    )
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    except subprocess.TimeoutExpired:
        return False
    return f"alive {count}" in done.stdout


def list_processes(name: str, command: str = "") -> list[int]:
    """Return the processes of a node, and of those the ones whose command line contains a text."""
    found = []
    for entry in _PROC.iterdir():
        try:
            if f"{MARK}={name}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found += [int(entry.name)] if command in line else []
        except (OSError, ValueError):
            continue
    return found


def kill_node(name: str) -> None:
    """Kill all processes of a node, until there are none."""
    while pids := list_processes(name):
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        time.sleep(0.2)


class CpuMeter:
    """Adds up the CPU seconds of all processes of nodes while a block runs.

    Ray's workers end with their job, and nobody waits for them: their times are looked at ten times a second.
    seconds: of all processes. workers: of the workers alone; the rest runs all the time.
    """

    def __init__(self, *names: str) -> None:
        self.names = names
        self.seconds = self.workers = 0.0
        self._last: dict[int, float] = {}
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> CpuMeter:
        self._look()
        self.seconds = self.workers = 0.0
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopped.wait(0.1):
            self._look()

    def _look(self) -> None:
        for pid in itertools.chain.from_iterable(map(list_processes, self.names)):
            try:
                fields = (_PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
            except OSError:
                continue
            used = sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
            more = used - self._last.get(pid, 0.0)
            self.seconds += more
            self.workers += more if is_worker(pid) else 0.0
            self._last[pid] = used


def is_worker(pid: int) -> bool:
    """Return whether a process is a worker of Ray, which names itself by what it does."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().startswith((b"ray::work_on", b"ray::IDLE"))
    except OSError:
        return False


# ---- the cases


def make_texts(source: Path, folder: Path, size: int) -> None:
    """Write the files that are measured: lines of all source files in turn."""
    lines = itertools.cycle(
        line
        for path in sorted(source.rglob("*.txt"))
        for line in path.read_text(encoding="utf-8", errors="strict").splitlines(keepends=True)
    )
    folder.mkdir()
    for number in range(SHARDS):
        with (folder / f"{number:02}.txt").open("w", encoding="utf-8") as stream:
            written = 0
            while written < size // SHARDS:
                line = next(lines)
                stream.write(line)
                written += len(line.encode())


class Cases:
    """The cases, each of which prints a line."""

    def __init__(self, texts: Path, scratch: Path, tokenizer: str) -> None:
        self.texts = texts
        self.scratch = scratch
        self.tokenizer = tokenizer
        self.failed = 0
        self.number = 0

    def run(self, executor: str | None = None, texts: Path | None = None, workers: int = 2, **options: Any) -> Run:
        """Start a driver."""
        named = [] if executor is None else ["--executor", executor, "--workers", str(workers)]
        results = ["--results", str(options["results"])] if "results" in options else []
        return Run([str(texts or self.texts), "--tokenizer", self.tokenizer, *named, *results])

    def tell(self, case: str, fine: bool, outcome: str) -> None:
        """Print the line of a case."""
        self.failed += not fine
        print(f"{'ok  ' if fine else 'FAIL'} {case}: {outcome}", flush=True)

    def vary(self, change: Callable[[Path], None]) -> Path:
        """Return a folder with the same files, of which one is changed."""
        self.number += 1
        folder = self.scratch / f"varied{self.number}"
        folder.mkdir()
        for path in self.texts.iterdir():
            (folder / path.name).symlink_to(path)
        (folder / "07.txt").unlink()
        change(folder / "07.txt")
        return folder


def run_local_cases(cases: Cases) -> dict[str, Any]:
    """One process, then local workers: equal digests, and how much faster two are than one."""
    one = cases.run().finish()
    cases.tell("one process", "digest" in one, describe(one))
    alone, both = (cases.run("local", workers=workers).finish() for workers in (1, 2))
    speed = alone.get("seconds", 0) / both.get("seconds", 1)
    same = one.get("digest") == alone.get("digest") == both.get("digest")
    cases.tell("local, 1 worker", same, describe(alone))
    cases.tell("local, 2 workers", same, f"{describe(both)}, {speed:.2f} times as fast as 1")
    return {"digest": one.get("digest"), "cpu": both.get("cpu", 0)}


def run_cluster_cases(cases: Cases, local: dict[str, Any], node: Path) -> None:
    """The cluster as it is, then with its parts killed."""
    address = f"127.0.0.1:{PORT}"

    def compare(case: str, outcome: dict[str, Any], note: str = "") -> None:
        cases.tell(case, outcome.get("digest") == local["digest"], describe(outcome) + note)

    with start_node("second", node):
        warm = cases.run(address).finish()
        compare("cluster, cold", warm)
        with CpuMeter("head", "second") as meter:
            outcome = cases.run(address).finish()
        cpu = outcome.get("cpu", 0) + meter.seconds
        alone = (outcome.get("cpu", 0) + meter.workers) / local["cpu"]
        share = f"{cpu / local['cpu']:.2f} of local, {alone:.2f} without the processes that always run"
        compare("cluster", outcome, f"; CPU with Ray's own {cpu:.1f} s: {share}")

        running = cases.run(address)
        running.wait_for_shards(3)
        killed = [*list_processes("second", "ray::"), *list_processes("head", "ray::")][:1]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        compare("a worker killed", running.finish(), f"; {len(killed)} killed")

        running = cases.run(address)
        running.wait_for_shards(3)
        kill_node("second")
        compare("a node killed", running.finish())


def run_lost_cases(cases: Cases, digest: str | None, node: Path) -> None:
    """The command killed and resumed, and a file that is corrupt."""
    address = f"127.0.0.1:{PORT}"
    with start_node("second", node):
        results = cases.scratch / "results"
        running = cases.run(address, results=results)
        running.wait_for_shards(8)
        os.kill(running.process.pid, signal.SIGKILL)
        running.process.communicate()
        there = len(list(results.glob("*.shard")))
        again = cases.run(address, results=results).finish()
        only_missing = again.get("measured") == SHARDS - there
        fine = again.get("digest") == digest and only_missing
        cases.tell("the driver killed, then --resume", fine, f"{describe(again)}, {there} were there")

        corrupt = cases.vary(lambda path: path.write_bytes(b"some text\n" * 50_000 + b"\xff\xfe\xfd\n"))
        outcome = cases.run(address, texts=corrupt).finish()
        fine = list(outcome.get("missing", ())) == ["07.txt"] and outcome["read"] == SHARDS - 1
        cases.tell("a corrupt shard", fine, describe(outcome))


def run_odd_workers(cases: Cases, node: Path) -> None:
    """A worker with another version of an engine, and a shard that needs too much memory."""
    fake = cases.scratch / "other" / "tokenizers-0.0.1.dist-info"
    fake.mkdir(parents=True)
    (fake / "METADATA").write_text("Metadata-Version: 2.1\nName: tokenizers\nVersion: 0.0.1\n", encoding="utf-8")
    paths = os.pathsep.join([str(fake.parent), os.environ.get("PYTHONPATH", "")])
    with start_node("odd", node, PYTHONPATH=paths):
        outcome = cases.run(f"127.0.0.1:{PORT}").finish()
        cases.tell("another engine version", "tokenizers 0.0.1" in outcome.get("error", ""), describe(outcome))


def run_large_shard(cases: Cases) -> None:
    """A shard that needs more memory than a worker may hold."""
    large = cases.vary(lambda path: path.write_bytes(b"one line of text without an end " * 8_000_000))
    outcome = cases.run(f"127.0.0.1:{PORT}", texts=large).finish()
    missing = list(outcome.get("missing", ()))  # the parts of this file
    fine = bool(missing) and all(name.startswith("07.txt") for name in missing)
    fine = fine and outcome["read"] + len(missing) == outcome["measured"]
    cases.tell("a shard that needs too much memory", fine, describe(outcome))


def describe(outcome: dict[str, Any]) -> str:
    """Return what a run gave, on one line."""
    if "error" in outcome:
        return f"error: {outcome['error']}"
    missing = "".join(f", without {name} ({reason})" for name, reason in outcome["missing"].items())
    return (
        f"digest {outcome['digest']}, {outcome['measured']} shards measured in {outcome['seconds']:.1f} s, "
        f"CPU {outcome['cpu']:.1f} s{missing}"
    )


def main() -> None:
    """Run all cases, or be the driver of one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tokenizer", default="gpt-neox-20b")
    parser.add_argument("--mb", type=float, default=100)
    parser.add_argument("--only", choices=("local", "cluster", "odd", "large"), help="run only these cases")
    parser.add_argument("--drive", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--executor", help=argparse.SUPPRESS)
    parser.add_argument("--workers", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--results", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.drive:
        drive(given.folder, given.tokenizer, given.executor, given.workers, given.results)
        return
    with tempfile.TemporaryDirectory(prefix="tb") as folder:
        scratch = Path(folder)
        make_texts(given.folder, scratch / "texts", int(given.mb * 1e6))
        cases = Cases(scratch / "texts", scratch, given.tokenizer)
        only = given.only
        local = run_local_cases(cases) if only in (None, "local", "cluster") else {}
        if only == "local":
            raise SystemExit(1 if cases.failed else 0)
        with start_node("head", scratch / "ray"):
            if only in (None, "cluster"):
                run_cluster_cases(cases, local, scratch / "ray")
                run_lost_cases(cases, local["digest"], scratch / "ray")
            if only in (None, "odd"):
                run_odd_workers(cases, scratch / "ray")
            if only in (None, "large"):
                run_large_shard(cases)
    raise SystemExit(1 if cases.failed else 0)


if __name__ == "__main__":
    main()
