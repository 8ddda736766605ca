"""Metrics over ranks by hand, and what is known of every metric."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokbench import compare
from tokbench.adapters import load_tokenizer
from tokbench.corpora import ParallelCorpus
from tokbench.metrics import DEFAULT_METRICS, METRICS
from tokbench.metrics._evidence import EVIDENCE
from tokbench.metrics._ranks import RANKS, average_rank, find_area, find_deviation, fit_slope, sum_percentiles
from tokbench.metrics._table import BUILT_IN


def test_ranks_by_hand() -> None:
    # a four times, b twice, c and d once.
    corpus = ParallelCorpus.from_texts({"en": ["aaab", "bacd"]})
    names = [metric.name for metric in RANKS]
    found = compare([load_tokenizer("utf8")], corpus, metrics=names, throughput=False, bootstrap=None)
    values = dict(found.frame.filter(lang="en").select("metric", "value").iter_rows())
    assert values["mean_rank"] == pytest.approx((4 * 1 + 2 * 2 + 3 + 4) / 8)
    # Ranks 0.12 to 3.32 of 4.
    assert values["percentile_frequency"] == pytest.approx((0.88 * 4 + 2 + 1 + 0.32) / 8)
    x, y = np.log10([1, 2, 3, 4]), np.log10([4 / 8, 2 / 8, 1 / 8, 1 / 8])
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    rest = y - y.mean() - slope * (x - x.mean())
    assert values["zipf_slope"] == pytest.approx(slope)
    assert values["zipf_deviation"] == pytest.approx(math.sqrt((rest**2).mean()))
    area = math.log10(2) * (math.log10(4) + math.log10(2)) / 2 + math.log10(1.5) * math.log10(2) / 2
    assert values["zipf_area"] == pytest.approx(area)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30))
def test_a_spectrum_gives_what_its_ids_give(frequencies: list[int]) -> None:
    counts, types = np.unique(np.array(frequencies, np.float64), return_counts=True)
    grouped = counts[::-1], types[::-1].astype(np.float64)
    alone = np.sort(np.array(frequencies, np.float64))[::-1], np.ones(len(frequencies))
    for find in (sum_percentiles, average_rank, fit_slope, find_deviation, find_area):
        assert find(*grouped) == pytest.approx(find(*alone), nan_ok=True, abs=1e-12)


def test_a_power_law_has_its_slope() -> None:
    counts = 1e6 / np.arange(1, 200)
    assert fit_slope(counts, np.ones(199)) == pytest.approx(-1)
    assert find_deviation(counts, np.ones(199)) == pytest.approx(0, abs=1e-12)


def test_every_metric_says_what_is_known_of_it() -> None:
    assert set(EVIDENCE) == set(BUILT_IN)
    assert all(METRICS[name].evidence == text for name, text in EVIDENCE.items())
    assert not {metric.name for metric in RANKS} & set(DEFAULT_METRICS)
