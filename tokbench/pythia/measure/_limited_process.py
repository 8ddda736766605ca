"""Run the measured process with a time limit, and say what ended it."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence

from tokbench._shared.child import describe_end, environment_of_child
from tokbench.errors import TokbenchError
from tokbench.pythia.measure._probe_process import Request, list_cells

_LEAST_SECONDS = 600.0
_SLOWEST_DISK, _SLOWEST_MEMORY, _SLOWEST_CPU = 10e6, 500e6, 500e6
"""Bytes read per second from a disk and from memory, and operations per second, of a machine slower than any in use."""


def find_limit(request: Request, file_bytes: int, openings: int = 1) -> float:
    """Return the seconds after which a measurement is given up: many times what a slow machine needs.

    The weights are read once for each load and for each step; each token of a prompt costs two operations per weight.

    openings: loads for each kind of work.
    """
    cells = list_cells(request)
    decoding = [cell for cell in cells if cell.decoding]
    steps = sum((request.rounds + 2) * (request.new_tokens + 1) for _ in decoding) + request.new_tokens
    tokens = (request.rounds + 2) * sum(request.prompt_lengths) + request.new_tokens + 2 * request.context
    tokens += sum(
        cell.batch * ((request.rounds + 2) * (request.new_tokens + 1) + openings * cell.tokens[0]) for cell in decoding
    )
    loads = 2 + openings * len(cells)
    return _LEAST_SECONDS + file_bytes * (loads / _SLOWEST_DISK + steps / _SLOWEST_MEMORY + tokens * 4 / _SLOWEST_CPU)


def run_limited(command: Sequence[str], task: str, limit: float) -> None:
    """Run a process; TokbenchError that says what ended it: a signal, a status, missing memory, or `limit` seconds."""
    try:
        done = subprocess.run(  # noqa: S603
            command,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=limit,
            env=environment_of_child(),
        )
    except subprocess.TimeoutExpired as error:
        message = f"{task} was ended after {limit:,.0f} s without a result"
        raise TokbenchError(message, "choose a smaller model, or fewer and shorter rounds") from error
    if done.returncode:
        message = f"{task} failed: {describe_end(done.returncode, done.stderr)}"
        raise TokbenchError(message, "if it ran out of memory, choose a smaller model")
