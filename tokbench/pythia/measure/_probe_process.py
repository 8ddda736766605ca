"""The measured process: `python -m tokbench.pythia.measure._probe_process`.

It reads a request and then commands, one JSON value per line, from standard input, and answers each on standard output.
Several such processes can take turns, so that their rounds alternate. It imports as little as possible before the
backend's library, so that its memory is that of the library and model.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, TextIO

from tokbench._shared.environment import Clock
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Device, Runner
from tokbench.pythia.measure._process_memory import read_device_memory, read_memory, read_peak

DECODE_PROMPT = 32
"""Prompt tokens before the generation after which memory is read."""

_PAUSE = 0.02
"""Seconds before a turn, in which the threads of the last one stop waiting actively."""

Timer = Literal["perf_counter", "process_time"]
"""A clock of the module `time`: seconds that pass, or those of the CPU, which other programs do not lengthen."""


@dataclass(frozen=True)
class Request:
    """What to measure: a prepared path, the sizes of prompts, batches and generation, and the clock.

    decode_contexts: tokens in the cache halfway through the timed generation.
    """

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
    decode_contexts: tuple[int, ...] = (64,)

    def count_prompt(self, context: int) -> int:
        """Return the prompt tokens before a generation whose middle is at `context`."""
        return max(context - self.new_tokens // 2, 1)


@dataclass(frozen=True)
class Cell:
    """What is timed together on one loaded model.

    Prompts of all lengths, or decoding with one batch at one context.
    """

    batch: int
    tokens: tuple[int, ...]
    decoding: bool


def list_cells(request: Request) -> tuple[Cell, ...]:
    """List what a request times, in order."""
    prefill = [Cell(1, request.prompt_lengths, False)] if request.prompt_lengths else []
    decode = [Cell(batch, (at,), True) for batch in request.decode_batches for at in request.decode_contexts]
    return (*prefill, *decode)


class MeasuredProcess:
    """The state of the process: a request, and the model loaded for one cell."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._cells = list_cells(request)
        self._generator = random.Random(request.seed)  # noqa: S311 - fixed prompts, no secret
        self._clock: Clock = {"perf_counter": time.perf_counter, "process_time": time.process_time}[request.timer]
        self._runner: Runner | None = None
        self._cell: Cell | None = None
        self._prompt: list[int] = []
        BACKENDS[request.backend].list_quantizations(request.device)  # imports the library

    def handle(self, command: Sequence[Any]) -> Any:
        """Carry out a command: `memory`, `open` a cell by its number, a `round` of it, or `close` it."""
        match command:
            case ["memory"]:
                return self.measure_memory()
            case ["open", int(number)]:
                return self.open(self._cells[number])
            case ["round"]:
                time.sleep(_PAUSE)
                return self.run_round()
            case ["close"]:
                return self.close()
        raise ValueError(command)

    def measure_memory(self) -> dict[str, Any]:
        """Measure memory and time of a first load, a generation, and the longest prompt."""
        request = self._request
        on_gpu = request.device == "cuda"
        device_before = read_device_memory()[0] if on_gpu else None
        before = read_memory()
        begun = self._clock()
        runner = self._load(request.context)
        load_seconds = self._clock() - begun
        loaded = read_memory()
        runner.generate(self._draw(DECODE_PROMPT), request.new_tokens)
        generated = read_memory()
        longest = min(max(request.prompt_lengths, default=DECODE_PROMPT), request.context - 1)
        runner.prefill(self._draw(longest))
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

    def open(self, cell: Cell) -> None:
        """Load the model for a cell, and run it once."""
        request = self._request
        self._cell = cell
        if cell.decoding:
            prompt = request.count_prompt(cell.tokens[0])
            self._prompt = self._draw(prompt)
            self._runner = self._load(prompt + request.new_tokens, cell.batch)
            self._runner.generate(self._prompt, 2, cell.batch, reuse=True)
        else:
            self._runner = self._load(max(cell.tokens) + 1)
            self._runner.prefill(self._draw(min(cell.tokens)))

    def run_round(self) -> list[float]:
        """Time each prompt length once, or a generation of a single token and a long one; in seconds."""
        assert self._runner is not None
        assert self._cell is not None
        if self._cell.decoding:
            return time_generations(
                self._runner, self._prompt, (1, self._request.new_tokens), self._cell.batch, self._clock
            )
        seconds = []
        for length in self._cell.tokens:
            prompt = self._draw(length)
            begun = self._clock()
            self._runner.prefill(prompt)
            seconds.append(self._clock() - begun)
        return seconds

    def close(self) -> None:
        """Release the model of the cell."""
        if self._runner is not None:
            self._runner.close()
        self._runner = None

    def _draw(self, length: int) -> list[int]:
        return [self._generator.randrange(1, self._request.vocab_rows) for _ in range(length)]

    def _load(self, context: int, batch: int = 1) -> Runner:
        request = self._request
        return BACKENDS[request.backend].load(
            Path(request.path),
            request.quantization,
            threads=request.threads,
            context=context,
            batch=batch,
            device=request.device,
        )


def time_generations(
    runner: Runner, prompt: Sequence[int], amounts: Sequence[int], batch: int, clock: Clock
) -> list[float]:
    """Time generations of each number of tokens after a prompt, whose keys and values are kept if possible."""
    seconds = []
    for new_tokens in amounts:
        begun = clock()
        runner.generate(prompt, new_tokens, batch, reuse=True)
        seconds.append(clock() - begun)
    return seconds


def main(lines: TextIO, answers: TextIO) -> None:
    """Read a request, then commands; answer each with its result, or an error the user can fix."""
    fields = json.loads(lines.readline())
    lists = {name: tuple(fields[name]) for name in ("prompt_lengths", "decode_batches", "decode_contexts")}
    process: MeasuredProcess | None = None
    for line in lines:
        try:
            process = process or MeasuredProcess(Request(**(fields | lists)))
            answer = {"result": process.handle(json.loads(line))}
        except TokbenchError as error:
            answer = {"error": {"message": error.message, "hint": error.hint}}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    # Libraries may write to standard output: their words go to standard error, answers where they belong.
    kept = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    main(sys.stdin, kept)
