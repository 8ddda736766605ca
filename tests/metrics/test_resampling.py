"""Resampling: weights that are draws, sums that are sums, intervals that hold published ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from helpers.data import needs_data
from tokbench.measurement import measure
from tokbench.metrics.permutation import count_shuffles, draw_signs, randomise
from tokbench.metrics.resampling import (
    MOST_UNITS,
    Bootstrap,
    adjust_holm,
    bca_interval,
    divide,
    draw_weights,
    find_detectable,
    find_units,
    jackknife_interval,
    percentile_interval,
    resample_sums,
    student_quantile,
)
from tokbench.pythia.cost.workload import Workload


def test_each_resample_draws_as_many_segments_as_there_are() -> None:
    weights = draw_weights(Bootstrap(resamples=50), 7)
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == np.round(weights)).all()
    assert (weights >= 0).all()


def test_clusters_are_drawn_whole() -> None:
    clusters = np.array([0, 0, 1, 2, 2, 2])
    units = find_units(6, clusters)
    assert units.number == 3
    counts = np.array([[1.0, 10], [2, 20], [4, 40], [8, 80], [16, 160], [32, 320]])
    assert units.sum(counts).tolist() == [[3, 30], [4, 40], [56, 560]]
    scattered = find_units(4, np.array([1, 0, 1, 2]))
    assert scattered.sum(np.array([[1.0], [2], [4], [8]])).tolist() == [[2], [5], [8]]


def test_of_many_units_runs_of_neighbours_are_drawn() -> None:
    assert find_units(MOST_UNITS).of is None
    units = find_units(2 * MOST_UNITS + 1)
    assert units.number == MOST_UNITS
    assert units.of is not None
    assert (np.diff(units.of) >= 0).all()
    assert set(np.bincount(units.of).tolist()) == {2, 3}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 50))
def test_equal_seeds_give_equal_draws(seed: int, n: int) -> None:
    bootstrap = Bootstrap(resamples=5, seed=seed)
    assert (draw_weights(bootstrap, n) == draw_weights(bootstrap, n)).all()


def test_sums_and_ratios_by_hand() -> None:
    weights = np.array([[2.0, 0.0], [1.0, 1.0]])
    sums = resample_sums(weights, np.array([[1.0, 10.0], [3.0, 30.0]]))
    assert sums.tolist() == [[2.0, 20.0], [4.0, 40.0]]
    assert divide(sums[:, 0], np.array([4.0, 0.0])).tolist() == [0.5, pytest.approx(np.nan, nan_ok=True)]
    low, high = percentile_interval(np.arange(101.0)[:, None], 0.9)
    assert (low.tolist(), high.tolist()) == ([pytest.approx(5)], [pytest.approx(95)])


def test_a_constant_has_an_interval_of_no_width() -> None:
    counts = np.full((20, 1), 3.0)
    weights = draw_weights(Bootstrap(resamples=100), 20)
    ratios = divide(resample_sums(weights, counts), resample_sums(weights, 2 * counts))
    low, high = percentile_interval(ratios, 0.95)
    assert low[0] == high[0] == 0.5


@needs_data
def test_the_interval_of_gpt_neox_on_flores_is_the_published_one(shared_data: Path) -> None:
    languages = ("eng_Latn", "zho_Hans")
    corpus = tb.load_corpus(shared_data / "corpora" / "flores200" / "dev", languages=languages)
    measured = measure([tb.load_tokenizer("gpt-neox-20b")], corpus)
    tokens = Workload.read(measured, languages, ("gpt-neox-20b",)).tokens
    counts = np.stack([tokens["gpt-neox-20b", lang] for lang in languages], axis=1).astype(float)
    sums = resample_sums(draw_weights(Bootstrap(), corpus.n), counts)
    low, high = percentile_interval(divide(sums[:, 1], sums[:, 0]), 0.95)
    assert float(low) == pytest.approx(2.063, abs=0.003)
    assert float(high) == pytest.approx(2.115, abs=0.003)


@pytest.mark.parametrize(
    ("share", "freedom", "expected"),
    [(0.975, 1, 12.706205), (0.975, 2, 4.302653), (0.975, 7, 2.364624), (0.95, 10, 1.812461), (0.995, 30, 2.749996)],
)
def test_quantiles_of_student_are_those_of_the_tables(share: float, freedom: int, expected: float) -> None:
    assert student_quantile(share, freedom) == pytest.approx(expected, abs=1e-6)


def test_the_jackknife_of_a_mean_is_the_interval_of_student() -> None:
    data = np.array([1.0, 2.0, 4.0, 7.0])
    without = ((data.sum() - data) / 3)[:, None]
    low, high = jackknife_interval(np.array([3.5]), without, np.ones(4), 0.95)
    reach = student_quantile(0.975, 3) * data.std(ddof=1) / 2
    assert (low[0], high[0]) == pytest.approx((3.5 - reach, 3.5 + reach))
    assert np.isnan(jackknife_interval(np.array([1.0]), np.array([[1.0]]), np.ones(1), 0.95)).all()


def test_the_jackknife_of_unequal_blocks_by_hand() -> None:
    """Units 1 | 3 5 | 6 of mean 15 / 4; without a block 14 / 3, 7 / 2, 3; the pseudo-values are the blocks' means."""
    low, high = jackknife_interval(
        np.array([15 / 4]), np.array([[14 / 3], [7 / 2], [3.0]]), np.array([1.0, 2.0, 1.0]), 0.95
    )
    spread = (1 / 3 * (1 - 15 / 4) ** 2 + 1 * (4 - 15 / 4) ** 2 + 1 / 3 * (6 - 15 / 4) ** 2) / 3
    reach = student_quantile(0.975, 2) * spread**0.5
    assert (low[0], high[0]) == pytest.approx((15 / 4 - reach, 15 / 4 + reach))


