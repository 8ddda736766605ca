"""Intervals by resampling: a paired bootstrap over segments, or over documents, of ratios of sums.

Sufficient statistics are resampled, never texts: one matrix of weights (how often each segment was drawn in each
resample), multiplied with the counts of each segment. The same weights serve every tokenizer and language, so that
differences and premiums keep the pairing of parallel segments.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Draw = Literal["documents", "segments"]


@dataclass(frozen=True)
class Bootstrap:
    """How intervals are made: number of resamples, seed, the share that an interval is to cover, and what is drawn.

    Segments of one document are alike: drawing whole documents, where the corpus names them, gives honest, wider
    intervals; drawing single segments gives those that most papers print.
    """

    resamples: int = 1000
    seed: int = 0
    level: float = 0.95
    draw: Draw = "documents"


def draw_weights(bootstrap: Bootstrap, segments: int, clusters: npt.NDArray[np.integer] | None = None) -> Floats:
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


def number_clusters(documents: pl.DataFrame, segments: pl.Series) -> npt.NDArray[np.int64] | None:
    """The number of each segment's document, None where no documents are named; columns segment, document."""
    if documents.is_empty():
        return None
    names = pl.DataFrame({"segment": segments}).join(documents, on="segment", how="left", maintain_order="left")
    return (names["document"].rank("dense") - 1).to_numpy().astype(np.int64)
