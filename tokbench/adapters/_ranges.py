"""Ranges in flat arrays, given by where each starts."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Offsets = npt.NDArray[np.int64]


def offsets_of(lengths: npt.NDArray[np.integer]) -> Offsets:
    """Return where consecutive pieces of these lengths start, and the last ends."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def sum_ranges(values: npt.NDArray[np.generic], offsets: Offsets) -> npt.NDArray[np.int64]:
    """Sum `values[offsets[i]:offsets[i + 1]]` for each i; 0 for empty ranges."""
    if values.dtype == np.bool_:
        return np.diff(np.searchsorted(np.flatnonzero(values), offsets))
    running = offsets_of(values.astype(np.int64, copy=False))
    return np.diff(running[offsets])
