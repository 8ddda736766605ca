"""Measure what a backend needs to run a model here.

Load time, memory and speed, in fresh processes.
"""

from __future__ import annotations

import json
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
from tokbench.pythia.measure._limited_process import find_limit, run_limited
from tokbench.pythia.measure._probe_process import DECODE_PROMPT, Request, Timer
from tokbench.pythia.measure._process_memory import Memory, read_available, read_device_memory
from tokbench.pythia.model.architecture import Architecture

PROMPT_LENGTHS = (128, 512, 2048)
DECODE_BATCHES = (1, 8)
NEW_TOKENS = 64
ROUNDS = 5

_MIB = 1 << 20
_PROCESS_BYTES = {"transformers": 700 * _MIB}
"""Memory of interpreter and libraries without a model; far less on other backends."""
_OTHER_PROCESS_BYTES = 100 * _MIB
_MARGIN = 1.15
_KV_BYTES = 4


@dataclass(frozen=True)
class PhaseRounds:
    """Seconds of each round.

    For prefill, of a prompt of `tokens`; for decoding, of one step of `batch` texts at context `tokens`.
    """

    phase: Literal["prefill", "decode"]
    batch: int
    tokens: int
    rounds: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Return the median of the rounds."""
        return median(self.rounds)

    def _rate(self, seconds: float) -> float:
        return self.batch * (self.tokens if self.phase == "prefill" else 1) / seconds

    @property
    def value(self) -> float:
        """Return tokens per second over the whole batch: median of the rounds."""
        return self._rate(self.seconds)

    @property
    def low(self) -> float:
        """Return tokens per second in the slowest round."""
        return self._rate(max(self.rounds))

    @property
    def high(self) -> float:
        """Return tokens per second in the fastest round."""
        return self._rate(min(self.rounds))


@dataclass(frozen=True)
class BackendMeasurement:
    """One model on one backend in one type.

    The measurements, and everything they depend on.

    before, loaded, generated: memory in bytes before loading (with libraries imported), after loading, and after
        `generated_tokens` new tokens for a prompt of `generation_prompt`.
    peak: peak memory over all of this and the longest prompt of `prompt_lengths` that fits the context, in bytes.
    device_bytes: memory that took on a CUDA device.
    timings: from later loads.
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
    timings: tuple[PhaseRounds, ...]


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
    """Measure a backend in a separate process, converting the checkpoint if necessary.

    threads: default all that this process may use.
    context: default the model's.
    prompt_lengths: in tokens; prompts are random ids. A prompt as long as the model's context is measured, and
        reported, one token shorter.
    timer: "process_time" counts CPU seconds instead of elapsed ones.

    Raises TokbenchError if the backend refuses the type, if memory would not suffice (estimated beforehand), or if the
    process ends without a result.
    """
    architecture = checkpoint.architecture
    length = context or architecture.context
    _check_sizes(prompt_lengths, decode_batches, new_tokens, rounds, length, architecture.context)
    batch = max(decode_batches, default=1)
    check_free_memory(
        architecture, backend, quantization, name=checkpoint.name, context=length, batch=batch, device=device
    )
    # A prompt that fills the context would leave no room for the token that llama.cpp predicts.
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
        timings=tuple(PhaseRounds(**(fields | {"rounds": tuple(fields["rounds"])})) for fields in found.pop("timings")),
        **found,
    )


def _check_sizes(
    prompts: Sequence[int], batches: Sequence[int], new_tokens: int, rounds: int, context: int, longest: int
) -> None:
    if min([*prompts, *batches, rounds, 1]) < 1:
        raise TokbenchError("prompt lengths, batches and rounds must be at least 1", "leave one out to skip it")
    if new_tokens < 2:
        raise TokbenchError(f"{new_tokens} new tokens cannot be timed", "generate at least 2")
    if DECODE_PROMPT + new_tokens > context:
        message = f"a prompt of {DECODE_PROMPT} and {new_tokens} new tokens are more than the context of {context}"
        raise TokbenchError(message, "generate fewer new tokens")
    if max([*prompts, context]) > longest:
        message = f"{max([*prompts, context])} tokens are more than the model's context of {longest}"
        raise TokbenchError(message, "shorten the prompts or the context")


def estimate_bytes(
    architecture: Architecture, backend: str, quantization: str, *, context: int, batch: int = 1, logits: int = 1
) -> int:
    """Estimate the most memory a process should need, in bytes.

    Weights, cache, `logits` rows of logits, libraries, and a margin of 15 %. The `batch` texts are short and continued;
    one text fills the context. Raises the error of `tokbench.pythia.model.quantization` for a type that is unknown or
    no longer run.
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
    """Raise TokbenchError if running a model should need more memory than is free.

    context: default the model's.
    """
    length = context or architecture.context
    needed = estimate_bytes(architecture, backend, quantization, context=length, batch=batch, logits=logits)
    available = read_device_memory()[1] if device == "cuda" else read_available()
    check_memory(needed, available, f"{name} as {quantization} on {backend}")


def check_memory(needed: int, available: int, name: str) -> None:
    """Raise TokbenchError if `needed` bytes exceed those `available`."""
    if needed > available:
        message = f"{name} would need about {needed / 2**30:.1f} GiB, and {available / 2**30:.1f} GiB are free"
        raise TokbenchError(message, "choose a smaller model or type, or close other programs")


def _weigh(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.suffix in {".bin", ".safetensors"}]
    return sum(file.stat().st_size for file in files)


def _run_process(request: Request, name: str) -> dict[str, Any]:
    limit = find_limit(request, _weigh(Path(request.path)))
    with tempfile.TemporaryDirectory(prefix="tokbench-") as folder:
        question, answer = Path(folder, "request.json"), Path(folder, "result.json")
        question.write_text(json.dumps(asdict(request)), "utf-8")
        command = [sys.executable, "-P", "-m", "tokbench.pythia.measure._probe_process", str(question), str(answer)]
        run_limited(command, f"measuring {name}", limit)
        if not answer.is_file():
            raise TokbenchError(f"measuring {name} ended without a result", "run the command again")
        content = json.loads(answer.read_text("utf-8"))
    if "error" in content:
        raise TokbenchError(content["error"]["message"], content["error"]["hint"])
    result: dict[str, Any] = content["result"]
    return result
