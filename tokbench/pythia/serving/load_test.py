"""Measure a model under load: every number of users in a fresh process per round, rounds interleaved."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tokbench._shared.environment import Environment, Now, count_cores, describe_environment, installed, now
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Device
from tokbench.pythia.formats.checkpoint import Checkpoint, WeightsKind
from tokbench.pythia.measure._limited_process import run_limited
from tokbench.pythia.measure._process_memory import read_available, read_device_memory
from tokbench.pythia.measure.machine_load import read_load, warn_of_load
from tokbench.pythia.measure.memory_needs import check_free_memory
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import kv_cache_bytes
from tokbench.pythia.model.quantization import find_quantization
from tokbench.pythia.serving._load_process import Request
from tokbench.pythia.serving.loads import Load, check_loads

USERS = (1, 2, 4, 8, 16, 32, 64)
PROMPT = 128
NEW_TOKENS = 64
ROUNDS = 3

_LEAST_SECONDS = 600.0
_SECONDS_PER_TOKEN = 2.0
"""Of a machine slower than any in use."""


@dataclass(frozen=True)
class Case:
    """Users who send the same kind of request at the same moment; the cache's type, None for the backend's own."""

    load: Load
    users: int
    cache_type: str | None = None


@dataclass(frozen=True)
class Round:
    """One process: its times in seconds, memory in bytes (of the device on CUDA, else resident), joules if counted.

    first: until the first token, by user.
    gaps: between a user's tokens, by user.
    seconds: until the last token of all.
    before, loaded, served: memory before loading, after it, and after the last token.
    """

    first: tuple[float, ...]
    gaps: tuple[tuple[float, ...], ...]
    seconds: float
    before: int
    loaded: int
    served: int
    joules: float | None


@dataclass(frozen=True)
class LoadTest:
    """A load test: the cases with their rounds, and everything they depend on.

    kv_bytes_per_value: of the backend's own cache.
    available: bytes free on the machine, or the CUDA device, before.
    busy: the machine's load average before; None if the system does not know it.
    joules_note: why joules were not measured; None if they were.
    """

    model: str
    architecture: Architecture
    weights: WeightsKind
    sha256: str
    backend: str
    quantization: str
    device: Device
    threads: int
    settings: Mapping[str, str]
    kv_bytes_per_value: int
    libraries: Mapping[str, str]
    environment: Environment
    available: int
    busy: float | None
    joules_note: str | None
    rounds: Mapping[Case, tuple[Round, ...]]

    @property
    def warning(self) -> str | None:
        """Return a warning if other programs used the cores that were measured."""
        return warn_of_load(self.busy, self.environment.cores)


@dataclass
class LoadTester:
    """A load test being run: `run` adds one round after the other, `result` is what there is so far."""

    checkpoint: Checkpoint
    backend: str
    quantization: str
    threads: int
    cases: Sequence[Case]
    rounds: int = ROUNDS
    device: Device = "cpu"
    seed: int = 0
    clock: Now = now

    def __post_init__(self) -> None:
        """Check the cases, and prepare the weights; TokbenchError if something cannot be run."""
        if not self.cases or self.rounds < 1 or min(case.users for case in self.cases) < 1:
            raise TokbenchError("nothing to measure", "give at least one user, request and round")
        shape, name = self.checkpoint.architecture, self.checkpoint.name
        check_cases(shape, self.backend, self.quantization, self.cases, name=name, device=self.device)
        self.path = BACKENDS[self.backend].prepare(self.checkpoint, self.quantization, self.device)
        self.environment = describe_environment(self.clock)
        self.busy = read_load()
        self.available = read_device_memory()[1] if self.device == "cuda" else read_available()
        self.settings: Mapping[str, str] = {}
        self.kv_bytes_per_value = 2
        self.joules_note: str | None = None
        self.found: dict[Case, list[Round]] = {}

    def __len__(self) -> int:
        return len(self.found)

    def run(self) -> Iterator[str]:
        """Measure every case in every round, each in a fresh process; yields what is measured next."""
        for number in range(self.rounds):
            for case in self.cases:
                yield describe_case(case, number)
                self._measure(case, number)

    def _measure(self, case: Case, number: int) -> None:
        request = Request(
            path=str(self.path),
            backend=self.backend,
            quantization=self.quantization,
            cache_type=case.cache_type,
            device=self.device,
            threads=self.threads,
            vocab_rows=self.checkpoint.architecture.vocab_rows,
            prompt=case.load.prompt,
            new_tokens=case.load.new_tokens,
            users=case.users,
            seed=self.seed + number,
        )
        result = run_process(request, f"serving {self.checkpoint.name} to {describe_case(case, number)}")
        settings = result.pop("settings")
        self.settings = {name: value for name, value in settings.items() if name != "cache"}
        self.joules_note = result.pop("joules_note")
        width = result.pop("kv_bytes_per_value")
        if case.cache_type is None:
            self.kv_bytes_per_value = width
        first, gaps = tuple(result.pop("first")), tuple(map(tuple, result.pop("gaps")))
        self.found.setdefault(case, []).append(Round(first=first, gaps=gaps, **result))

    @property
    def result(self) -> LoadTest:
        """Return what was measured so far."""
        return LoadTest(
            model=self.checkpoint.name,
            architecture=self.checkpoint.architecture,
            weights=self.checkpoint.weights,
            sha256=self.checkpoint.sha256,
            backend=self.backend,
            quantization=self.quantization,
            device=self.device,
            threads=self.threads,
            settings=self.settings,
            kv_bytes_per_value=self.kv_bytes_per_value,
            libraries={name: found for name in BACKENDS[self.backend].LIBRARIES if (found := installed(name))},
            environment=self.environment,
            available=self.available,
            busy=self.busy,
            joules_note=self.joules_note,
            rounds={case: tuple(rounds) for case, rounds in self.found.items()},
        )


def check_cases(
    architecture: Architecture,
    backend: str,
    quantization: str,
    cases: Sequence[Case],
    *,
    name: str,
    device: Device = "cpu",
) -> None:
    """Raise TokbenchError if a request does not fit the context, or the largest case the memory that is free.

    Also for a cache type that the backend does not have.
    """
    check_loads([case.load for case in cases], architecture.context)
    for case in cases:
        check_cache_type(backend, case.cache_type, architecture)
    largest = max(cases, key=lambda case: case.users * case.load.tokens)
    check_free_memory(
        architecture,
        backend,
        quantization,
        name=f"{name} with {largest.users} users",
        context=largest.load.tokens,
        used=largest.load.tokens,
        batch=largest.users,
        device=device,
    )


def make_cases(loads: Sequence[Load], users: Sequence[int], cache_types: Sequence[str | None]) -> tuple[Case, ...]:
    """Return every request with every number of users and every cache type."""
    return tuple(Case(load, number, kind) for load in loads for kind in cache_types for number in users)


def describe_case(case: Case, number: int) -> str:
    """Describe a round of a case in a few words."""
    who = "1 user" if case.users == 1 else f"{case.users} users"
    lang = f" in {case.load.lang}" if case.load.lang else ""
    cache = f", cache {case.cache_type}" if case.cache_type else ""
    return f"{who}, {case.load.prompt} + {case.load.new_tokens} tokens{lang}{cache}, round {number + 1}"


def count_cache_bytes(architecture: Architecture, case: Case, bytes_per_value: int) -> int:
    """Count the bytes of a user's keys and values at the end of a request, in the case's cache type.

    bytes_per_value: for the backend's own type.
    """
    if case.cache_type is None:
        return kv_cache_bytes(architecture, case.load.tokens, bytes_per_value)
    return find_quantization(case.cache_type).matrix_bytes(1, kv_cache_bytes(architecture, case.load.tokens, 1))


def check_cache_type(backend: str, cache_type: str | None, architecture: Architecture) -> None:
    """Raise TokbenchError for a cache type that a backend cannot use, or not with a model's heads."""
    if cache_type is None:
        return
    known: tuple[str, ...] = getattr(BACKENDS[backend], "CACHE_TYPES", ())
    if cache_type not in known:
        message = f"{backend} has no cache of type {cache_type}"
        hint = f"it has {', '.join(known)}" if known else "leave the cache type out, or use llamacpp"
        raise TokbenchError(message, hint)
    block = find_quantization(cache_type).block_size
    if architecture.head_width % block:
        message = f"heads of {architecture.head_width} values cannot be cached as {cache_type}, in blocks of {block}"
        raise TokbenchError(message, f"use {known[0]}")


def run_process(request: Request, task: str) -> dict[str, Any]:
    """Measure in a fresh process; TokbenchError if it fails or takes far too long."""
    limit = _LEAST_SECONDS + _SECONDS_PER_TOKEN * request.users * (request.prompt + request.new_tokens)
    with tempfile.TemporaryDirectory(prefix="tokbench-") as folder:
        question, answer = Path(folder, "request.json"), Path(folder, "result.json")
        question.write_text(json.dumps(asdict(request)), "utf-8")
        command = [sys.executable, "-P", "-m", "tokbench.pythia.serving._load_process", str(question), str(answer)]
        run_limited(command, task, limit)
        if not answer.is_file():
            raise TokbenchError(f"{task} ended without a result", "run the command again")
        content = json.loads(answer.read_text("utf-8"))
    if "error" in content:
        raise TokbenchError(content["error"]["message"], content["error"]["hint"])
    result: dict[str, Any] = content["result"]
    return result


def choose_threads(threads: int | None) -> int:
    """Return the threads to measure with: by default all that this process may use."""
    return threads or count_cores()
