"""Fit times as sums of what takes them, by non-negative least relative squares.

A prefill is matrix products and logits (L d^2 S + V d), elementwise work (L d S), attention (L d S^2) and a constant
per layer (L). A step is bytes moved, matrix products of its batch, elementwise work (L d B) and a constant per layer.
One rate in FLOP/s would be wrong where elementwise work bounds a prefill: it grows with d, not d^2.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.work import Phase, Work

Floats = npt.NDArray[np.float64]

TERMS = 4


def list_terms(phase: Phase, architecture: Architecture, work: Work, tokens: int, batch: int) -> tuple[float, ...]:
    """Return what a prefill or a step consists of, in `TERMS` amounts."""
    values = architecture.layers * architecture.width * batch
    if phase == "prefill":
        return work.matrix_flops, float(values * tokens), work.attention_flops, float(architecture.layers)
    return work.moved_bytes, work.matrix_flops, float(values), float(architecture.layers)


def solve_non_negative(amounts: Floats, seconds: Floats) -> Floats:
    """Return the coefficients of least squares of predicted / measured - 1, none of them negative.

    amounts: shape (timings, terms), at most a few terms: every set of terms is tried, and the best without a negative
        coefficient is the solution.
    """
    shares = amounts / seconds[:, None]
    # Scale the columns, which differ by orders of magnitude.
    scale = np.sqrt(np.mean(np.square(shares), axis=0))
    scale[scale == 0] = 1.0
    scaled = shares / scale
    best, least = np.zeros(amounts.shape[1]), float(len(seconds))
    for size in range(1, amounts.shape[1] + 1):
        for chosen in combinations(range(amounts.shape[1]), size):
            found, _, rank, _ = np.linalg.lstsq(scaled[:, chosen], np.ones(len(seconds)), rcond=1e-9)
            if rank < size or (found < 0).any():
                continue
            error = float(np.sum(np.square(scaled[:, chosen] @ found - 1)))
            if error < least * (1 - 1e-9):
                least = error
                best = np.zeros(amounts.shape[1])
                best[list(chosen)] = found
    coefficients: Floats = best / scale
    return coefficients
