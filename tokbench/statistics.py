"""Intervals and tests by resampling ratios of sums: bootstrap, jackknife, paired randomisation, Holm.

Sufficient statistics are resampled, never texts: one matrix of weights (how often each segment was drawn in each
resample), multiplied with the counts of each segment. The same weights serve every tokenizer and language, so that
differences and premiums keep the pairing of parallel segments.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
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

LARGEST_EXACT = 2**24
"""Sums of whole numbers below this are exact in 32 bits."""

MOST_FOR_FEW = 60_000
"""With 10,000 shuffles for each of up to six tests, the least p is below 0.0001 after Holm's correction."""

CHUNK = 4096
"""Shuffles drawn at a time; part of what the seed means."""


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


def draw_weights(bootstrap: Bootstrap, segments: int, clusters: Clusters | None = None) -> Floats:
    """How often each of `segments` was drawn in each resample: shape (resamples, segments).

    With `clusters`, the number of each segment's cluster (its document), whole clusters are drawn.
    """
    generator = np.random.default_rng(bootstrap.seed)
    if clusters is None:
        drawn = generator.multinomial(segments, np.full(segments, 1 / segments), size=bootstrap.resamples)
        return drawn.astype(np.float64)
    groups = int(clusters.max()) + 1
    drawn = generator.multinomial(groups, np.full(groups, 1 / groups), size=bootstrap.resamples)
    return drawn[:, clusters].astype(np.float64)


def number_clusters(documents: pl.DataFrame, segments: pl.Series) -> Clusters | None:
    """The number of each segment's document, None where no documents are named; columns segment, document."""
    if documents.is_empty():
        return None
    names = pl.DataFrame({"segment": segments}).join(documents, on="segment", how="left", maintain_order="left")
    return (names["document"].rank("dense") - 1).to_numpy().astype(np.int64)


def leave_one_out_weights(segments: int, clusters: Clusters | None = None) -> Floats:
    """The corpus without one of its segments (or clusters), for each of them in turn: (units, segments)."""
    units = np.arange(segments) if clusters is None else clusters
    kept: Floats = (units[None, :] != np.arange(int(units.max()) + 1)[:, None]).astype(np.float64)
    return kept


def resample_sums(weights: Floats, counts: Floats) -> Floats:
    """Sums over resampled segments: `counts` has a row a segment and a column a cell; (resamples, cells)."""
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


def count_shuffles(cells: int, level: float = 0.95) -> int:
    """How many shuffles a grid of tests needs, so that the least p of one still counts after Holm's correction."""
    return max(math.ceil(1.25 * cells / (1 - level)), min(10_000 * cells, MOST_FOR_FEW))


def draw_swaps(seed: int, shuffles: int, units: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Which units change sides in each shuffle, each with probability one half, in chunks: (shuffles, units)."""
    generator = np.random.default_rng(seed)
    for start in range(0, shuffles, CHUNK):
        rows = min(CHUNK, shuffles - start)
        drawn = generator.integers(0, 256, size=(rows, -(-units // 8)), dtype=np.uint8)
        yield np.unpackbits(drawn, axis=1, count=units).astype(np.bool_)


def randomise(
    first: tuple[Floats, Floats],
    second: tuple[Floats, Floats],
    *,
    shuffles: int,
    seed: int,
    relate: Callable[[Floats, Floats], Floats] = divide,
) -> Floats:
    """Two-sided p of equal ratios of sums, by paired approximate randomisation: one p a column.

    first, second: numerators and denominators of both sides, a row a unit (segment or document), a column a cell.
    Each unit changes sides with probability one half, in all columns at once; c shuffles differ by as much as the
    data do, p = (c + 1) / (N + 1). NaN where a ratio is undefined. Source: Noreen 1989; Riezler & Maxwell 2005.
    """
    sides = [np.concatenate(pair, axis=1) for pair in (first, second)]
    cells = first[0].shape[1]
    step = sides[1] - sides[0]
    totals = [side.sum(axis=0) for side in sides]
    whole = all(bool((side == np.round(side)).all()) for side in sides)
    exact = whole and max(float(np.abs(side).sum(axis=0).max(initial=0)) for side in sides) < LARGEST_EXACT
    # Whole numbers are summed exactly in half the time: the result does not depend on the machine's matrix product.
    kind = np.float32 if exact else np.float64
    moves = step.any(axis=0)  # what is equal on both sides stays equal
    step = step[:, moves].astype(kind)

    def differ(sums: Floats) -> Floats:
        moved = np.zeros((len(sums), 2 * cells))
        moved[:, moves] = sums
        one, other = totals[0] + moved, totals[1] - moved
        gap = relate(one[:, :cells], one[:, cells:]) - relate(other[:, :cells], other[:, cells:])
        return np.abs(gap)

    observed = differ(np.zeros((1, int(moves.sum()))))[0]
    # Shuffles that tie with the data count as extreme, whatever the rounding of their sums.
    threshold = observed * (1 - 1e-9)
    extreme = np.zeros(cells)
    for swaps in draw_swaps(seed, shuffles, len(step)):
        sums = np.matmul(swaps.astype(kind), step).astype(np.float64)
        extreme += (differ(sums) >= threshold).sum(axis=0)
    p: Floats = np.where(np.isnan(observed), np.nan, (extreme + 1) / (shuffles + 1))
    return p


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

    (z(1 - alpha / 2) + z(power)) times the standard error, which is the spread of the resampled values.
    """
    reach = NORMAL.inv_cdf((1 + level) / 2) + NORMAL.inv_cdf(power)
    found: Floats = reach * samples.std(axis=0, ddof=1)
    return found
