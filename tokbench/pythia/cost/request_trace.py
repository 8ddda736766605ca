"""Trace where the time of one request goes.

From reading the text to writing the answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from tokbench.adapters import Tokenizer
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import Runner

Clock = Callable[[], float]
STAGES = ("read", "tokenize", "prefill", "decode", "detokenize")
PREFILLS = 3


@dataclass(frozen=True)
class RequestTrace:
    """Seconds of each stage of one request, and of the whole, by the same clock.

    Reading, tokenizing, generating and detokenizing are timed one after the other within `wall`. Generation is split by
    the median of separate prefills of the same prompt: `decode` is the remainder.
    """

    tokens: int
    new_tokens: int
    seconds: dict[str, float]
    wall: float

    @property
    def unaccounted(self) -> float:
        """Return the share of the whole that no stage accounts for."""
        return 1 - sum(self.seconds.values()) / self.wall

    def share(self, stage: str) -> float:
        """Return a stage's share of the whole."""
        return self.seconds[stage] / self.wall


def trace_request(
    text: bytes, tokenizer: Tokenizer, runner: Runner, new_tokens: int, *, clock: Clock = time.perf_counter
) -> RequestTrace:
    """Run one request after a warm-up and time its stages.

    Raises TokbenchError for text that is not UTF-8 or yields no token.
    """
    try:
        decoded = text.decode()
    except UnicodeDecodeError as error:
        raise TokbenchError(f"the text is not UTF-8 at byte {error.start}", "convert it first") from error
    prompt = tokenizer.encode_batch([decoded]).ids.tolist()
    if not prompt:
        raise TokbenchError("the text yields no token", "use a non-empty text")
    runner.generate(prompt, 1)
    prefills = []
    for _ in range(PREFILLS):
        begun = clock()
        runner.prefill(prompt)
        prefills.append(clock() - begun)
    times = [clock()]
    decoded = text.decode()
    times.append(clock())
    ids = tokenizer.encode_batch([decoded]).ids.tolist()
    times.append(clock())
    (answer,) = runner.generate(ids, new_tokens)
    times.append(clock())
    tokenizer.decode([token for token in answer if token < tokenizer.vocab_total])
    times.append(clock())
    read, tokenize, generate, detokenize = (b - a for a, b in pairwise(times))
    prefill = min(median(prefills), generate)
    seconds = {
        "read": read,
        "tokenize": tokenize,
        "prefill": prefill,
        "decode": generate - prefill,
        "detokenize": detokenize,
    }
    return RequestTrace(len(ids), new_tokens, seconds, times[-1] - times[0])
