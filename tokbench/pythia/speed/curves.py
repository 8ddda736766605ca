"""Seconds between measured points, and what the rounds leave open.

The seconds of a request are a weighted sum of those of the points, so that resampled points give resampled requests.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench.errors import TokbenchError

Tokens = npt.NDArray[np.int64]
Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curve:
    """Seconds by tokens.

    tokens: ascending, shape (points,).
    seconds: shape (points,).
    draws: the same from resampled rounds, shape (draws, points).
    """

    tokens: Tokens
    seconds: Seconds
    draws: Seconds

    def rising(self) -> Curve:
        """Return the curve with every point at least as long as those before it: more context never takes less."""
        return Curve(self.tokens, np.maximum.accumulate(self.seconds), np.maximum.accumulate(self.draws, axis=1))

    def weigh(self, at: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the weights of the points for values between them, shape (len(at), points).

        Lines between neighbours, continued beyond the first and the last point.
        """
        weights = np.zeros((len(at), len(self.tokens)))
        if len(self.tokens) == 1:
            weights[:, 0] = 1.0
            return weights
        left = np.clip(np.searchsorted(self.tokens, at) - 1, 0, len(self.tokens) - 2)
        begin, end = self.tokens[left], self.tokens[left + 1]
        share = (at - begin) / (end - begin)
        rows = np.arange(len(at))
        weights[rows, left] = 1 - share
        weights[rows, left + 1] = share
        return weights


@dataclass(frozen=True, eq=False)
class Curves:
    """Prefill by prompt length and steps by context, for one text at a time; None if not timed."""

    prefill: Curve | None
    decode: Curve | None

    def prefill_seconds(self, tokens: Tokens) -> Seconds:
        """Return lines between the measured lengths; no time for no tokens, the shortest's for shorter ones."""
        seconds: Seconds = self._weigh_prefill(tokens.ravel()) @ self._of("prefill").seconds
        return seconds.reshape(tokens.shape)

    def decode_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Return the steps after the first token, each on the line between the measured contexts."""
        prompts, new_tokens = np.broadcast_arrays(prompts, new_tokens)
        weights = self._weigh_decode(prompts.ravel(), new_tokens.ravel())
        seconds: Seconds = weights @ self._of("decode").rising().seconds
        return seconds.reshape(prompts.shape)

    def draw_seconds(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        """Return each request's seconds from resampled rounds: shape (*prompts.shape, draws)."""
        prompts, new_tokens = np.broadcast_arrays(prompts, new_tokens)
        read, written = prompts.ravel(), new_tokens.ravel()
        totals: Seconds = self._weigh_prefill(read) @ self._of("prefill").draws.T
        if written.max(initial=0) > 1:
            totals = totals + self._weigh_decode(read, written) @ self._of("decode").rising().draws.T
        return totals.reshape(*prompts.shape, -1)

    def _of(self, phase: str) -> Curve:
        curve = self.prefill if phase == "prefill" else self.decode
        if curve is None:
            raise TokbenchError(f"{phase} was not timed at batch 1", "measure it first")
        return curve

    def _weigh_prefill(self, tokens: Tokens) -> Seconds:
        curve = self._of("prefill")
        return np.where(tokens > 0, 1.0, 0.0)[:, None] * curve.weigh(np.maximum(tokens, curve.tokens[0]))

    def _weigh_decode(self, prompts: Tokens, new_tokens: Tokens) -> Seconds:
        # Steps at contexts S + 1 to S + n - 1: on a line, as many at their middle S + n / 2.
        steps = np.where(prompts > 0, np.maximum(new_tokens - 1, 0), 0)
        return steps[:, None] * self._of("decode").weigh(prompts + new_tokens / 2)
