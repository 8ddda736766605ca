"""The measured process.

`python -m tokbench.pythia.measure._probe_process REQUEST.json RESULT.json`

It imports as little as possible before the backend's library, so that its memory is that of the library and model.
"""

from __future__ import annotations

import json
import random
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

from tokbench._shared.environment import Clock
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Device, Runner
from tokbench.pythia.measure._process_memory import read_device_memory, read_memory, read_peak

DECODE_PROMPT = 32
"""Prompt tokens before timed decoding, and before the generation after which memory is read."""


Timer = Literal["perf_counter", "process_time"]
"""A clock of the module `time`: seconds that pass, or those of the CPU, which other programs do not lengthen."""


@dataclass(frozen=True)
class Request:
    """What to measure: a prepared path, the sizes of prompts, batches and generation, and the clock."""

    path: str
    backend: str
    quantization: str
    device: Device
    threads: int
    context: int
    vocab_rows: int
    prompt_lengths: tuple[int, ...]
    decode_batches: tuple[int, ...]
    new_tokens: int
    rounds: int
    seed: int
    timer: Timer = "perf_counter"


def measure(request: Request) -> dict[str, Any]:
    """Measure memory and time of a first load, then time the phases.

    Rounds of prefill and of decoding.
    """
    BACKENDS[request.backend].list_quantizations(request.device)  # imports the library
    generator = random.Random(request.seed)  # noqa: S311 - a fixed prompt, no secret

    def draw(length: int) -> list[int]:
        return [generator.randrange(1, request.vocab_rows) for _ in range(length)]

    result = _measure_memory(request, draw)
    timings = []
    if request.prompt_lengths:
        timings += _time_prefill(request, draw)
    for batch in request.decode_batches:
        timings.append(_time_decoding(request, draw(DECODE_PROMPT), batch))
    return result | {"timings": timings}


def _load(request: Request, context: int, batch: int = 1) -> Runner:
    return BACKENDS[request.backend].load(
        Path(request.path),
        request.quantization,
        threads=request.threads,
        context=context,
        batch=batch,
        device=request.device,
    )


def _measure_memory(request: Request, draw: Any) -> dict[str, Any]:
    on_gpu = request.device == "cuda"
    device_before = read_device_memory()[0] if on_gpu else None
    before = read_memory()
    clock = _find_clock(request)
    begun = clock()
    runner = _load(request, request.context)
    load_seconds = clock() - begun
    loaded = read_memory()
    runner.generate(draw(DECODE_PROMPT), request.new_tokens)
    generated = read_memory()
    longest = min(max(request.prompt_lengths, default=DECODE_PROMPT), request.context - 1)
    runner.prefill(draw(longest))
    result = {
        "load_seconds": load_seconds,
        "before": asdict(before),
        "loaded": asdict(loaded),
        "generated": asdict(generated),
        "peak": read_peak(),
        "device_bytes": None if device_before is None else read_device_memory()[0] - device_before,
        "settings": dict(runner.settings),
        "kv_bytes_per_value": runner.kv_bytes_per_value,
    }
    runner.close()
    return result


def _time_prefill(request: Request, draw: Any) -> list[dict[str, Any]]:
    clock = _find_clock(request)
    runner = _load(request, max(request.prompt_lengths) + 1)
    seconds: dict[int, list[float]] = {length: [] for length in request.prompt_lengths}
    runner.prefill(draw(min(request.prompt_lengths)))  # warms up
    for _ in range(request.rounds):
        for length, rounds in seconds.items():
            prompt = draw(length)
            begun = clock()
            runner.prefill(prompt)
            rounds.append(clock() - begun)
    runner.close()
    return [{"phase": "prefill", "batch": 1, "tokens": length, "rounds": rounds} for length, rounds in seconds.items()]


def _time_decoding(request: Request, prompt: list[int], batch: int) -> dict[str, Any]:
    runner = _load(request, DECODE_PROMPT + request.new_tokens, batch)
    rounds = time_steps(runner, request, prompt, batch, _find_clock(request))
    runner.close()
    return {"phase": "decode", "batch": batch, "tokens": DECODE_PROMPT + request.new_tokens // 2, "rounds": rounds}


def time_steps(runner: Runner, request: Request, prompt: list[int], batch: int, clock: Clock) -> list[float]:
    """Return the seconds of one decoding step in each round.

    A round is a long generation minus the median generation of a single token, divided by the steps between them.
    Raises TokbenchError if that is not above 0 in every round.
    """

    def time_generation(new_tokens: int) -> float:
        begun = clock()
        runner.generate(prompt, new_tokens, batch)
        return clock() - begun

    time_generation(2)  # warms up
    pairs = [(time_generation(1), time_generation(request.new_tokens)) for _ in range(request.rounds)]
    first = median(single for single, _ in pairs)
    rounds = [(whole - first) / (request.new_tokens - 1) for _, whole in pairs]
    if min(rounds) <= 0:
        message = f"{request.new_tokens} tokens took no longer than one on {request.backend}: decoding was not timed"
        raise TokbenchError(message, "generate more new tokens, or wait until other programs have finished")
    return rounds


def _find_clock(request: Request) -> Clock:
    return {"perf_counter": time.perf_counter, "process_time": time.process_time}[request.timer]


def main(request_path: str, result_path: str) -> None:
    """Read a request, measure, and write the result, or an error the user can fix."""
    fields = json.loads(Path(request_path).read_text("utf-8"))
    lists = {name: tuple(fields[name]) for name in ("prompt_lengths", "decode_batches")}
    try:
        answer = {"result": measure(Request(**(fields | lists)))}
    except TokbenchError as error:
        answer = {"error": {"message": error.message, "hint": error.hint}}
    Path(result_path).write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
