"""Intervals for ratios of sums, Holm's correction, and detectable differences.

Sufficient statistics are resampled, never texts: one matrix of weights (how often each resample drew each segment) is
multiplied by the counts per segment. All tokenizers and languages share the weights, so that differences and premiums
keep the pairing of parallel segments.
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

from tokbench.measurement.units import MOST_UNITS, Draw

Floats = npt.NDArray[np.float64]
Clusters = npt.NDArray[np.int64]
Method = Literal["percentile", "bca"]

NORMAL = NormalDist()
POWER = 0.8
"""The share of corpora in which a difference of the detectable size is found."""


@dataclass(frozen=True)
class Bootstrap:
    """How to compute intervals.

    resamples: number of resamples.
    seed: seed of the random draws.
    level: coverage of the interval.
    draw: resampling unit: documents (if the corpus has them) or segments. Segments of one document are alike, so
        drawing documents gives honest, wider intervals; drawing segments gives those that most papers print.
    method: `percentile` takes percentiles of the resampled values; `bca` corrects them for bias and for a spread that
        grows with the value (Efron 1987).
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95
    draw: Draw = "documents"
    method: Method = "percentile"


@dataclass(frozen=True, eq=False)
class Units:
    """Resampling units: segments or whole documents.

    number: how many units.
    of: unit of each segment, (segments,); None if each segment is its own unit.
    """

    number: int
    of: Clusters | None

    def sum(self, counts: Floats) -> Floats:
        """Sum counts per unit: (segments, ...) to (units, ...)."""
        if self.of is None:
            return counts
        order = np.argsort(self.of, kind="stable")
        starts = np.flatnonzero(np.diff(self.of[order], prepend=-1))
        summed: Floats = np.add.reduceat(counts[order], starts, axis=0)
        return summed


def find_units(segments: int, clusters: Clusters | None = None) -> Units:
    """Return the resampling units: single segments, or whole clusters (documents).

    clusters: number of each segment's cluster, (segments,).

    Above `MOST_UNITS`, that many runs of neighbours of nearly equal length are drawn instead. Their intervals agree
    within resampling error, and are rather wider where neighbouring texts are alike.
    """
    number = segments if clusters is None else int(clusters.max()) + 1
    if number <= MOST_UNITS:
        return Units(number, clusters)
    of = np.arange(segments) if clusters is None else clusters
    return Units(MOST_UNITS, of * MOST_UNITS // number)


def draw_weights(bootstrap: Bootstrap, units: int) -> Floats:
    """Draw how often each resample contains each unit: (resamples, units)."""
    generator = np.random.default_rng(bootstrap.seed)
    return generator.multinomial(units, np.full(units, 1 / units), size=bootstrap.resamples).astype(np.float64)


def number_clusters(documents: pl.DataFrame, segments: pl.Series) -> Clusters | None:
    """Return the number of each segment's document; None if none is named.

    documents: columns segment and document.
    """
    if documents["document"].null_count() == documents.height:
        return None
    names = pl.DataFrame({"segment": segments}).join(documents, on="segment", how="left", maintain_order="left")
    return (names["document"].rank("dense") - 1).to_numpy().astype(np.int64)


def resample_sums(weights: Floats, counts: Floats) -> Floats:
    """Sum counts over resampled units: (units, cells) to (resamples, cells)."""
    return weights @ counts


def divide(numerators: Floats, denominators: Floats) -> Floats:
    """Divide sums; NaN if the denominator is 0."""
    undefined = np.full(np.broadcast_shapes(numerators.shape, denominators.shape), np.nan)
    ratios: Floats = np.divide(numerators, denominators, out=undefined, where=denominators != 0)
    return ratios


def percentile_interval(samples: Floats, level: float) -> tuple[Floats, Floats]:
    """Return lower and upper percentiles per column, with equal tails.

    Columns with an undefined resample have no interval (NaN).
    """
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(samples, [tail, 100 - tail], axis=0)
    return low, high


def bca_interval(samples: Floats, observed: Floats, without: Floats, level: float) -> tuple[Floats, Floats]:
    """Return BCa bounds per column (Efron 1987, JASA 82).

    Percentiles corrected for bias and acceleration.

    samples: resampled values, (resamples, ...).
    observed: value of the whole corpus per column.
    without: values of the corpus without each segment (or document), one row each.

    NaN for undefined values and for observed values outside all resamples; if all resamples are equal, so are the
    bounds.
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
    """Return bounds per column from values that leave out one block.

    With g blocks: value -+ t(g - 1) * error.

    observed: value of the whole corpus per column.
    without: values without each block, one row each.
    sizes: units in each block, which weight the blocks: pseudo-values h * value - (h - 1) * value_without, h = n / m.

    NaN for fewer than two blocks, and for undefined values.
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
    """Return the quantile of Student's t for a share of at least one half.

    Accurate to 12 digits, by bisection.
    """
    low, high = 0.0, 1.0
    while student_cdf(high, freedom) < share:
        high *= 2
    while high - low > 1e-13 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if student_cdf(middle, freedom) < share else (low, middle)
    return (low + high) / 2


def student_cdf(t: float, freedom: int) -> float:
    """Return the share of Student's t below t >= 0.

    The finite series in the angle (Abramowitz & Stegun 26.7.3, 26.7.4).
    """
    angle = math.atan(t / math.sqrt(freedom))
    sine, cosine = math.sin(angle), math.cos(angle)
    total, term = 0.0, cosine if freedom % 2 else 1.0
    for step in range(freedom % 2, freedom, 2):
        total += term
        term *= cosine**2 * (step + 1) / (step + 2)
    inner = 2 / math.pi * (angle + sine * total) if freedom % 2 else sine * total
    return 0.5 + inner / 2


def adjust_holm(p: Floats) -> Floats:
    """Correct p-values for multiple tests (Holm 1979).

    Monotone and at most 1; NaN values are not counted as tests.
    """
    flat = p.ravel()
    order = np.argsort(flat, kind="stable")  # NaN last
    tested = int((~np.isnan(flat)).sum())
    adjusted = np.full(flat.shape, np.nan)
    steps = flat[order[:tested]] * np.arange(tested, 0, -1)
    adjusted[order[:tested]] = np.minimum(np.maximum.accumulate(steps), 1) if tested else steps
    return adjusted.reshape(p.shape)


def find_detectable(samples: Floats, level: float, power: float = POWER) -> Floats:
    """Return the minimum detectable difference per column.

    samples: resampled values, (resamples, ...).

    A two-sided test at 1 - level detects it in a share `power` of corpora like this one:
    (z(1 - alpha / 2) + z(power)) times the standard error, the spread of the resampled values. NaN for fewer than two
    resamples.
    """
    if len(samples) < 2:
        return np.full(samples.shape[1:], np.nan)
    reach = NORMAL.inv_cdf((1 + level) / 2) + NORMAL.inv_cdf(power)
    found: Floats = reach * samples.std(axis=0, ddof=1)
    return found
