"""Fit effective rates to times: an exact least-squares fit of a roofline.

A timing's intensity (FLOPs per byte) alone decides which bound limits it: above the ridge, arithmetic. The possible
assignments of n timings are therefore the n + 1 positions of the ridge among their intensities, and for each of them
the rates have a closed form. All are tried, and the best by the model itself is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tokbench.pythia.model.work import Phase, Work

Floats = npt.NDArray[np.float64]


class Solution(NamedTuple):
    """Rates in FLOP/s and bytes/s; None where that bound limits no timing."""

    prefill_flops: float | None
    decode_flops: float | None
    attention_flops: float | None
    bandwidth: float | None


class _Timings(NamedTuple):
    decode: npt.NDArray[np.bool_]
    matrix_flops: Floats
    attention_flops: Floats
    moved_bytes: Floats
    seconds: Floats

    @property
    def flops(self) -> Floats:
        return self.matrix_flops + self.attention_flops


def fit_rates(timings: Sequence[tuple[Phase, Work, float]], attention_apart: bool) -> Solution:
    """Fit the rates by least squares of ln(predicted / measured seconds).

    FLOP/s per phase, and one bandwidth. The least intensive step counts as limited by bandwidth, the most intensive
    prefill does not.
    """
    arrays = _Timings(
        np.array([phase == "decode" for phase, _, _ in timings]),
        np.array([work.matrix_flops for _, work, _ in timings], dtype=np.float64),
        np.array([work.attention_flops for _, work, _ in timings], dtype=np.float64),
        np.array([work.moved_bytes for _, work, _ in timings], dtype=np.float64),
        np.array([seconds for _, _, seconds in timings], dtype=np.float64),
    )
    candidates = [_solve(arrays, on_bandwidth, attention_apart) for on_bandwidth in _assignments(arrays)]
    errors = [_squared_error(arrays, candidate) for candidate in candidates]
    return candidates[int(np.argmin(errors))]


def _assignments(arrays: _Timings) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield every set of timings that bandwidth may limit.

    Those below a ridge in each phase.
    """
    intensity = arrays.flops / arrays.moved_bytes
    prefill = np.unique(intensity[~arrays.decode])
    decode = np.unique(intensity[arrays.decode])
    prefill_ridges: list[float] = [float(value) for value in prefill] or [np.inf]
    decode_ridges: list[float] = [float(value) for value in decode[1:]] + [np.inf]
    for prefill_ridge in prefill_ridges:
        for decode_ridge in decode_ridges:
            yield intensity < np.where(arrays.decode, decode_ridge, prefill_ridge)


def _solve(arrays: _Timings, on_bandwidth: npt.NDArray[np.bool_], attention_apart: bool) -> Solution:
    prefill, decode = ~on_bandwidth & ~arrays.decode, ~on_bandwidth & arrays.decode
    if attention_apart:
        prefill_flops, attention_flops = _solve_pair(arrays, prefill)
    else:
        prefill_flops, attention_flops = _mean_rate(arrays.flops, arrays.seconds, prefill), None
    return Solution(
        prefill_flops,
        _mean_rate(arrays.flops, arrays.seconds, decode),
        attention_flops,
        _mean_rate(arrays.moved_bytes, arrays.seconds, on_bandwidth),
    )


def _mean_rate(amounts: Floats, seconds: Floats, chosen: npt.NDArray[np.bool_]) -> float | None:
    """Return the geometric mean of the rates, which is least squares of the logarithm."""
    if not chosen.any():
        return None
    return float(np.exp(np.mean(np.log(amounts[chosen] / seconds[chosen]))))


def _solve_pair(arrays: _Timings, chosen: npt.NDArray[np.bool_]) -> tuple[float | None, float | None]:
    """Fit rates of matrices and attention: least squares of predicted / measured - 1.

    Neither rate is negative.
    """
    if not chosen.any():
        return None, None
    shares = np.stack([arrays.matrix_flops[chosen], arrays.attention_flops[chosen]], axis=1)
    shares /= arrays.seconds[chosen, None]
    # Scale the columns, which differ by orders of magnitude.
    scale = np.sqrt(np.mean(np.square(shares), axis=0))
    inverse, _, rank, _ = np.linalg.lstsq(shares / scale, np.ones(len(shares)), rcond=1e-9)
    if rank < 2 or not (inverse > 0).all():
        return _mean_rate(arrays.flops, arrays.seconds, chosen), None
    matrix, attention = (scale / inverse).tolist()
    return matrix, attention


def _squared_error(arrays: _Timings, rates: Solution) -> float:
    speed = np.where(arrays.decode, _inverse(rates.decode_flops), _inverse(rates.prefill_flops))
    apart = speed if rates.attention_flops is None else np.where(arrays.decode, speed, 1 / rates.attention_flops)
    arithmetic = arrays.matrix_flops * speed + arrays.attention_flops * apart
    predicted = np.maximum(arithmetic, arrays.moved_bytes * _inverse(rates.bandwidth))
    return float(np.sum(np.square(np.log(predicted / arrays.seconds))))


def _inverse(rate: float | None) -> float:
    return 0.0 if rate is None else 1 / rate