@settings(max_examples=30, deadline=None)
@given(
    values=st.lists(st.floats(-100, 100), min_size=2, max_size=20),
    observed=st.floats(-100, 100),
    size=st.integers(1, 1000),
)
def test_of_equal_blocks_the_jackknife_is_that_of_tukey(values: list[float], observed: float, size: int) -> None:
    without, g = np.array(values), len(values)
    low, high = jackknife_interval(np.array([observed]), without[:, None], np.full(g, float(size)), 0.95)
    reach = student_quantile(0.975, g - 1) * ((g - 1) / g * ((without - without.mean()) ** 2).sum()) ** 0.5
    assert (low[0], high[0]) == pytest.approx((observed - reach, observed + reach), abs=1e-7)


def test_holm_by_hand() -> None:
    adjusted = adjust_holm(np.array([0.01, 0.04, np.nan, 0.03, 0.9]))
    assert adjusted.tolist() == pytest.approx([0.04, 0.09, np.nan, 0.09, 0.9], nan_ok=True)


def test_the_p_of_a_randomisation_is_the_share_of_all_swaps() -> None:
    """Of the 2^6 swaps of (1, 2, 3, 4, 5, 6) against 0, those whose difference is as large as 21: 2 of 64."""
    first, second = np.arange(1.0, 7.0)[:, None], np.zeros((6, 1))
    ones = np.ones((6, 1))
    p = randomise((first, ones), (second, ones), shuffles=20_000, seed=1)
    assert float(p[0]) == pytest.approx(2 / 64, abs=0.004)
    assert p == randomise((first, ones), (second, ones), shuffles=20_000, seed=1)
    assert p == randomise((second, ones), (first, ones), shuffles=20_000, seed=1)  # two-sided
    halves = randomise((first / 2, ones), (second, ones), shuffles=20_000, seed=1)  # in 64 bits
    assert p == halves
    assert randomise((first, ones), (first, ones), shuffles=100, seed=0) == 1.0
    assert np.isnan(randomise((first, 0 * ones), (second, ones), shuffles=10, seed=0)).all()


def randomise_plainly(first: tuple[np.ndarray, np.ndarray], second: tuple[np.ndarray, np.ndarray]) -> list[float]:
    """The p of a randomisation of 200 shuffles, one unit and one shuffle after the other."""
    found = []
    signs = np.concatenate(list(draw_signs(3, 200, len(first[0]))))
    for cell in range(first[0].shape[1]):
        sides = [[side[part][:, cell].tolist() for part in (0, 1)] for side in (first, second)]
        gaps = []
        for swaps in [[-1] * len(first[0]), *signs.tolist()]:
            sums = [[0.0, 0.0], [0.0, 0.0]]
            for unit, swapped in enumerate(swaps):
                for side in (0, 1):
                    for part in (0, 1):
                        sums[side][part] += sides[side != (swapped > 0)][part][unit]
            (a, b), (c, d) = sums
            gaps.append(abs(a / b - c / d) if b and d else np.nan)
        observed, *shuffled = gaps
        extreme = sum(gap >= observed * (1 - 1e-9) for gap in shuffled)
        found.append(np.nan if np.isnan(observed) else (extreme + 1) / 201)
    return found


@settings(max_examples=40, deadline=None)
@given(data=st.data(), units=st.integers(1, 9), scale=st.sampled_from([1, 0.5, 1e7]))
def test_shuffling_all_tests_at_once_is_shuffling_each(data: st.DataObject, units: int, scale: float) -> None:
    """By the scale in 32 bits, in 64 as no whole numbers, in 64 as too large ones; exactly, in all of them."""
    counts = st.lists(st.lists(st.integers(0, 6), min_size=3, max_size=3), min_size=units, max_size=units)
    one, two, three, four = (np.array(data.draw(counts), float) * scale for _ in range(4))
    ones = np.ones_like(one)
    for first, second in (
        ((one, ones), (two, ones)),
        ((ones, one), (ones, two)),
        ((one, three), (two, four)),
        ((0 * one, three), (0 * one, four)),
    ):
        p = randomise(first, second, shuffles=200, seed=3)
        assert p.tolist() == pytest.approx(randomise_plainly(first, second), nan_ok=True)


def test_a_grid_of_tests_has_shuffles_enough() -> None:
    for cells in (1, 6, 54, 2000):
        assert cells / (count_shuffles(cells) + 1) < 0.05
    assert 6 / (count_shuffles(6) + 1) < 0.0001


def test_bca_without_bias_and_skew_is_the_percentile_interval() -> None:
    samples = np.concatenate([-np.arange(1.0, 501.0), np.arange(1.0, 501.0)])[:, None]
    without = np.array([[-1.0], [1.0]])
    assert np.allclose(
        np.ravel(bca_interval(samples, np.array([0.0]), without, 0.95)), np.ravel(percentile_interval(samples, 0.95))
    )
    shifted = bca_interval(samples, np.array([100.0]), without, 0.95)
    assert shifted[0] > percentile_interval(samples, 0.95)[0]
    assert np.isnan(bca_interval(samples, np.array([1000.0]), without, 0.95)).all()


def test_the_detectable_difference_by_hand() -> None:
    samples = np.array([[1.0], [3.0]])  # standard deviation sqrt(2)
    assert find_detectable(samples, 0.95)[0] == pytest.approx((1.959964 + 0.841621) * 2**0.5, abs=1e-5)
