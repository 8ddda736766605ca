"""Intervals by resampling ratios of sums: bootstrap and jackknife; Holm's correction, detectable differences.

Sufficient statistics are resampled, never texts: one matrix of weights (how often each segment was drawn in each
resample), multiplied with the counts of each segment. The same weights serve every tokenizer and language, so that
differences and premiums keep the pairing of parallel segments.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]
Draw = Literal["documents", "segments"]
Method = Literal["percentile", "bca"]

NORMAL = NormalDist()
POWER = 0.8
"""The share of corpora in which a difference of the detectable size is found."""

MOST_UNITS = 10_000
"""Segments or documents that are drawn one by one; of more, runs of neighbours are."""


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made: number of resamples, seed, the share that an interval is to cover, what is drawn, how.

    Segments of one document are alike: drawing whole documents, where the corpus names them, gives honest, wider
    intervals; drawing single segments gives those that most papers print. `percentile` takes the percentiles of the
    resampled values; `bca` corrects them for bias and for a spread that grows with the value (Efron 1987).
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95
    draw: Draw = "documents"
    method: Method = "percentile"


@dataclass(frozen=True, eq=False)
class Units:
    """What is drawn: segments, or whole documents. `of` is the unit of each segment, None where each is its own."""

    number: int
    of: Clusters | None

    def sum(self, counts: Floats) -> Floats:
        """Counts of each unit, from those of each segment: a row a segment, then a row a unit."""
        if self.of is None:
            return counts
        order = np.argsort(self.of, kind="stable")
        starts = np.flatnonzero(np.diff(self.of[order], prepend=-1))
        summed: Floats = np.add.reduceat(counts[order], starts, axis=0)
        return summed


def find_units(segments: int, clusters: Clusters | None = None) -> Units:
    """What is drawn of so many segments: each by itself, or whole clusters (documents), given by number.

    Of more than `MOST_UNITS`, as many runs of neighbours of nearly equal number are drawn: they give the same intervals
    within the error of the resampling, and those of texts that are alike where they are near are rather wider.
    """
    number = segments if clusters is None else int(clusters.max()) + 1
    if number <= MOST_UNITS:
        return Units(number, clusters)
    of = np.arange(segments) if clusters is None else clusters
    return Units(MOST_UNITS, of * MOST_UNITS // number)


def draw_weights(bootstrap: Bootstrap, units: int) -> Floats:
    """How often each unit was drawn in each resample: shape (resamples, units)."""
    generator = np.random.default_rng(bootstrap.seed)
    return generator.multinomial(units, np.full(units, 1 / units), size=bootstrap.resamples).astype(np.float64)


def number_clusters(documents: pl.DataFrame, segments: pl.Series) -> Clusters | None:
    """The number of each segment's document, None where no documents are named; columns segment, document."""
    if documents.is_empty():
        return None
    names = pl.DataFrame({"segment": segments}).join(documents, on="segment", how="left", maintain_order="left")
    return (names["document"].rank("dense") - 1).to_numpy().astype(np.int64)


def resample_sums(weights: Floats, counts: Floats) -> Floats:
    """Sums over resampled units: `counts` has a row a unit and a column a cell; (resamples, cells)."""
    return weights @ counts


def divide(numerators: Floats, denominators: Floats) -> Floats:
    """Ratios of sums, NaN where the denominator is 0."""
    undefined = np.full(np.broadcast_shapes(numerators.shape, denominators.shape), np.nan)
    ratios: Floats = np.divide(numerators, denominators, out=undefined, where=denominators != 0)
    return ratios


def percentile_interval(samples: Floats, level: float) -> tuple[Floats, Floats]:
    """Lower and upper bound of each column: the percentiles that leave out equal shares on both sides.

    A column with an undefined resample has no interval (NaN).
    """
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(samples, [tail, 100 - tail], axis=0)
    return low, high


