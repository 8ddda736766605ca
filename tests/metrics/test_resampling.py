"""Resampling: weights that are draws, sums that are sums, intervals that hold published ones."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from helpers.data import needs_data
from tokbench.measurement import measure
from tokbench.metrics.permutation import (
    LARGEST_EXACT,
    ShuffledRatios,
    count_shuffles,
    draw_signs,
    group_tests,
    randomise,
    sums_exactly,
)
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
    number_clusters,
    percentile_interval,
    resample_sums,
    student_cdf,
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


def test_only_where_both_sides_are_whole_numbers_are_ratios_shuffled_in_32_bits() -> None:
    """Four tests: both sides whole, the numerators alone, the denominators alone, none."""
    numerators, denominators = np.array([[1.0, 1.0, 0.1, 0.1]] * 2), np.array([[2.0, 0.2, 2.0, 0.2]] * 2)
    first, second = (numerators, denominators), (2 * numerators, 3 * denominators)
    groups = list(group_tests(first, second, np.ones(4)))
    kinds = [
        (group.cells.tolist(), [step.dtype.name for step in group.steps])
        for group in groups
        if isinstance(group, ShuffledRatios)
    ]
    assert len(kinds) == len(groups)
    assert kinds == [([0], ["float32"] * 2), ([1, 2, 3], ["float64"] * 2)]


def test_shuffles_that_leave_a_side_without_a_denominator_are_not_extreme() -> None:
    """Equal numerators; denominators 0 | 3 against 2 | 0: with one unit swapped a side has none, and no ratio."""
    numerators = np.ones((2, 1))
    first, second = (numerators, np.array([[0.0], [3.0]])), (numerators, np.array([[2.0], [0.0]]))
    p = randomise(first, second, shuffles=200, seed=3)
    assert p.tolist() == randomise_plainly(first, second)
    assert 0.3 < p[0] < 0.7  # none swapped and both: half of the shuffles


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


def test_the_defaults_are_those_of_the_documentation() -> None:
    bootstrap = Bootstrap()
    assert (bootstrap.resamples, bootstrap.seed, bootstrap.level) == (1000, 0, 0.95)
    assert (bootstrap.draw, bootstrap.method) == ("documents", "percentile")


def test_of_many_documents_runs_of_neighbours_are_drawn() -> None:
    documents = np.repeat(np.arange(2 * MOST_UNITS), 3)
    units = find_units(len(documents), documents)
    assert units.number == MOST_UNITS
    assert units.of is not None
    assert units.of.tolist() == (np.arange(len(documents)) // 6).tolist()  # two documents of three segments each
    just_enough = np.arange(MOST_UNITS)
    assert find_units(MOST_UNITS, just_enough).of is just_enough


def test_documents_are_numbered_by_name() -> None:
    documents = pl.DataFrame({"segment": [0, 1, 2, 3], "document": ["b", "a", "b", "c"]})
    numbers = number_clusters(documents, pl.Series("segment", [0, 1, 2, 3]))
    assert numbers is not None
    assert numbers.tolist() == [1, 0, 1, 2]
    assert number_clusters(documents.clear(), pl.Series("segment", [0, 1])) is None


@pytest.mark.parametrize("share", [0.6, 0.9, 0.975, 0.9995])
def test_quantiles_of_student_in_closed_form(share: float) -> None:
    """With one degree of freedom t is tan(pi (p - 1/2)); with two, a sqrt(2 / (1 - a^2)) for a = 2 p - 1."""
    a = 2 * share - 1
    assert student_quantile(share, 1) == pytest.approx(math.tan(math.pi * (share - 0.5)), rel=1e-11)
    assert student_quantile(share, 2) == pytest.approx(a * math.sqrt(2 / (1 - a * a)), rel=1e-11)


@pytest.mark.parametrize("freedom", [1, 2, 3, 4, 7, 15])
@pytest.mark.parametrize("t", [0.0, 0.3, 1.0, 2.5])
def test_the_distribution_of_student_is_the_integral_of_its_density(t: float, freedom: int) -> None:
    points, weights = np.polynomial.legendre.leggauss(60)
    scale = math.gamma((freedom + 1) / 2) / math.sqrt(freedom * math.pi) / math.gamma(freedom / 2)
    density = scale * (1 + (t / 2 * (points + 1)) ** 2 / freedom) ** (-(freedom + 1) / 2)
    assert student_cdf(t, freedom) == pytest.approx(0.5 + t / 2 * float(weights @ density), abs=1e-12)


def test_holm_is_monotone_at_most_one_and_keeps_the_shape() -> None:
    grid = np.array([[0.5, 0.6], [np.nan, 0.02]])
    assert adjust_holm(grid).tolist() == [[1.0, 1.0], [pytest.approx(np.nan, nan_ok=True), pytest.approx(0.06)]]
    assert adjust_holm(np.array([0.01, 0.011])).tolist() == pytest.approx([0.02, 0.02])  # not 0.011 after 0.02
    assert np.isnan(adjust_holm(np.array([np.nan, np.nan]))).all()


def bca_by_hand(samples: list[float], observed: float, without: list[float], level: float) -> list[float]:
    """Efron 1987, (3.9) and (6.6): percentiles at cdf(z0 + z / (1 - a z)), z = z0 +- z(alpha); ties count by half."""
    normal = NormalDist()
    below = sum((sample < observed) + (sample == observed) / 2 for sample in samples) / len(samples)
    bias = normal.inv_cdf(below)
    mean = sum(without) / len(without)
    cubes, squares = (sum((mean - value) ** power for value in without) for power in (3, 2))
    skew = cubes / (6 * squares**1.5) if squares else 0
    reach = normal.inv_cdf((1 + level) / 2)
    shares = [normal.cdf(bias + z / (1 - skew * z)) for z in (bias - reach, bias + reach)]
    return [float(np.quantile(samples, share)) for share in shares]


@pytest.mark.parametrize(
    ("samples", "observed", "without"),
    [
        ([5.0, 1.0, 3.0, 8.0, 2.0, 9.0, 4.0, 3.0, 7.0, 6.0], 3.0, [1.0, 2.0, 6.0]),  # two of ten below, two equal
        ([float(i * i) for i in range(40)], 300.0, [4.0, 4.5, 5.0, 9.0]),
        ([float(i) for i in range(40)], 12.5, [2.0, 2.0, 2.0]),  # no spread: corrected for bias alone
    ],
)
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_bca_by_its_formula(samples: list[float], observed: float, without: list[float], level: float) -> None:
    columns = (np.array(values)[:, None] for values in (samples, without))
    resampled, jackknifed = columns
    found = bca_interval(resampled, np.array([observed]), jackknifed, level)
    assert np.ravel(found) == pytest.approx(bca_by_hand(samples, observed, without, level), rel=1e-12)


def test_bca_has_no_bounds_where_anything_is_undefined_or_outside() -> None:
    good, nan = [1.0, 2.0, 3.0], np.nan
    samples = np.array([good, [1.0, nan, 3.0], good, good, good, good, [2.0, 2.0, 2.0]]).T
    observed = np.array([2.0, 2.0, 2.0, nan, 0.5, 3.5, 2.0])
    without = np.array([[1.0, 2.0], [1.0, 2.0], [1.0, nan], *[[1.0, 2.0]] * 4]).T
    low, high = bca_interval(samples, observed, without, 0.5)
    assert np.isnan(low).tolist() == np.isnan(high).tolist() == [False, True, True, True, True, True, False]
    assert low[-1] == high[-1] == 2.0  # all resamples are equal


def test_blocks_are_weighted_by_size_with_two_of_them() -> None:
    """Two blocks, of 1 and 3 units: pseudo-values h x - (h - 1) x_without with h = 4 and 4/3."""
    low, high = jackknife_interval(np.array([2.0]), np.array([[3.0], [1.0]]), np.array([1.0, 3.0]), 0.9)
    pseudo = (4 * 2 - 3 * 3, 4 / 3 * 2 - 1 / 3 * 1)
    mean = pseudo[0] / 4 + 3 / 4 * pseudo[1]
    spread = ((pseudo[0] - mean) ** 2 / 3 + (pseudo[1] - mean) ** 2 * 3) / 2
    reach = math.tan(math.pi * 0.45) * math.sqrt(spread)
    assert (low[0], high[0]) == pytest.approx((2 - reach, 2 + reach))


def test_one_resample_detects_nothing_and_power_widens() -> None:
    assert np.isnan(find_detectable(np.array([[1.0, 2.0]]), 0.95)).tolist() == [True, True]
    samples = np.array([[1.0], [2.0], [6.0]])
    normal, spread = NormalDist(), math.sqrt((4 + 1 + 9) / 2)
    for level, power in ((0.95, 0.8), (0.9, 0.5)):
        expected = (normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)) * spread
        assert find_detectable(samples, level, power)[0] == pytest.approx(expected)


def test_signs_of_a_seed_are_bits_of_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The bits of 4,096 rows of random bytes at a time, whatever fits in memory at once: p-values can be repeated."""
    generator = np.random.default_rng(5)
    rows = [generator.integers(0, 256, size=(rows, 2), dtype=np.uint8) for rows in (4096, 904)]
    expected = 2.0 * np.unpackbits(np.concatenate(rows), axis=1)[:, :9] - 1
    found = list(draw_signs(5, 5000, 9))
    assert [len(signs) for signs in found] == [4096, 904]
    assert np.concatenate(found).tolist() == expected.tolist()
    monkeypatch.setattr("tokbench.metrics.permutation.BLOCK", 9 * 1000)
    pieces = list(draw_signs(5, 5000, 9))
    assert [len(signs) for signs in pieces] == [1000, 1000, 1000, 1000, 96, 904]
    assert np.concatenate(pieces).tolist() == expected.tolist()
    monkeypatch.setattr("tokbench.metrics.permutation.BLOCK", 1)
    assert [len(signs) for signs in draw_signs(5, 3, 9)] == [1, 1, 1]


