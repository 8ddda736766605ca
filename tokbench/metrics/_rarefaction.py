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

TERMS = 200_000

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
    hypergeometric: sum over ids of E[-k/size log2 k/size]. Terms whose probability together is
    below 1e-10 are left out.
    """
    counts, repeats = (rows.struct.field(name).to_numpy().astype(np.int64) for name in ("count", "types"))
    total = int((counts * repeats).sum())
    if total < size:
        return None
    mean = size * counts / total
    spread = np.sqrt(mean * (total - counts) / total * (total - size) / max(total - 1, 1))
    reach = 7 * spread + 10
    least = np.maximum(np.maximum(1, size - (total - counts)), (mean - reach).astype(np.int64))
    terms = np.maximum(np.minimum(np.minimum(counts, size), (mean + reach).astype(np.int64)) - least + 1, 0)
    # The factorials of the three binomial coefficients in which k does not occur.
    every = log_factorial(np.array(total)) - log_factorial(np.array(size)) - log_factorial(np.array(total - size))
    fixed = log_factorial(counts) + log_factorial(total - counts) - every
    drawn = np.arange(1, size + 1)
    weights = -drawn / size * np.log2(drawn / size)
    # In groups of so many terms, since the spectrum of a large text has millions of them.
    groups = np.cumsum(terms) // TERMS
    entropy = 0.0
    for group in range(int(groups[-1]) + 1):
        chosen = groups == group
        lengths = terms[chosen]
        c = np.repeat(counts[chosen], lengths)
        k = np.arange(len(c)) + np.repeat(least[chosen] - np.cumsum(lengths) + lengths, lengths)
        rest = c - k
        chance = np.repeat(fixed[chosen], lengths) - log_factorial(k) - log_factorial(rest) - log_factorial(size - k)
        chance -= log_factorial(total - size - rest)
        entropy += float((np.repeat(repeats[chosen], lengths) * np.exp(chance) * weights[k - 1]).sum())
    return abs(entropy)


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
