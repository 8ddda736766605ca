"""What a backend takes to run a model here: load time, memory and speed, each measured in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from tokbench._shared.environment import Environment, Now, count_cores, describe_environment, installed, now
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Device
from tokbench.pythia.formats.checkpoint import Checkpoint, WeightsKind
from tokbench.pythia.measure._probe_process import DECODE_PROMPT, Request, Timer
from tokbench.pythia.measure._process_memory import Memory, read_available, read_device_memory
from tokbench.pythia.model.architecture import Architecture

PROMPT_LENGTHS = (128, 512, 2048)
DECODE_BATCHES = (1, 8)
NEW_TOKENS = 64
ROUNDS = 5

_MIB = 1 << 20
_PROCESS_BYTES = {"transformers": 700 * _MIB}
"""What interpreter and libraries hold without a model; elsewhere far less."""
_OTHER_PROCESS_BYTES = 100 * _MIB
_MARGIN = 1.15
_KV_BYTES = 4


@dataclass(frozen=True)
class Timing:
    """Seconds of each round: of a whole prompt of `tokens`, or of one step of `batch` texts at context `tokens`."""

    phase: Literal["prefill", "decode"]
    batch: int
    tokens: int
    rounds: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Median of the rounds."""
        return median(self.rounds)

    def _rate(self, seconds: float) -> float:
        return self.batch * (self.tokens if self.phase == "prefill" else 1) / seconds

    @property
    def value(self) -> float:
        """Tokens per second, all texts of the batch together: median of the rounds."""
        return self._rate(self.seconds)

    @property
    def low(self) -> float:
        """Tokens per second of the slowest round."""
        return self._rate(max(self.rounds))

    @property
    def high(self) -> float:
        """Tokens per second of the fastest round."""
        return self._rate(min(self.rounds))


@dataclass(frozen=True)
class BackendMeasurement:
    """One model on one backend in one type: what was measured, and all that it depends on.

    Memory is in bytes: `before` loading with the libraries imported, `loaded`, `generated` after `generated_tokens` new
    tokens for a prompt of `generation_prompt`, and the `peak` of all this and of the longest prompt of `prompt_lengths`
    that the context holds; `device_bytes` is what that took on a CUDA device. Timings come from later loads.
    """

    model: str
    architecture: Architecture
    weights: WeightsKind
    sha256: str
    backend: str
    quantization: str
    device: Device
    threads: int
    context: int
    generated_tokens: int
    generation_prompt: int
    file_bytes: int
    load_seconds: float
    before: Memory
    loaded: Memory
    generated: Memory
    peak: int | None
    device_bytes: int | None
    kv_bytes_per_value: int
    settings: Mapping[str, str]
    libraries: Mapping[str, str]
    environment: Environment
    timings: tuple[Timing, ...]


def measure_backend(
    checkpoint: Checkpoint,
    backend: str,
    quantization: str,
    threads: int | None = None,
    *,
    device: Device = "cpu",
    context: int | None = None,
    prompt_lengths: Sequence[int] = PROMPT_LENGTHS,
    decode_batches: Sequence[int] = DECODE_BATCHES,
    new_tokens: int = NEW_TOKENS,
    rounds: int = ROUNDS,
    seed: int = 0,
    timer: Timer = "perf_counter",
    clock: Now = now,
) -> BackendMeasurement:
    """Convert a checkpoint if need be, then measure a backend in a process of its own.

    Threads are by default all that this process may use, `context` the model's. Prompts are random ids; one as long as
    the model's context is measured, and stated, one token shorter. `timer="process_time"` counts seconds of the CPU
    instead of those that pass. Raises TokbenchError where the backend refuses the type, where memory would not do
    (estimated beforehand), or where the process ends without a result.
    """
    architecture = checkpoint.architecture
    length = context or architecture.context
    _check_sizes(prompt_lengths, decode_batches, new_tokens, rounds, length, architecture.context)
    batch = max(decode_batches, default=1)
    check_free_memory(
        architecture, backend, quantization, name=checkpoint.name, context=length, batch=batch, device=device
    )
    # A prompt that fills the context would leave no place for the token that llama.cpp predicts.
    prompts = tuple(dict.fromkeys(min(length, architecture.context - 1) for length in prompt_lengths))
    path = BACKENDS[backend].prepare(checkpoint, quantization, device)
    request = Request(
        path=str(path),
        backend=backend,
        quantization=quantization,
        device=device,
        threads=threads or count_cores(),
        context=length,
        vocab_rows=architecture.vocab_rows,
        prompt_lengths=prompts,
        decode_batches=tuple(decode_batches),
        new_tokens=new_tokens,
        rounds=rounds,
        seed=seed,
        timer=timer,
    )
    found = _run_process(request, f"{checkpoint.name} as {quantization} on {backend}")
    return BackendMeasurement(
        model=checkpoint.name,
        architecture=architecture,
        weights=checkpoint.weights,
        sha256=checkpoint.sha256,
        backend=backend,
        quantization=quantization,
        device=device,
        threads=request.threads,
        context=length,
        generated_tokens=new_tokens,
        generation_prompt=DECODE_PROMPT,
        file_bytes=_weigh(path),
        libraries={name: version for name in BACKENDS[backend].LIBRARIES if (version := installed(name))},
        environment=describe_environment(clock),
        before=Memory(**found.pop("before")),
        loaded=Memory(**found.pop("loaded")),
        generated=Memory(**found.pop("generated")),
        timings=tuple(Timing(**(fields | {"rounds": tuple(fields["rounds"])})) for fields in found.pop("timings")),
        **found,
    )


