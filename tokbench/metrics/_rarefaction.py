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
    # Every step-th term of a bell that is 4 steps wide on each side gives its sum to the last digit, step times over.
    step = np.maximum(1, (spread / 4).astype(np.int64))
    reach = 7 * spread + 10
    least = np.maximum(np.maximum(1, size - (total - counts)), (mean - reach).astype(np.int64))
    most = np.minimum(np.minimum(counts, size), (mean + reach).astype(np.int64))
    terms = np.maximum((most - least) // step + 1, 0)
    # The factorials of the three binomial coefficients in which k does not occur.
    every = log_factorial(np.array(total)) - log_factorial(np.array(size)) - log_factorial(np.array(total - size))
    fixed = log_factorial(counts) + log_factorial(total - counts) - every
    which = np.repeat(np.arange(len(counts)), terms)
    k = least[which] + (np.arange(len(which)) - np.repeat(np.cumsum(terms) - terms, terms)) * step[which]
    rest = counts[which] - k
    chance = fixed[which] - log_factorial(k) - log_factorial(rest) - log_factorial(size - k)
    chance -= log_factorial(total - size - rest)
    weights = -(repeats * step)[which] * k / size * np.log2(k / size)
    return abs(float((np.exp(chance) * weights).sum()))


@cache
def tabulate_factorials() -> Floats:
    """Log k! for k below `TABLE`."""
    return sum_stirling(np.arange(TABLE))


def log_factorial(k: Integers) -> Floats:
    """Log k!, to 12 digits and more: from a table where all k are in it."""
    return tabulate_factorials().take(k) if k.max(initial=0) < TABLE else sum_stirling(k)


def sum_stirling(k: Integers) -> Floats:
    """Log k!: exact products below 32, Stirling's series above."""
    large = np.maximum(k, 32).astype(np.float64)
    series = 1 / (12 * large) - 1 / (360 * large**3) + 1 / (1260 * large**5) - 1 / (1680 * large**7)
    stirling = large * np.log(large) - large + 0.5 * np.log(2 * np.pi * large) + series
    found: Floats = np.where(k < 32, SMALL_FACTORIALS[np.minimum(k, 31)], stirling)
    return found
