"""What is expected among fewer tokens, drawn from a text without putting back; exact, without drawing."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import numpy.typing as npt
import polars as pl

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SMALL_FACTORIALS = np.array([math.lgamma(k + 1) for k in range(32)])


def find_chances(rows: pl.Series, size: int) -> pl.Series:
    """The chance that an id is among `size` tokens drawn without putting back; NaN of fewer tokens.

    rows: structs of count (how often the id occurs) and tokens (N, all ids together). 1 - C(N - c, size) / C(N, size).
    Source: Hurlbert 1971, Ecology 52.
    """
    counts, totals = (rows.struct.field(name).to_numpy().astype(np.int64) for name in ("count", "tokens"))
    left = totals - counts
    chances = np.where(totals >= size, 1.0, np.nan)
    # Of more than 64 tokens expected, the chance that none is drawn is below 1e-27.
    possible = (left >= size) & (counts * size < 64 * totals)
    n, c = totals[possible], counts[possible]
    # C(N - c, size) / C(N, size) as a quotient of falling factorials, as long as the id occurs often.
    chances[possible] = -np.expm1(log_falling(n - size, c) - log_falling(n, c))
    return pl.Series(chances)


def find_terms(rows: pl.Series, size: int) -> pl.Series:
    """What an id adds to the plug-in entropy, in bits, expected of `size` tokens drawn without putting back.

    rows: as `find_chances` has them; NaN of fewer tokens. The number k of the id among the tokens drawn is
    hypergeometric: E[-k/size log2 k/size]. Of many terms alike, some are taken for all: exact to 12 digits.
    """
    counts, totals = (rows.struct.field(name).to_numpy().astype(np.int64) for name in ("count", "tokens"))
    possible = totals >= size
    found = np.full(len(counts), np.nan)
    if possible.any():
        found[possible] = _expect(counts[possible], totals[possible], size)
    return pl.Series(found)


def _expect(counts: Integers, totals: Integers, size: int) -> Floats:
    """The terms of texts of at least `size` tokens."""
    mean = size * counts / totals
    spread = np.sqrt(mean * (totals - counts) / totals * (totals - size) / np.maximum(totals - 1, 1))
    # Every step-th term of a bell that is 2 steps wide on each side gives its sum to 14 digits, step times over: what
    # is left out is the characteristic function at 2 pi / step, at most exp(-spread^2 (1 - cos(2 pi / step))).
    step = np.maximum(1, (spread / 2).astype(np.int64))
    reach = 7 * spread + 10
    least = np.maximum(np.maximum(1, size - (totals - counts)), (mean - reach).astype(np.int64))
    most = np.minimum(np.minimum(counts, size), (mean + reach).astype(np.int64))
    terms = (most - least) // step + 1
    # What does not change with k, of C(size, k) C(total - size, count - k) / C(total, count).
    fixed = log_factorial(counts) - log_falling(totals, counts)
    starts = np.cumsum(terms) - terms
    # k goes up by steps, from the least of each count.
    k = np.repeat(least - starts * step, terms) + np.arange(terms.sum()) * np.repeat(step, terms)
    rest = np.repeat(counts, terms) - k
    chance = np.repeat(fixed, terms)
    chance += tabulate_terms(size).take(k)
    chance += log_falling(np.repeat(totals - size, terms), rest)
    chance -= log_factorial(rest)
    sums: Floats = np.add.reduceat(np.exp(chance, out=chance), starts) * step
    return sums


@cache
def tabulate_terms(size: int) -> Floats:
    """For k of 0 to size: log of C(size, k) times -k/size log2 k/size, the term of k among `size` tokens, times k!.

    -inf where there is no term: for none of the tokens, and for all.
    """
    k = np.arange(1, size)
    terms = np.log(-(k / size) * np.log2(k / size)) + log_falling(np.full(len(k), size), k) - log_factorial(k)
    return np.concatenate([[-np.inf], terms, [-np.inf]])


def log_falling(n: Integers, k: Integers) -> Floats:
    """Log n! / (n - k)!, to 13 digits: a difference of log factorials would lose those that n has before the point."""
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
    """What Stirling's series adds to his formula."""
    inverse = 1 / x
    square = inverse * inverse
    found: Floats = inverse * (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680))))
    return found
