"""Premiums of groups of languages, worked out by hand and compared with those of single languages."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tokbench as tb
from helpers.corpora import write_corpus
from tokbench.measurement import Measurements
from tokbench.metrics import METRICS
from tokbench.metrics.group_premiums import find_group_premiums
from tokbench.metrics.groups import Group, evaluate_group

BOOTSTRAP = tb.Bootstrap()


def test_a_group_pays_the_mean_of_its_languages(tmp_path: Path) -> None:
    # Bytes: en 2 + 4 = 6, de 4 + 6 = 10, zh 6 + 12 = 18.
    corpus = write_corpus(tmp_path / "c", en=["ab", "abcd"], de=["abcd", "abcdef"], zh=["你好", "你好你好"])
    measurements = tb.measure([tb.load_tokenizer("utf8")], corpus)
    groups = [Group("all"), Group("de", frozenset({"de", "en"})), Group("en", frozenset({"en"}))]
    found = find_group_premiums(measurements, groups, "en", BOOTSTRAP)
    assert [(p.tokenizer, p.group) for p in found] == [("utf8", "all"), ("utf8", "de")]
    assert found[0].value == pytest.approx((10 + 18) / 2 / 6)
    assert found[1].value == pytest.approx(10 / 6)
    # Resampled are two segments: twice the first, once each, or twice the second.
    assert (found[1].low, found[1].high) == pytest.approx((6 / 4, 4 / 2))
    assert (found[0].low, found[0].high) == pytest.approx(((6 + 12) / 2 / 4, (4 + 6) / 2 / 2))


def test_groups_agree_with_single_languages_and_with_pooled_counts() -> None:
    result = tb.compare(["utf8", "byt5"], tb.load_corpus(languages=["en", "zh", "hi"], segments=40), throughput=False)
    assert result.measurements is not None
    groups = [Group("zh", frozenset({"zh"})), Group("both", frozenset({"zh", "hi"}))]
    found = {(p.tokenizer, p.group): p for p in find_group_premiums(result.measurements, groups, "en", BOOTSTRAP)}
    rows = result.frame.filter((pl.col("metric") == "premium") & (pl.col("lang") == "zh"))
    for row in rows.iter_rows(named=True):
        alone = found[row["tokenizer"], "zh"]
        assert (alone.value, alone.low, alone.high) == pytest.approx((row["value"], row["low"], row["high"]))
    assert found["utf8", "both"].value == pytest.approx(
        evaluate_group(result.measurements, METRICS["premium"], groups[1], "en")["utf8"]
    )


def test_texts_that_are_not_parallel_have_no_premiums() -> None:
    groups = tb.TextGroups.from_texts({"en": ["a"], "zh": ["你", "好"]})
    measurements = tb.measure([tb.load_tokenizer("utf8")], groups)
    assert find_group_premiums(measurements, [Group("all")], "en", BOOTSTRAP) == []
    assert find_group_premiums(measurements, [Group("all")], None, BOOTSTRAP) == []


LANGUAGES = ("en", "zh", "hi", "de")


@pytest.fixture(scope="module")
def measurements() -> Measurements:
    return tb.measure([tb.load_tokenizer("utf8")], tb.load_corpus(languages=LANGUAGES, segments=20))


@settings(max_examples=20, deadline=None)
@given(st.sets(st.sampled_from(LANGUAGES), min_size=1), st.sampled_from(LANGUAGES))
def test_any_group_pays_the_mean_of_its_members(measurements: Measurements, members: set[str], reference: str) -> None:
    few = tb.Bootstrap(resamples=50)
    alone = [Group(lang, frozenset({lang})) for lang in sorted(members)]
    single = find_group_premiums(measurements, alone, reference, few)
    whole = find_group_premiums(measurements, [Group("all", frozenset(members))], reference, few)
    assert {premium.group for premium in single} == members - {reference}
    assert len(whole) == bool(members - {reference})
    for premium in whole:
        assert premium.value == pytest.approx(sum(one.value for one in single) / len(single))
        assert min(one.low for one in single) <= premium.low <= premium.high <= max(one.high for one in single)
