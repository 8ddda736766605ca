"""Paired approximate randomisation tests of differences between ratios of sums.

Units (segments or documents) swap sides at random, identically in every test, so that one matrix of signs, multiplied
by each unit's contribution, shuffles all tests at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from tokbench.metrics.resampling import Floats, divide

Integers = npt.NDArray[np.int64]
Signs = npt.NDArray[np.floating[Any]]

LARGEST_EXACT = 2**24
"""Sums of integers below this are exact in 32-bit floats."""

MOST_FOR_FEW = 60_000
"""10,000 shuffles for each of up to six tests: the smallest p stays below 0.0001 after Holm."""

CHUNK = 4096
"""Shuffles drawn at a time; changing it changes the results of a seed."""

BLOCK = 2**22
"""Signs held in memory at once: 16 MB."""

WIDTH = 256
"""Tests whose shuffled sums are computed together."""

TIES = 1 - 1e-9
"""Shuffles that tie with the observed difference count as extreme, regardless of rounding."""


def count_shuffles(cells: int, level: float = 0.95) -> int:
    """Return the shuffles a grid of tests needs.

    Enough for the smallest p to stay significant after Holm's correction.
    """
    return max(math.ceil(1.25 * cells / (1 - level)), min(10_000 * cells, MOST_FOR_FEW))


def draw_signs(seed: int, shuffles: int, units: int) -> Iterator[npt.NDArray[np.float32]]:
    """Yield signs of shape (shuffles, units): 1 where a unit swaps sides, else -1.

    Each unit swaps with probability one half. Yields as many shuffles at a time as fit in `BLOCK` numbers, at least
    one.
    """
    generator = np.random.default_rng(seed)
    most = max(1, BLOCK // max(1, units))
    for start in range(0, shuffles, CHUNK):
        rows = min(CHUNK, shuffles - start)
        drawn = generator.integers(0, 256, size=(rows, -(-units // 8)), dtype=np.uint8)
        for first in range(0, rows, most):
            bits = np.unpackbits(drawn[first : first + most], axis=1, count=units)
            yield 2 * bits.astype(np.float32) - 1


class Shuffled(Protocol):
    """Tests that are shuffled together."""

    @property
    def cells(self) -> Integers:
        """Return the column index of each test."""
        ...

    def count_extreme(self, signs: Signs) -> Integers:
        """Count the shuffles in which each test differs at least as much as observed."""
        ...


@dataclass(frozen=True)
class ShuffledSums:
    """Tests in which only one side of the ratios varies, so sums of `steps` decide.

    least: the difference of sums that counts as extreme.
    """

    cells: Integers
    steps: Signs
    least: Floats

    def count_extreme(self, signs: Signs) -> Integers:
        """Count the shuffles in which each test differs at least as much as observed.

        For most tests, a quarter of the units already shows that no shuffle can be extreme, whatever the others add.
        """
        signs = signs.astype(self.steps.dtype, copy=False)
        some = len(self.steps) // 4
        sums = signs[:, :some] @ self.steps[:some]
        rest = np.abs(self.steps[some:]).sum(axis=0)
        hopeful = np.flatnonzero((np.abs(sums) >= self.least - rest).any(axis=0))
        whole = sums[:, hopeful] + signs[:, some:] @ self.steps[some:, hopeful]
        counted = np.zeros(len(self.cells), np.int64)
        counted[hopeful] = (np.abs(whole) >= self.least[hopeful]).sum(axis=0)
        return counted


@dataclass(frozen=True)
class ShuffledRatios:
    """Tests in which both sides of the ratios vary.

    totals: sums of both tokenizers together.
    least: the difference of ratios that counts as extreme.
    """

    cells: Integers
    steps: tuple[Signs, Signs]
    totals: tuple[Floats, Floats]
    least: Floats

    def count_extreme(self, signs: Signs) -> Integers:
        """Count the shuffles in which each test differs at least as much as observed."""
        moved = [(signs.astype(step.dtype, copy=False) @ step).astype(np.float64) for step in self.steps]
        # Both tokenizers' sums are doubled here, which cancels in the ratio.
        one, other = (divide(self.totals[0] + sign * moved[0], self.totals[1] + sign * moved[1]) for sign in (1, -1))
        counted: Integers = (np.abs(one - other) >= self.least).sum(axis=0)
        return counted


def randomise(first: tuple[Floats, Floats], second: tuple[Floats, Floats], *, shuffles: int, seed: int) -> Floats:
    """Return two-sided p-values for equal ratios of sums, one per column.

    first, second: numerators and denominators of both sides, each (units, cells); a unit is a segment or document.

    Paired approximate randomisation: each unit swaps sides with probability one half, in all columns at once. If c of N
    shuffles differ at least as much as observed, p = (c + 1) / (N + 1). NaN where a ratio is undefined.
    Source: Noreen 1989; Riezler & Maxwell 2005.
    """
    ratios = [divide(numerators.sum(axis=0), denominators.sum(axis=0)) for numerators, denominators in (first, second)]
    observed = np.abs(ratios[0] - ratios[1])
    extreme = np.zeros(len(observed))
    groups = list(group_tests(first, second, observed))
    for signs in draw_signs(seed, shuffles, len(first[0])):
        for group in groups:
            extreme[group.cells] += group.count_extreme(signs)
    p: Floats = np.where(np.isnan(observed), np.nan, (extreme + 1) / (shuffles + 1))
    return p


def group_tests(first: tuple[Floats, Floats], second: tuple[Floats, Floats], observed: Floats) -> Iterator[Shuffled]:
    """Group the defined tests by how they are counted."""
    numerators, denominators = (one - other for one, other in zip(first, second, strict=True))
    totals = [one.sum(axis=0) + other.sum(axis=0) for one, other in zip(first, second, strict=True)]
    above = ~denominators.any(axis=0)
    # |N / d1 - N / d2| grows with |d1 - d2| where d1 + d2 is fixed and neither can be 0.
    never_zero = (np.minimum(first[1], second[1]) > 0).any(axis=0)
    below = ~above & ~numerators.any(axis=0) & (totals[0] > 0) & never_zero
    # 32-bit sums of integers are exact and take half the time; the result does not depend on the machine's BLAS.
    exact = sums_exactly(numerators) & sums_exactly(denominators)
    kinds: tuple[tuple[type[np.floating[Any]], npt.NDArray[np.bool_]], ...] = (
        (np.float32, exact),
        (np.float64, ~exact),
    )
    for kind, chosen in kinds:
        defined = chosen & ~np.isnan(observed)
        for steps, alone in ((numerators, above), (denominators, below)):
            for cells in cut_cells(defined & alone):
                moved = steps[:, cells].astype(kind)
                yield ShuffledSums(cells, moved, TIES * np.abs(moved.sum(axis=0, dtype=np.float64)))
        for cells in cut_cells(defined & ~above & ~below):
            pair = (numerators[:, cells].astype(kind), denominators[:, cells].astype(kind))
            yield ShuffledRatios(cells, pair, (totals[0][cells], totals[1][cells]), TIES * observed[cells])


def cut_cells(chosen: npt.NDArray[np.bool_]) -> Iterator[Integers]:
    """Yield the indices of the chosen cells, `WIDTH` at a time."""
    cells = np.flatnonzero(chosen)
    for start in range(0, len(cells), WIDTH):
        yield cells[start : start + WIDTH]


def sums_exactly(values: Floats) -> npt.NDArray[np.bool_]:
    """Return whether all signed sums of a column are exact in 32-bit floats.

    True for integers that are not too large.
    """
    whole = (values == np.round(values)).all(axis=0)
    exact: npt.NDArray[np.bool_] = whole & (np.abs(values).sum(axis=0) < LARGEST_EXACT)
    return exact