def _check_sizes(
    prompts: Sequence[int], batches: Sequence[int], new_tokens: int, rounds: int, context: int, longest: int
) -> None:
    if min([*prompts, *batches, rounds, 1]) < 1:
        raise TokbenchError("lengths of prompts, batches and rounds are 1 or more", "leave one out to skip it")
    if new_tokens < 2:
        raise TokbenchError(f"{new_tokens} new tokens cannot be timed", "ask for 2 or more")
    if DECODE_PROMPT + new_tokens > context:
        message = f"a prompt of {DECODE_PROMPT} and {new_tokens} new tokens are more than the context of {context}"
        raise TokbenchError(message, "ask for fewer new tokens")
    if max([*prompts, context]) > longest:
        message = f"{max([*prompts, context])} tokens are more than the model's context of {longest}"
        raise TokbenchError(message, "shorten the prompts or the context")


def estimate_bytes(
    architecture: Architecture, backend: str, quantization: str, *, context: int, batch: int = 1, logits: int = 1
) -> int:
    """Bytes that a process should hold at most: weights, cache, `logits` rows of them, libraries, and 15 % more.

    `batch` texts are short ones, of which tokens are decoded; one is as long as the context. A type that is no longer
    run, or that is unknown, raises the error of `tokbench.pythia.model.quantization`.
    """
    from tokbench.pythia.model.memory import estimate_memory
    from tokbench.pythia.model.quantization import find_quantization, require_runnable

    kind = find_quantization(quantization)
    require_runnable(kind)
    overhead = _PROCESS_BYTES.get(backend, _OTHER_PROCESS_BYTES) + 2 * 4 * logits * architecture.vocab_rows
    tokens = max(context, batch * (DECODE_PROMPT + NEW_TOKENS))
    return int(
        _MARGIN * estimate_memory(architecture, kind, tokens=tokens, bytes_per_value=_KV_BYTES, overhead=overhead).total
    )


def check_free_memory(
    architecture: Architecture,
    backend: str,
    quantization: str,
    *,
    name: str,
    context: int | None = None,
    batch: int = 1,
    logits: int = 1,
    device: Device = "cpu",
) -> None:
    """TokbenchError where running a model should need more memory than is free; by default with all its context."""
    length = context or architecture.context
    needed = estimate_bytes(architecture, backend, quantization, context=length, batch=batch, logits=logits)
    available = read_device_memory()[1] if device == "cuda" else read_available()
    check_memory(needed, available, f"{name} as {quantization} on {backend}")


def check_memory(needed: int, available: int, name: str) -> None:
    """TokbenchError where `needed` bytes are more than are `available`."""
    if needed > available:
        message = f"{name} would need about {needed / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB are free"
        raise TokbenchError(message, "choose a smaller size or a smaller type, or end other programs")


def _weigh(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.suffix in {".bin", ".safetensors"}]
    return sum(file.stat().st_size for file in files)


def _run_process(request: Request, name: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="tokbench-") as folder:
        question, answer = Path(folder, "request.json"), Path(folder, "result.json")
        question.write_text(json.dumps(asdict(request)), "utf-8")
        command = [sys.executable, "-m", "tokbench.pythia.measure._probe_process", str(question), str(answer)]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)  # noqa: S603
        if done.returncode or not answer.is_file():
            lines = done.stderr.strip().splitlines()
            reason = lines[-1] if lines else "it said nothing"
            message = f"measuring {name} ended with status {done.returncode}: {reason}"
            raise TokbenchError(message, "was it killed for lack of memory? choose a smaller size")
        content = json.loads(answer.read_text("utf-8"))
    if "error" in content:
        raise TokbenchError(content["error"]["message"], content["error"]["hint"])
    result: dict[str, Any] = content["result"]
    return result
