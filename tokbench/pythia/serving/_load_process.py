"""The measured process: one model, some users who send one request each at the same moment.

`python -m tokbench.pythia.serving._load_process REQUEST.json RESULT.json`

It imports as little as possible before the backend's library, so that its memory is that of the library and model.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from tokbench._shared.environment import Clock
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import BACKENDS, Device, Runner
from tokbench.pythia.devices.energy import find_counters
from tokbench.pythia.measure._process_memory import read_device_memory, read_memory

WARM_UP = 8
"""Most prompt tokens of the request before the timed ones."""


@dataclass(frozen=True)
class Request:
    """What to measure: a prepared path, and the users with the tokens that each reads and gets."""

    path: str
    backend: str
    quantization: str
    cache_type: str | None
    device: Device
    threads: int
    vocab_rows: int
    prompt: int
    new_tokens: int
    users: int
    seed: int


def measure(request: Request) -> dict[str, Any]:
    """Load the model, serve all users at once, and return times and memory."""
    backend = BACKENDS[request.backend]
    backend.list_quantizations(request.device)  # imports the library
    options: Mapping[str, Any] = {} if request.cache_type is None else {"cache_type": request.cache_type}
    before = _read_used(request)
    runner = backend.load(
        Path(request.path),
        request.quantization,
        threads=request.threads,
        context=request.prompt + request.new_tokens,
        batch=request.users,
        device=request.device,
        **options,
    )
    loaded = _read_used(request)
    generator = random.Random(request.seed)  # noqa: S311 - fixed prompts, no secrets
    prompts = [
        [generator.randrange(1, request.vocab_rows) for _ in range(request.prompt)] for _ in range(request.users)
    ]
    runner.stream([prompts[0][:WARM_UP]], 2, lambda _: None)
    counters = find_counters()
    energy = counters.read()
    first, gaps, seconds = time_tokens(runner, prompts, request.new_tokens, time.perf_counter)
    joules = counters.find_joules(energy, counters.read())
    result = {
        "first": first,
        "gaps": gaps,
        "seconds": seconds,
        "before": before,
        "loaded": loaded,
        "served": _read_used(request),
        "joules": joules,
        "joules_note": counters.reason,
        "settings": dict(runner.settings),
        "kv_bytes_per_value": runner.kv_bytes_per_value,
    }
    runner.close()
    return result


def time_tokens(
    runner: Runner, prompts: list[list[int]], new_tokens: int, clock: Clock
) -> tuple[list[float], list[list[float]], float]:
    """Serve all prompts at once; return seconds to each first token, between tokens by prompt, and to the very last.

    Raises TokbenchError if a backend does not report every token.
    """
    times: list[list[float]] = [[] for _ in prompts]
    begun = clock()
    runner.stream(prompts, new_tokens, lambda number: times[number].append(clock()))
    if any(len(moments) != new_tokens for moments in times):
        reported = min(map(len, times))
        message = f"the backend reported {reported} of {new_tokens} tokens: their times are not known"
        raise TokbenchError(message, "choose another backend")
    first = [moments[0] - begun for moments in times]
    gaps = [[later - earlier for earlier, later in pairwise(moments)] for moments in times]
    return first, gaps, max(moments[-1] for moments in times) - begun


def _read_used(request: Request) -> int:
    return read_device_memory()[0] if request.device == "cuda" else read_memory().rss


def main(request_path: str, result_path: str) -> None:
    """Read a request, measure, and write the result, or an error the user can fix."""
    try:
        answer = {"result": measure(Request(**json.loads(Path(request_path).read_text("utf-8"))))}
    except TokbenchError as error:
        answer = {"error": {"message": error.message, "hint": error.hint}}
    Path(result_path).write_text(json.dumps(answer), "utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