def bca_interval(samples: Floats, observed: Floats, without: Floats, level: float) -> tuple[Floats, Floats]:
    """Lower and upper bound of each column, corrected for bias and acceleration (Efron 1987, JASA 82).

    observed: the value of the whole corpus, one a column. without: the values of the corpus without one segment (or
    document), one row each. Undefined values, and observed values outside of all resamples, give NaN; where all
    resamples are equal, so are the bounds.
    """
    defined = ~(np.isnan(samples).any(axis=0) | np.isnan(without).any(axis=0) | np.isnan(observed))
    below = (samples < observed).mean(axis=0) + (samples == observed).mean(axis=0) / 2
    deviation = without.mean(axis=0) - without
    spread = (deviation**2).sum(axis=0)
    acceleration = divide((deviation**3).sum(axis=0), 6 * spread**1.5)
    ordered = np.sort(samples, axis=0)
    low, high = np.full(observed.shape, np.nan), np.full(observed.shape, np.nan)
    tail = NORMAL.inv_cdf((1 - level) / 2)
    for cell in zip(*np.nonzero(defined & (below > 0) & (below < 1)), strict=True):
        bias = NORMAL.inv_cdf(float(below[cell]))
        skew = 0.0 if np.isnan(acceleration[cell]) else float(acceleration[cell])
        for bounds, z in ((low, bias + tail), (high, bias - tail)):
            share = NORMAL.cdf(bias + z / (1 - skew * z))
            bounds[cell] = np.quantile(ordered[(slice(None), *cell)], share)
    return low, high


def jackknife_interval(observed: Floats, without: Floats, sizes: Floats, level: float) -> tuple[Floats, Floats]:
    """Lower and upper bound of each column from the values without one of g blocks: value -+ t(g - 1) * error.

    observed: the value of the whole corpus, one a column. without: the values without one block, one row each. sizes:
    the units in each block, by which the blocks weigh: pseudo-values h * value - (h - 1) * value_without, h = n / m.
    NaN for fewer than two blocks, and where a value is undefined.
    Source: Busing, Meijer & van der Leeden 1999, Statistics and Computing 9 (delete-m_j jackknife).
    """
    blocks = len(without)
    if blocks < 2:
        return np.full(observed.shape, np.nan), np.full(observed.shape, np.nan)
    shares = (sizes / sizes.sum())[:, None]
    pseudo = (observed - (1 - shares) * without) / shares
    spread = (shares / (1 - shares) * (pseudo - (shares * pseudo).sum(axis=0)) ** 2).sum(axis=0)
    reach = student_quantile((1 + level) / 2, blocks - 1) * np.sqrt(spread / blocks)
    return observed - reach, observed + reach


@cache
def student_quantile(share: float, freedom: int) -> float:
    """The quantile of Student's t, for a share of at least one half, to 12 digits (by bisection)."""
    low, high = 0.0, 1.0
    while student_cdf(high, freedom) < share:
        high *= 2
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def student_cdf(t: float, freedom: int) -> float:
    """The share of Student's t below t >= 0: the finite series in the angle (Abramowitz & Stegun 26.7.3, 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    total, term = 0.0, cosine if freedom % 2 else 1.0
    for step in range(freedom % 2, freedom, 2):
        total += term
        term *= cosine**2 * (step + 1) / (step + 2)
    inner = 2 / math.pi * (angle + sine * total) if freedom % 2 else sine * total
    return 0.5 + inner / 2


def adjust_holm(p: Floats) -> Floats:
    """p-values corrected for their number (Holm 1979): not below the one before, at most 1; NaN takes no part."""
    flat = p.ravel()
    order = np.argsort(flat, kind="stable")  # NaN last
    tested = int((~np.isnan(flat)).sum())
    adjusted = np.full(flat.shape, np.nan)
    steps = flat[order[:tested]] * np.arange(tested, 0, -1)
    adjusted[order[:tested]] = np.minimum(np.maximum.accumulate(steps), 1) if tested else steps
    return adjusted.reshape(p.shape)


def find_detectable(samples: Floats, level: float, power: float = POWER) -> Floats:
    """The least difference that a two-sided test at 1 - level finds in `power` of corpora like this one, by column.

    (z(1 - alpha / 2) + z(power)) times the standard error, which is the spread of the resampled values; NaN for fewer
    than two of them.
    """
    if len(samples) < 2:
        return np.full(samples.shape[1:], np.nan)
    reach = NORMAL.inv_cdf((1 + level) / 2) + NORMAL.inv_cdf(power)
    found: Floats = reach * samples.std(axis=0, ddof=1)
    return found
