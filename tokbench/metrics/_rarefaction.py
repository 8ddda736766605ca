"""Exact expectations over samples of a text's tokens without replacement."""

from __future__ import annotations

import math
from functools import cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SMALL_FACTORIALS = np.array([math.lgamma(k + 1) for k in range(32)])


def find_chances(counts: Integers, totals: Integers, size: int) -> Floats:
    """Return the probability that an id occurs in a sample of `size` tokens.

    counts: occurrences of the id. totals: all tokens of its text, N.

    The sample is drawn without replacement: 1 - C(N - c, size) / C(N, size). NaN if the text has fewer tokens.
    Source: Hurlbert 1971, Ecology 52.
    """
    left = totals - counts
    chances = np.where(totals >= size, 1.0, np.nan)
    # If more than 64 are expected, the probability that none is drawn is below 1e-27.
    possible = (left >= size) & (counts * size < 64 * totals)
    n, c = totals[possible], counts[possible]
    # C(N - c, size) / C(N, size) as a quotient of falling factorials with c factors.
    chances[possible] = -np.expm1(log_falling(n - size, c) - log_falling(n, c))
    return chances


def find_terms(counts: Integers, totals: Integers, size: int) -> Floats:
    """Return an id's expected term of the plug-in entropy of `size` tokens, in bits.

    counts, totals: as in `find_chances`; NaN if the text has fewer tokens.

    The number k of occurrences in a sample without replacement is hypergeometric: E[-k/size log2 k/size] is computed
    from the ratios of neighbouring probabilities, normalised to sum 1. Wide distributions are evaluated only at
    every step-th k: exact to 12 digits.
    """
    found = np.full(len(counts), np.nan)
    possible = np.flatnonzero(totals >= size)
    counts, totals = counts[possible], totals[possible]
    mean = size * counts / totals
    spread = np.sqrt(mean * (totals - counts) / totals * (totals - size) / np.maximum(totals - 1, 1))
    reach = 7 * spread + 10
    # If the standard deviation is at least 2 steps, every step-th term, times step, gives the sum to 14 digits: the
    # error is the characteristic function at 2 pi / step, at most exp(-spread^2 (1 - cos(2 pi / step))). Near k = 0
    # the distribution is not bell-shaped and k log k is not smooth, so every term is taken.
    step = np.where(mean - reach < 1, 1, np.maximum(1, (spread / 2).astype(np.int64)))
    least = np.maximum(np.maximum(0, size - (totals - counts)), (mean - reach).astype(np.int64))
    most = np.minimum(np.minimum(counts, size), (mean + reach).astype(np.int64))
    bells = Bells(counts, totals - counts - size, least, step, (most - least) // step + 1)
    longest_first = np.argsort(-bells.terms, kind="stable")
    for own, expect in ((step == 1, expect_by_ones), (step > 1, expect_by_steps)):
        chosen = longest_first[own[longest_first]]
        found[possible[chosen]] = expect(Bells(*(values[chosen] for values in bells)), size)
    return found


class Bells(NamedTuple):
    """Hypergeometric distributions to evaluate at k = least, least + step, ...

    counts: occurrences of each id.
    rest: tokens that are neither of the id nor drawn if none of the id is drawn; negative where some must be.
    terms: number of values of k.
    """

    counts: Integers
    rest: Integers
    least: Integers
    step: Integers
    terms: Integers


def expect_by_ones(bells: Bells, size: int) -> Floats:
    """Return the means of -k/size log2 k/size over all k, term by term.

    Expects the longest distributions first, so that shorter ones drop out as k grows.
    """
    worth = tabulate_worth(size)
    k = bells.least.copy()
    chances = np.ones(len(k))
    sums, totals = worth[k], np.ones(len(k))
    active = np.searchsorted(-bells.terms, -np.arange(1, bells.terms.max(initial=1)), "left")
    for end in active.tolist():
        own = k[:end]
        top = (bells.counts[:end] - own) * (size - own)
        own += 1
        chances[:end] *= top / (own * (bells.rest[:end] + own))
        sums[:end] += chances[:end] * worth[own]
        totals[:end] += chances[:end]
    return sums / totals


def expect_by_steps(bells: Bells, size: int) -> Floats:
    """Return the means of -k/size log2 k/size over every step-th k.

    Works on arrays of shape (ids, terms).
    """
    numbers = np.arange(bells.terms.max(initial=1))
    present = numbers < bells.terms[:, None]
    least = bells.least[:, None]
    k = np.where(present, least + numbers * bells.step[:, None], least)
    before = np.where(present[:, 1:], k[:, :-1], least)
    step = np.broadcast_to(bells.step[:, None], before.shape)
    quotients = log_falling(bells.counts[:, None] - before, step) + log_falling(size - before, step)
    quotients -= log_falling(before + step, step) + log_falling(bells.rest[:, None] + before + step, step)
    logs = np.concatenate([np.zeros((len(k), 1)), np.cumsum(quotients, axis=1)], axis=1)
    logs = np.where(present, logs, -np.inf)
    chances = np.exp(logs - logs.max(axis=1, keepdims=True))
    means: Floats = (chances * tabulate_worth(size)[k]).sum(axis=1) / chances.sum(axis=1)
    return means


@cache
def tabulate_worth(size: int) -> Floats:
    """Tabulate -k/size log2 k/size for k from 0 to size."""
    k = np.arange(1, size + 1)
    return np.concatenate([[0.0], -(k / size) * np.log2(k / size)])


def log_falling(n: Integers, k: Integers) -> Floats:
    """Log n! / (n - k)!, to 13 digits.

    A difference of log factorials would lose as many digits as n has.
    """
    rest = n - k
    x, y = np.maximum(n, 32).astype(np.float64), np.maximum(rest, 32).astype(np.float64)
    found: Floats = k * (np.log(y) - 1) - (x + 0.5) * np.log1p((y - x) / x) + correct(x) - correct(y)
    small = rest < 32
    if small.any():
        found[small] = log_factorial(n[small]) - log_factorial(rest[small])
    return found


def log_factorial(k: Integers) -> Floats:
    """Log k!: exact products below 32, Stirling's series above."""
    large = np.maximum(k, 32).astype(np.float64)
    found: Floats = (large + 0.5) * np.log(large) - large + (0.5 * math.log(2 * math.pi) + correct(large))
    small = k < 32
    if small.any():
        found = np.where(small, SMALL_FACTORIALS[np.minimum(k, 31)], found)
    return found


def correct(x: Floats) -> Floats:
    """Return the correction terms of Stirling's series."""
    inverse = 1 / x
    square = inverse * inverse
    found: Floats = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680))))
    return found
