"""Measure what a backend needs to run a model here.

Load time, memory and speed, in fresh processes. Models that are measured together take turns in every round, so that
whatever else the machine does in the meantime affects all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from tokbench._shared.environment import Now, count_cores, describe_environment, installed, now
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Device
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.measure._conversation import Conversation
from tokbench.pythia.measure._limited_process import find_limit
from tokbench.pythia.measure._probe_process import DECODE_PROMPT, Request, Timer, list_cells
from tokbench.pythia.measure._process_memory import Memory
from tokbench.pythia.measure.machine_load import read_load
from tokbench.pythia.measure.measurement import BackendMeasurement, PhaseRounds
from tokbench.pythia.measure.memory_needs import check_free_memory, check_memory, estimate_bytes, read_free
from tokbench.pythia.measure.rounds import read_rounds

__all__ = [
    "BackendMeasurement",
    "PhaseRounds",
    "check_free_memory",
    "check_memory",
    "estimate_bytes",
    "measure_backend",
    "measure_together",
]

PROMPT_LENGTHS = (128, 512, 2048)
DECODE_BATCHES = (1, 8)
DECODE_CONTEXTS = (64, 1000)
NEW_TOKENS = 64
ROUNDS = 5

OnShare = Callable[[float], object]
"""Called with the share of a measurement that is done, from 0 to 1."""


def ignore_share(share: float) -> None:
    """Do nothing."""


def measure_backend(
    checkpoint: Checkpoint, backend: str, quantization: str, threads: int | None = None, **sizes: Any
) -> BackendMeasurement:
    """Measure one model; arguments and errors as for `measure_together`."""
    (measured,) = measure_together([checkpoint], backend, quantization, threads, **sizes)
    return measured


def measure_together(
    checkpoints: Sequence[Checkpoint],
    backend: str,
    quantization: str,
    threads: int | None = None,
    *,
    device: Device = "cpu",
    context: int | None = None,
    prompt_lengths: Sequence[int] = PROMPT_LENGTHS,
    decode_batches: Sequence[int] = DECODE_BATCHES,
    decode_contexts: Sequence[int] = DECODE_CONTEXTS,
    new_tokens: int = NEW_TOKENS,
    rounds: int = ROUNDS,
    seed: int = 0,
    spread: bool = False,
    timer: Timer = "perf_counter",
    clock: Now = now,
    on_share: OnShare = ignore_share,
) -> tuple[BackendMeasurement, ...]:
    """Measure models on a backend, each in a separate process, converting them if necessary.

    Memory and loading one after the other; then each prompt length, batch and context in rounds in which the models
    take turns, all of them loaded.

    threads: default all that this process may use.
    context: default the model's.
    prompt_lengths: in tokens; prompts are random ids. A prompt as long as the model's context is measured, and
        reported, one token shorter.
    decode_contexts: tokens in the cache halfway through the `new_tokens` timed; those that leave no room for them
        within the context are measured, and reported, at the nearest that does.
    spread: whether every round goes through all lengths and contexts of single texts, and loads the models anew for
        each. The rounds of small models are short, and a machine may be slower for longer than all of them take. The
        fastest round then counts: a step takes the difference from the fastest single token, not from the median.
    timer: "process_time" counts CPU seconds instead of elapsed ones.
    on_share: called after each reading of memory and each round.

    Raises TokbenchError if the backend refuses the type, if memory would not suffice (estimated beforehand), or if a
    process ends without a result.
    """
    requests: list[Request] = []
    needed = 0
    for checkpoint in checkpoints:
        shape = checkpoint.architecture
        length = context or shape.context
        _check_counts([*prompt_lengths, *decode_contexts, *decode_batches, rounds], new_tokens)
        _check_context(prompt_lengths, new_tokens, length, shape.context)
        contexts = _fit_contexts(decode_contexts, new_tokens, length)
        needed += estimate_need(
            checkpoint,
            backend,
            quantization,
            context=context,
            decode_batches=decode_batches,
            decode_contexts=decode_contexts,
            new_tokens=new_tokens,
        )
        # Before anything is converted.
        check_memory(needed, read_free(device), _describe([c.name for c in checkpoints], backend, quantization))
        requests.append(
            Request(
                path=str(BACKENDS[backend].prepare(checkpoint, quantization, device)),
                backend=backend,
                quantization=quantization,
                device=device,
                threads=threads or count_cores(),
                context=length,
                vocab_rows=shape.vocab_rows,
                # A prompt that fills the context would leave no room for the token that llama.cpp predicts.
                prompt_lengths=tuple(dict.fromkeys(min(size, shape.context - 1) for size in prompt_lengths)),
                decode_batches=tuple(decode_batches),
                decode_contexts=contexts,
                new_tokens=new_tokens,
                rounds=rounds,
                seed=seed,
                timer=timer,
            )
        )
    before = read_load()
    names = [f"measuring {_describe([checkpoint.name], backend, quantization)}" for checkpoint in checkpoints]
    found = _run_processes(requests, names, on_share, spread=spread)
    environment = describe_environment(clock)
    load = _find_load(before, read_load(), requests[0].threads)
    return tuple(
        BackendMeasurement(
            model=checkpoint.name,
            architecture=checkpoint.architecture,
            weights=checkpoint.weights,
            sha256=checkpoint.sha256,
            backend=backend,
            quantization=quantization,
            device=device,
            threads=request.threads,
            context=request.context,
            generated_tokens=new_tokens,
            generation_prompt=DECODE_PROMPT,
            file_bytes=_weigh(Path(request.path)),
            libraries={name: version for name in BACKENDS[backend].LIBRARIES if (version := installed(name))},
            environment=environment,
            before=Memory(**memory.pop("before")),
            loaded=Memory(**memory.pop("loaded")),
            generated=Memory(**memory.pop("generated")),
            timings=timings,
            load_average=load,
            **memory,
        )
        for checkpoint, request, (memory, timings) in zip(checkpoints, requests, found, strict=True)
    )


def estimate_need(
    checkpoint: Checkpoint,
    backend: str,
    quantization: str,
    *,
    context: int | None = None,
    decode_batches: Sequence[int] = DECODE_BATCHES,
    decode_contexts: Sequence[int] = DECODE_CONTEXTS,
    new_tokens: int = NEW_TOKENS,
) -> int:
    """Estimate the most memory that measuring a model should need, in bytes; arguments as for `measure_together`."""
    length = context or checkpoint.architecture.context
    return estimate_bytes(
        checkpoint.architecture,
        backend,
        quantization,
        context=length,
        batch=max(decode_batches, default=1),
        used=max(_fit_contexts(decode_contexts, new_tokens, length), default=DECODE_PROMPT) + new_tokens,
        stored_bytes=checkpoint.stored_bytes,
    )


def _describe(names: Sequence[str], backend: str, quantization: str) -> str:
    return f"{' and '.join(names)} as {quantization} on {backend}"


def _check_counts(counts: Sequence[int], new_tokens: int) -> None:
    if min(counts) < 1:
        raise TokbenchError("prompt lengths, contexts, batches and rounds must be at least 1", "leave one out")
    if new_tokens < 2:
        raise TokbenchError(f"{new_tokens} new tokens cannot be timed", "generate at least 2")


def _check_context(prompts: Sequence[int], new_tokens: int, context: int, longest: int) -> None:
    if DECODE_PROMPT + new_tokens > context:
        message = f"a prompt of {DECODE_PROMPT} and {new_tokens} new tokens are more than the context of {context}"
        raise TokbenchError(message, "generate fewer new tokens")
    if max([*prompts, context]) > longest:
        message = f"{max([*prompts, context])} tokens are more than the model's context of {longest}"
        raise TokbenchError(message, "shorten the prompts or the context")


def _fit_contexts(contexts: Sequence[int], new_tokens: int, room: int) -> tuple[int, ...]:
    """Move contexts to the nearest at which `new_tokens` can be generated: they start at a prompt of one token."""
    half = new_tokens // 2
    return tuple(sorted({min(max(context, half + 1), room - new_tokens + half) for context in contexts}))


def _find_load(before: float | None, after: float | None, threads: int) -> float | None:
    """Return the load of other programs: before, or after without the threads of the measurement."""
    return None if before is None or after is None else max(before, after - threads)


def _weigh(path: Path) -> int:
    files = [path] if path.is_file() else [file for file in path.iterdir() if file.suffix in {".bin", ".safetensors"}]
    return sum(file.stat().st_size for file in files)


def _run_processes(
    requests: Sequence[Request], names: Sequence[str], on_share: OnShare, *, spread: bool
) -> list[tuple[dict[str, Any], tuple[PhaseRounds, ...]]]:
    rounds = requests[0].rounds
    openings = rounds if spread else 1
    limit = sum(find_limit(request, _weigh(Path(request.path)), openings) for request in requests)
    with ExitStack() as stack:
        processes = [
            stack.enter_context(Conversation(request, name, limit))
            for request, name in zip(requests, names, strict=True)
        ]
        # Models of different contexts have the same kinds of cells; lengths and contexts are each model's own.
        cells = list(zip(*map(list_cells, requests), strict=True))
        steps = len(requests) + len(cells) * rounds
        done = count(1)
        memory = []
        for process in processes:
            memory.append(process.ask("memory"))
            on_share(next(done) / steps)
        timed: list[list[list[list[float]]]] = [[] for _ in cells]  # by cell and round, the seconds of each model
        for _ in range(openings):
            for number, (same, found) in enumerate(zip(cells, timed, strict=True)):
                # Several texts are read once: that takes longest, and their rounds last.
                amount = rounds if same[0].batch > 1 else rounds // openings
                for seconds in _take_turns(processes, number, range(len(found), min(len(found) + amount, rounds))):
                    found.append(seconds)
                    on_share(next(done) / steps)
    return [
        (
            facts,
            tuple(
                timing
                for cell, found in zip(cells, timed, strict=True)
                for timing in read_rounds(
                    cell[model], request, [seconds[model] for seconds in found], min if spread else median
                )
            ),
        )
        for model, (facts, request) in enumerate(zip(memory, requests, strict=True))
    ]


def _take_turns(processes: Sequence[Conversation], cell: int, rounds: range) -> Iterator[list[list[float]]]:
    """Yield the seconds of every process in each round of a cell; every second round goes through them backwards."""
    if not rounds:
        return
    for process in processes:
        process.ask("open", cell)
    for number in rounds:
        order = list(range(len(processes)))[:: -1 if number % 2 else 1]
        found = {model: processes[model].ask("round") for model in order}
        yield [found[model] for model in range(len(processes))]
    for process in processes:
        process.ask("close")
