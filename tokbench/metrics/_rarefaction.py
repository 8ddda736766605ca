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

TABLE = 1 << 20
"""Factorials that are kept: 8 MiB of them, looked up in a fifth of the time that they take."""


def find_chances(rows: pl.Series, size: int) -> pl.Series:
    """The chance that an id is among `size` tokens drawn without putting back; NaN of fewer tokens.

    rows: structs of count (how often the id occurs) and tokens (N, all ids together). 1 - C(N - c, size) / C(N, size).
    Source: Hurlbert 1971, Ecology 52.
    """
    counts, totals = (rows.struct.field(name).to_numpy().astype(np.int64) for name in ("count", "tokens"))
    left = totals - counts
    absent = np.zeros(len(counts))
    # Of more than 64 tokens expected, the chance that none is drawn is below 1e-27.
    possible = (left >= size) & (counts * size < 64 * totals)
    n, k, drawn = totals[possible], left[possible], np.array(size)
    # size! cancels out of the binomial coefficients.
    absent[possible] = np.exp(
        log_factorial(k) - log_factorial(k - drawn) - (log_factorial(n) - log_factorial(n - drawn))
    )
    return pl.Series(np.where(totals >= size, 1 - absent, np.nan))


def rarefy_entropy(rows: pl.Series, size: int) -> float | None:
    """The expected plug-in entropy, in bits, of `size` tokens drawn without putting back; None where there are fewer.

    rows: structs of count and types (how many ids occur so often). The number k of an id among the tokens drawn is
    hypergeometric: sum over ids of E[-k/size log2 k/size]. Of many alike, some are
    taken for all: exact to 9 digits and more.
    """
    counts, repeats = (rows.struct.field(name).to_numpy().astype(np.int64) for name in ("count", "types"))
    total = int((counts * repeats).sum())
    if total < size:
        return None
    mean = size * counts / total
    spread = np.sqrt(mean * (total - counts) / total * (total - size) / max(total - 1, 1))
    # Every step-th term of a bell that is 2 steps wide on each side gives its sum to 14 digits, step times over: what
    # is left out is the characteristic function at 2 pi / step, at most exp(-spread^2 (1 - cos(2 pi / step))).
    step = np.maximum(1, (spread / 2).astype(np.int64))
    reach = 7 * spread + 10
    least = np.maximum(np.maximum(1, size - (total - counts)), (mean - reach).astype(np.int64))
    most = np.minimum(np.minimum(counts, size), (mean + reach).astype(np.int64))
    terms = np.maximum((most - least) // step + 1, 0)
    # The factorials of the three binomial coefficients in which k does not occur.
    every = log_factorial(np.array(total)) - log_factorial(np.array(size)) - log_factorial(np.array(total - size))
    fixed = log_factorial(counts) + log_factorial(total - counts) - every
    ends = np.cumsum(terms)
    # k goes up by steps, from the least of each count.
    k = np.repeat(least - (ends - terms) * step, terms) + np.arange(terms.sum()) * np.repeat(step, terms)
    rest = np.repeat(counts, terms) - k
    chance = np.repeat(fixed, terms)
    chance += tabulate_terms(size).take(k)
    chance -= log_factorial(rest)
    rest -= total - size
    chance -= log_factorial(-rest)
    return float(np.exp(chance, out=chance) @ np.repeat((repeats * step).astype(np.float64), terms))


@cache
def tabulate_terms(size: int) -> Floats:
    """For k of 0 to size: log of -k/size log2 k/size, the term of k among `size` tokens, less log k! (size - k)!."""
    k = np.arange(1, size)
    terms = np.log(-(k / size) * np.log2(k / size)) - sum_stirling(k) - sum_stirling(size - k)
    return np.concatenate([[-np.inf], terms, [-np.inf]])  # none drawn, or all: no term


@cache
def tabulate_factorials() -> Floats:
    """Log k! for k below `TABLE`."""
    return sum_stirling(np.arange(TABLE))


def log_factorial(k: Integers) -> Floats:
    """Log k!, to 12 digits and more: from a table where k is in it."""
    if k.max(initial=0) < TABLE:
        return tabulate_factorials().take(k)
    found = np.asarray(tabulate_factorials().take(k, mode="clip"))
    large = np.flatnonzero(k >= TABLE)
    found.flat[large] = sum_stirling(k.flat[large])
    return found


def sum_stirling(k: Integers) -> Floats:
    """Log k!: exact products below 32, Stirling's series above."""
    large = np.maximum(k, 32).astype(np.float64)
    series = 1 / (12 * large) - 1 / (360 * large**3) + 1 / (1260 * large**5) - 1 / (1680 * large**7)
    stirling = large * np.log(large) - large + 0.5 * np.log(2 * np.pi * large) + series
    found: Floats = np.where(k < 32, SMALL_FACTORIALS[np.minimum(k, 31)], stirling)
    return found
