"""Resampling: weights that are draws, sums that are sums, intervals that hold published ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import needs_data
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from tokbench.measurement import measure
from tokbench.pythia.workload import Workload
from tokbench.statistics import Bootstrap, divide, draw_weights, percentile_interval, resample_sums


def test_each_resample_draws_as_many_segments_as_there_are() -> None:
    weights = draw_weights(Bootstrap(resamples=50), 7)
    assert weights.shape == (50, 7)
    assert (weights.sum(axis=1) == 7).all()
    assert (weights == np.round(weights)).all()
    assert (weights >= 0).all()


def test_clusters_are_drawn_whole() -> None:
    clusters = np.array([0, 0, 1, 2, 2, 2])
    weights = draw_weights(Bootstrap(resamples=40), 6, clusters)
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 3] == weights[:, 5]).all()
    assert (weights[:, [0, 2, 3]].sum(axis=1) == 3).all()


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
