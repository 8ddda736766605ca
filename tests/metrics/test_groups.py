"""Intervals and tests of groups of texts, each resampled by itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import tokbench as tb
from tokbench.corpora import ParallelCorpus, TextGroups
from tokbench.measurement import Measurements
from tokbench.metrics import (
    Metric,
    Reference,
    derive_seed,
    evaluate,
    find_differences,
    find_metrics,
    is_grouped,
    needs_alignment,
)
from tokbench.metrics._stratified import resample_groups
from tokbench.metrics.permutation import randomise
from tokbench.metrics.resampling import Bootstrap, draw_weights

TEXTS = {"code": ["abcd", "ab", "abcdef"], "prose": ["a" * 10, "b" * 20, "c" * 30, "d" * 40, "e" * 50]}
TOKENS = {"one": {"code": [4, 2, 6], "prose": [5, 6, 9, 10, 25]}, "two": {"code": [2, 2, 5], "prose": [4, 7, 7, 9, 20]}}
BOOT = Bootstrap(resamples=200, seed=3)


def make_measurements() -> Measurements:
    groups = TextGroups.from_texts(TEXTS)
    parts = [
        Measurements.from_ids(groups, {g: [[0] * n for n in own] for g, own in TOKENS[name].items()}, name=name)
        for name in TOKENS
    ]
    return parts[0].merge(parts[1])


def value(frame: pl.DataFrame, tokenizer: str, lang: str | None, metric: str) -> dict[str, object]:
    rows = frame.filter(
        (pl.col("tokenizer") == tokenizer)
        & pl.col("lang").eq_missing(pl.lit(lang, pl.String))
        & (pl.col("metric") == metric)
    )
    (row,) = rows.to_dicts()
    return row


def test_values_are_ratios_of_sums_by_group_and_over_all() -> None:
    frame = evaluate(make_measurements(), ["tokens_per_segment", "bytes_per_token", "nsl"], Reference(None, "one"))
    assert value(frame, "one", "code", "tokens_per_segment") | {"low": 0, "high": 0} == {
        "tokenizer": "one",
        "lang": "code",
        "metric": "tokens_per_segment",
        "value": 4.0,
        "n": 3,
        "low": 0,
        "high": 0,
    }
    assert value(frame, "one", "prose", "tokens_per_segment")["value"] == 11.0
    assert value(frame, "one", None, "tokens_per_segment")["value"] == 67 / 8
    assert value(frame, "two", None, "bytes_per_token")["value"] == 162 / 56
    assert value(frame, "two", "code", "nsl")["value"] == 9 / 12
    assert value(frame, "two", None, "nsl")["value"] == 56 / 67


def test_each_group_draws_its_own_segments_and_all_groups_the_sum() -> None:
    frame = evaluate(make_measurements(), ["tokens_per_segment"], None, BOOT)
    sums = {}
    for label, own in TOKENS["one"].items():
        weights = draw_weights(replace(BOOT, seed=derive_seed(3, label)), len(own))
        sums[label] = weights @ np.array([own, [1] * len(own)], float).T
        drawn = np.percentile(sums[label][:, 0] / sums[label][:, 1], [2.5, 97.5])
        found = value(frame, "one", label, "tokens_per_segment")
        assert [found["low"], found["high"]] == pytest.approx(drawn.tolist(), rel=1e-12)
    both = sums["code"] + sums["prose"]
    found = value(frame, "one", None, "tokens_per_segment")
    assert [found["low"], found["high"]] == pytest.approx(np.percentile(both[:, 0] / both[:, 1], [2.5, 97.5]).tolist())


def test_an_interval_does_not_depend_on_other_groups() -> None:
    measured = make_measurements()
    more = TextGroups.from_texts({**TEXTS, "more": ["x", "yy"]})
    ids = {"more": [[0], [0]]} | {g: [[0] * n for n in own] for g, own in TOKENS["one"].items()}
    larger = Measurements.from_ids(more, ids, name="one")
    one, other = (evaluate(m, ["bytes_per_token"], None, BOOT) for m in (measured, larger))
    for label in TEXTS:
        assert value(one, "one", label, "bytes_per_token") == value(other, "one", label, "bytes_per_token")


@pytest.mark.parametrize("method", ["percentile", "bca"])
def test_intervals_hold_the_value_with_both_methods(method: str) -> None:
    frame = evaluate(make_measurements(), ["bytes_per_token"], None, replace(BOOT, method=method))  # type: ignore[arg-type]
    low, given, high = frame["low"], frame["value"], frame["high"]
    assert ((low <= given) & (given <= high)).all()
    assert (low < high).sum() == 5  # of six: one token per byte does not vary


def test_bca_leaves_out_each_segment_of_each_group_over_all() -> None:
    metric = find_metrics(["tokens_per_segment"])
    _, together = resample_groups(make_measurements(), metric, replace(BOOT, method="bca"), None)
    values = together.ratios(metric[0], Reference(), pooled=True)
    assert values is not None
    without = [(67 - n) / 7 for own in TOKENS["one"].values() for n in own]
    assert values[BOOT.resamples + 1 :, 0, 0].tolist() == pytest.approx(without)


def test_what_needs_parallel_text_is_null() -> None:
    names = ["premium", "utf8_premium", "premium_median", "gini", "length_spread", "effective_context_reference"]
    frame = evaluate(make_measurements(), names, Reference("code", None), BOOT)
    assert frame["value"].null_count() == frame.height > 0
    assert frame["low"].null_count() == frame.height


def test_custom_metrics_over_groups_work_unless_they_count_by_segment() -> None:
    spread = Metric(
        "spread", "spread", "ratio", "languages", "max/min", base_metric="bytes_per_token",
        expr=pl.col("value").max() / pl.col("value").min(),
    )  # fmt: skip
    assert not needs_alignment(spread, find_metrics([spread]))
    frame = evaluate(make_measurements(), [spread])
    assert frame.filter(pl.col("tokenizer") == "one")["value"].item() == pytest.approx((150 / 55) / 1.0)


def test_metrics_over_ids_have_blocks_of_each_group() -> None:
    groups = TextGroups.from_texts({"a": ["abc"] * 20, "b": ["xyz"] * 40})
    measured = tb.measure([tb.load_tokenizer("utf8")], groups)
    frame = evaluate(measured, ["type_token_ratio"], None, BOOT)
    assert value(frame, "utf8", "a", "type_token_ratio")["value"] == 3 / 60
    assert value(frame, "utf8", None, "type_token_ratio")["value"] == 6 / 180
    assert frame["low"].null_count() == 0


def test_tests_shuffle_the_segments_of_each_group() -> None:
    frame = find_differences(make_measurements(), find_metrics(["tokens_per_segment"]), "one", BOOT)
    assert frame.select("lang", "n").rows() == [(None, 8), ("code", 3), ("prose", 5)]
    assert frame["ratio"].to_list() == pytest.approx([56 / 67, 9 / 12, 47 / 55])
    # |d| = 2, 0, 1: of 8 equally probable shuffles, the 4 in which 2 and 1 have the same sign are as extreme.
    assert frame["p"][1] == pytest.approx(0.5, abs=0.01)
    columns = [np.array([[float(n)] for own in TOKENS[name].values() for n in own]) for name in ("two", "one")]
    counted = np.ones((8, 1))
    shuffles = int(frame["shuffles"][0])
    (expected,) = randomise((columns[0], counted), (columns[1], counted), shuffles=shuffles, seed=BOOT.seed)
    assert frame["p"][0] == expected


def test_parallel_and_partial_measurements_are_no_groups() -> None:
    utf8 = tb.load_tokenizer("utf8")
    parallel = tb.measure([utf8], ParallelCorpus.from_texts({"en": ["a", "b"], "de": ["c", "d"]}))
    assert not is_grouped(parallel)
    assert is_grouped(make_measurements())
    measured = make_measurements()
    partial = replace(measured, counts=measured.counts.head(measured.counts.height - 1))
    assert not is_grouped(partial)
    assert find_differences(partial, find_metrics(["tokens_per_segment"]), "one", BOOT).is_empty()
