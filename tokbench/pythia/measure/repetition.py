"""Ask a model to repeat a token: whether it can is the test of under-trained tokens.

After Land & Bartolo 2024 (arXiv 2405.05417), who call a token under-trained if the model gives it a probability below
1 % in every one of some prompts that leave no other answer.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench.adapters import Tokenizer
from tokbench.errors import TokbenchError
from tokbench.pythia.backends import Ids

VERIFIED_BELOW = 0.01
"""The probability below which a token counts as under-trained, as in the paper."""

_SHOTS, _REPEATS = 12, 40

Scorer = Callable[[Ids], npt.NDArray[np.float32]]
"""Returns the natural log probability of each id except the first, given all preceding ids."""


@dataclass(frozen=True)
class Template:
    """A prompt for any token: ids before its first occurrence, and between two.

    times: occurrences, of which the last is to be predicted.
    """

    name: str
    before: tuple[int, ...]
    between: tuple[tuple[int, ...], ...]
    times: int

    def fill(self, token: int) -> list[int]:
        """Return the prompt for a token, which it ends with."""
        ids = [*self.before, token]
        for i in range(self.times - 1):
            ids += [*self.between[i % len(self.between)], token]
        return ids


@dataclass(frozen=True)
class Repetition:
    """The probability with which a model repeats a token, by prompt.

    echo: after trials in which a device returned it.
    run: after nothing but repetitions of it.
    """

    token: int
    echo: float
    run: float

    @property
    def probability(self) -> float:
        """Return the higher of both."""
        return max(self.echo, self.run)

    @property
    def verified(self) -> bool:
        """Return whether the token is under-trained by this test."""
        return self.probability < VERIFIED_BELOW


def build_templates(tokenizer: Tokenizer) -> tuple[Template, Template]:
    """Return the prompts `echo` and `run`, encoded piece by piece around the token, which is inserted as an id."""

    def encode(text: str) -> tuple[int, ...]:
        return tuple(tokenizer.encode_batch([text])[0].tolist())

    opening = encode("The device returns whatever is put into it, letter by letter, as these trials show.\nInput: «")
    echo = Template("echo", opening, (encode("»\nOutput: «"), encode("»\nInput: «")), 2 * _SHOTS + 2)
    run = Template("run", encode("The same phrase, over and over again:\n"), ((),), _REPEATS + 1)
    return echo, run


def find_length(templates: Sequence[Template]) -> int:
    """Return the tokens of the longest prompt."""
    return max(len(template.fill(0)) for template in templates)


def measure_repetition(tokens: Sequence[int], templates: tuple[Template, Template], scorer: Scorer) -> list[Repetition]:
    """Return the probability of each token as the last one of each prompt.

    Raises TokbenchError where the model gives no finite probability.
    """
    return [
        Repetition(token, *(_find_probability(scorer(template.fill(token)), token) for template in templates))
        for token in tokens
    ]


def _find_probability(scores: npt.NDArray[np.float32], token: int) -> float:
    """Return the probability of the last token of a prompt."""
    logarithm = float(scores[-1])
    if math.isnan(logarithm):
        raise TokbenchError(
            f"the model's probabilities after the token {token} are not numbers: weights are damaged or too large",
            "download the model again, or use another",
        )
    return math.exp(min(logarithm, 0.0))
