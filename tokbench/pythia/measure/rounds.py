"""What the rounds of a measurement say about the time of a prompt and of a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from statistics import median
from typing import Literal

from tokbench.errors import TokbenchError
from tokbench.pythia.measure._probe_process import Cell, Request
from tokbench.pythia.measure.measurement import PhaseRounds


def read_rounds(
    cell: Cell, request: Request, rounds: Sequence[Sequence[float]], choose: Callable[[Iterable[float]], float] = median
) -> Iterator[PhaseRounds]:
    """Yield the timings of a cell from the seconds of its rounds.

    rounds: per round, the seconds of each prompt length; or, when decoding, of one token and of all new tokens.
    choose: returns, of the seconds of one token in all rounds, those that are subtracted from the seconds of all new
        tokens; a step takes the difference divided by the steps between them.

    Raises TokbenchError if a step does not take more than 0 seconds in every round.
    """
    phase: Literal["prefill", "decode"] = "decode" if cell.decoding else "prefill"
    if not cell.decoding:
        for length, seconds in zip(cell.tokens, zip(*rounds, strict=True), strict=True):
            yield PhaseRounds(phase, cell.batch, length, tuple(seconds))
        return
    first = choose(single for single, _ in rounds)
    steps = tuple((whole - first) / (request.new_tokens - 1) for _, whole in rounds)
    if min(steps) <= 0:
        message = f"{request.new_tokens} tokens took no longer than one on {request.backend}: decoding was not timed"
        raise TokbenchError(message, "generate more new tokens, or wait until other programs have finished")
    yield PhaseRounds(phase, cell.batch, cell.tokens[0], steps)
