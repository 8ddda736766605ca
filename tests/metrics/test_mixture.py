"""Mixtures of languages and groups: values, intervals and tests against sums done by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from tokbench.corpora import ParallelCorpus, TextGroups
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.metrics import Mixture, Reference, derive_seed, evaluate, find_differences, find_metrics, mix_sums
from tokbench.metrics.permutation import randomise
from tokbench.metrics.resampling import Bootstrap, draw_weights

TEXTS = {"en": ["abcd", "ab", "abcdef"], "zh": ["a" * 10, "b" * 20, "c" * 30], "fr": ["a", "b", "c"]}
TOKENS = {
    "one": {"en": [4, 2, 6], "zh": [5, 6, 9], "fr": [1, 1, 1]},
    "two": {"en": [2, 2, 5], "zh": [4, 7, 7], "fr": [1, 1, 1]},
}
BOOT = Bootstrap(resamples=300, seed=5)
MIXTURE = Mixture({"en": 3, "zh": 1})


def make_measurements(*, aligned: bool = True) -> Measurements:
    corpus = (ParallelCorpus if aligned else TextGroups).from_texts(TEXTS)
    parts = [
        Measurements.from_ids(corpus, {g: [[0] * n for n in own] for g, own in TOKENS[name].items()}, name=name)
        for name in TOKENS
    ]
    return parts[0].merge(parts[1])


def pick(frame: pl.DataFrame, tokenizer: str, metric: str) -> dict[str, float]:
    rows = frame.filter(pl.col("lang").is_null(), tokenizer=tokenizer, metric=metric)
    return rows.to_dicts()[0]


@pytest.mark.parametrize("aligned", [True, False])
def test_counts_per_byte_are_weighted_by_the_shares(aligned: bool) -> None:
    names = ["bytes_per_token", "tokens_per_segment", "nsl"]
    frame = evaluate(make_measurements(aligned=aligned), names, Reference(None, "one"), None, MIXTURE)
    # English: 12 tokens and 3 segments in 12 bytes; Chinese: 20 and 3 in 60; French has no share.
    per_byte = 0.75 * 12 / 12 + 0.25 * 20 / 60
    assert pick(frame, "one", "bytes_per_token")["value"] == pytest.approx(1 / per_byte, rel=1e-15)
    assert pick(frame, "one", "bytes_per_token")["n"] == 6
    segments = 0.75 * 3 / 12 + 0.25 * 3 / 60
    assert pick(frame, "one", "tokens_per_segment")["value"] == pytest.approx(per_byte / segments, rel=1e-15)
    other = 0.75 * 9 / 12 + 0.25 * 18 / 60
    assert pick(frame, "two", "nsl")["value"] == pytest.approx(other / per_byte, rel=1e-15)
    by_language = frame.filter(pl.col("lang").is_not_null())
    plain = evaluate(make_measurements(aligned=aligned), names, Reference(None, "one"))
    assert by_language.equals(plain.filter(pl.col("lang").is_not_null()))


def test_the_mixture_of_a_parallel_corpus_is_resampled_with_it() -> None:
    frame = evaluate(make_measurements(), ["bytes_per_token"], None, BOOT, MIXTURE)
    weights = draw_weights(BOOT, 3)
    sums = {
        g: (weights @ np.array(TOKENS["one"][g], float), weights @ np.array([len(t) for t in TEXTS[g]], float))
        for g in TEXTS
    }
    drawn = 1 / (0.75 * sums["en"][0] / sums["en"][1] + 0.25 * sums["zh"][0] / sums["zh"][1])
    found = pick(frame, "one", "bytes_per_token")
    assert [found["low"], found["high"]] == pytest.approx(np.percentile(drawn, [2.5, 97.5]).tolist(), rel=1e-12)


def test_the_mixture_of_groups_is_of_independent_resamples() -> None:
    frame = evaluate(make_measurements(aligned=False), ["bytes_per_token"], None, BOOT, MIXTURE)
    drawn = np.zeros(BOOT.resamples)
    for label, share in MIXTURE.shares.items():
        weights = draw_weights(replace(BOOT, seed=derive_seed(BOOT.seed, label)), 3)
        sizes = np.array([len(text) for text in TEXTS[label]], float)
        drawn += share * (weights @ np.array(TOKENS["one"][label], float)) / (weights @ sizes)
    found = pick(frame, "one", "bytes_per_token")
    assert [found["low"], found["high"]] == pytest.approx(np.percentile(1 / drawn, [2.5, 97.5]).tolist(), rel=1e-12)


@pytest.mark.parametrize("aligned", [True, False])
def test_bca_and_percentile_hold_the_value(aligned: bool) -> None:
    for method in ("bca", "percentile"):
        boot = replace(BOOT, method=method)  # type: ignore[arg-type]
        frame = evaluate(make_measurements(aligned=aligned), ["bytes_per_token"], None, boot, MIXTURE)
        found = pick(frame, "two", "bytes_per_token")
        assert found["low"] < found["value"] < found["high"]


@pytest.mark.parametrize("aligned", [True, False])
def test_differences_are_of_the_mixture(aligned: bool) -> None:
    measured = make_measurements(aligned=aligned)
    frame = find_differences(measured, find_metrics(["tokens_per_segment"]), "one", BOOT, MIXTURE)
    over_all = frame.filter(pl.col("lang").is_null()).to_dicts()[0]
    tokens = {name: 0.75 * sum(by["en"]) / 12 + 0.25 * sum(by["zh"]) / 60 for name, by in TOKENS.items()}
    assert over_all["ratio"] == pytest.approx(tokens["two"] / tokens["one"], rel=1e-12)
    factors = {"en": 0.75 / 12, "zh": 0.25 / 60}
    if aligned:
        columns = [
            [sum(f * TOKENS[name][g][i] for g, f in factors.items()) for i in range(3)] for name in ("two", "one")
        ]
        counted = [sum(factors.values())] * 3
    else:
        columns = [[f * n for g, f in factors.items() for n in TOKENS[name][g]] for name in ("two", "one")]
        counted = [f for f in factors.values() for _ in range(3)]
    sides = [(np.array(column)[:, None], np.array(counted)[:, None]) for column in columns]
    (expected,) = randomise(sides[0], sides[1], shuffles=over_all["shuffles"], seed=BOOT.seed)
    assert over_all["p"] == pytest.approx(expected, rel=1e-12)
    assert over_all["n"] == len(counted)


def test_metrics_over_ids_have_no_value_of_a_mixture() -> None:
    names = ["entropy", "type_token_ratio", "bytes_per_token"]
    frame = evaluate(make_measurements(), names, None, BOOT, MIXTURE)
    over_all = frame.filter(pl.col("lang").is_null())
    assert over_all.filter(pl.col("value").is_null())["metric"].unique().sort().to_list() == [
        "entropy",
        "type_token_ratio",
    ]
    assert over_all.filter(metric="type_token_ratio")["low"].null_count() == 2
    assert frame.filter(metric="type_token_ratio", lang="en")["value"].null_count() == 0


def test_weights_are_of_any_scale() -> None:
    assert Mixture({"a": 3, "b": 1}).shares == {"a": 0.75, "b": 0.25}
    assert Mixture({"a": 1e308, "b": 1e308}).shares == {"a": 0.5, "b": 0.5}
    for wrong in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(TokbenchError, match="use positive numbers"):
            Mixture({"a": wrong})
    with pytest.raises(TokbenchError, match="the mixture is empty"):
        Mixture({})
    with pytest.raises(TokbenchError, match="texts has no 'c' to weigh; it has: a, b"):
        Mixture({"c": 1}).check(["a", "b"], "texts")


def test_sums_of_a_mixture() -> None:
    mixed = mix_sums(np.array([[12.0, 20.0, 7.0]]), np.array([[12.0, 60.0, 0.0]]), np.array([0.75, 0.25, 0.0]))
    assert mixed.tolist() == [[pytest.approx(0.75 + 0.25 / 3)]]
    assert np.isnan(mix_sums(np.array([1.0]), np.array([0.0]), np.array([1.0])))


def test_a_mixture_of_a_sample_expands_each_group_and_each_resample() -> None:
    measurements = make_measurements(aligned=False)
    # Of English a half was drawn, of Chinese a tenth, of French all: 12, 60 and 3 bytes.
    factors = {"en": 2, "zh": 10, "fr": 1}
    expanded = Mixture({"en": 2 * 12, "zh": 10 * 60, "fr": 3}, expanded=True)
    row = pick(evaluate(measurements, ["tokens_per_segment"], None, BOOT, expanded), "one", "tokens_per_segment")
    assert row["value"] == pytest.approx((2 * 12 + 10 * 20 + 3) / (2 * 3 + 10 * 3 + 3), rel=1e-15)
    sums = np.zeros((2, BOOT.resamples))
    for lang, factor in factors.items():
        weights = draw_weights(replace(BOOT, seed=derive_seed(BOOT.seed, lang)), 3)
        sums += factor * np.stack([weights @ TOKENS["one"][lang], weights @ np.ones(3)])
    low, high = np.percentile(sums[0] / sums[1], [2.5, 97.5])
    assert (row["low"], row["high"]) == (pytest.approx(low, rel=1e-12), pytest.approx(high, rel=1e-12))
    fixed = evaluate(measurements, ["bytes_per_token"], None, BOOT, Mixture(expanded.weights))
    drawn = evaluate(measurements, ["bytes_per_token"], None, BOOT, expanded)
    assert pick(fixed, "one", "bytes_per_token")["value"] == pick(drawn, "one", "bytes_per_token")["value"]
    assert pick(fixed, "one", "bytes_per_token")["low"] != pick(drawn, "one", "bytes_per_token")["low"]