@pytest.mark.parametrize(
    ("cells", "level", "expected"),
    [
        (1, 0.95, 10_000),
        (6, 0.95, 60_000),
        (7, 0.95, 60_000),
        (2400, 0.95, 60_000),
        (2401, 0.95, 60_025),  # 1.25 * 2401 / 0.05
        (2401, 0.5, 60_000),
    ],
)
def test_shuffles_of_a_grid_by_hand(cells: int, level: float, expected: int) -> None:
    assert count_shuffles(cells, level) == pytest.approx(expected, abs=1)


def test_sums_of_32_bits_are_used_where_they_are_exact() -> None:
    columns = np.array([[1.0, 0.5, LARGEST_EXACT - 2.0, LARGEST_EXACT - 1.0], [-2.0, 0.5, 1.0, -1.0]])
    assert sums_exactly(columns).tolist() == [True, False, True, False]
    largest = np.float32(LARGEST_EXACT)
    assert largest - np.float32(1) + np.float32(1) == largest
    assert largest + np.float32(1) == largest  # no longer exact


def test_many_tests_are_shuffled_as_few(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    first, second = ((generator.integers(1, 20, (12, 7)) * 1.0, generator.integers(1, 5, (12, 7)) * 1.0) for _ in "ab")
    whole = randomise(first, second, shuffles=300, seed=2)
    monkeypatch.setattr("tokbench.metrics.permutation.WIDTH", 2)
    assert randomise(first, second, shuffles=300, seed=2).tolist() == whole.tolist()
    assert len(set(whole.tolist())) > 3
