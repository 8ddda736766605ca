"""Leads of the best tokenizer over the next, and values of groups of texts: from counts chosen by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

import tokbench as tb
from tokbench.measurement import Measurements
from tokbench.metrics import METRICS, Reference
from tokbench.metrics._intervals import defined
from tokbench.metrics.groups import Group, evaluate_group
from tokbench.metrics.leads import Lead, Pair, adjust, compare_pairs
from tokbench.metrics.resampling import Bootstrap

LENGTH = METRICS["tokens_per_segment"]


def count(**tokens: Mapping[str, Sequence[int]]) -> Measurements:
    """Measurements of tokenizers that write these numbers of tokens for each segment of each language."""
    first = next(iter(tokens.values()))
    texts = {lang: [f"text {i}" for i in range(len(numbers))] for lang, numbers in first.items()}
    parts = [
        Measurements.from_ids(texts, {lang: [[0] * n for n in numbers] for lang, numbers in by.items()}, name=name)
        for name, by in tokens.items()
    ]
    whole, *others = parts
    for other in others:
        whole = whole.merge(other)
    return whole


def lead(measurements: Measurements, metric: str = "tokens_per_segment", lang: str | None = None) -> Lead | None:
    pair = Pair(METRICS[metric], lang, "a", "b")
    (found,) = compare_pairs(measurements, [pair], Reference("en"), Bootstrap(200))
    return found


def test_a_lead_has_the_ratio_its_interval_and_the_exact_p() -> None:
    """All eight segments agree, which 2 of 2 ** 8 shuffles do by chance."""
    found = lead(count(a={"en": [3] * 8}, b={"en": [4] * 8}))
    assert found is not None
    assert (found.ratio, found.low, found.high, found.units) == (0.75, 0.75, 0.75, 8)
    assert found.p == pytest.approx(2 / 2**8, rel=0.3)
    assert found.separated


def test_few_segments_and_equal_tokens_separate_nothing() -> None:
    few = lead(count(a={"en": [3] * 5}, b={"en": [4] * 5}))
    assert few is not None
    assert not few.separated
    assert not Lead(0.5, 0.4, 0.6, None, 5).separated
    assert Lead(0.5, 0.4, 0.6, None, 6).separated
    equal = lead(count(a={"en": [3] * 8}, b={"en": [3] * 8}))
    assert equal is not None
    assert (equal.ratio, equal.p, equal.separated) == (1, 1, False)


def test_a_lead_may_change_with_the_text() -> None:
    """Four segments for, four against: no test separates these."""
    found = lead(count(a={"en": [3, 5] * 4}, b={"en": [5, 3] * 4}))
    assert found is not None
    assert found.low < 1 < found.high
    assert not found.separated


def test_a_premium_is_tested_with_its_reference() -> None:
    """The premium of a is 2 in every segment, that of b is 3."""
    measured = count(
        a={"en": [2] * 8, "zh": [4] * 8},
        b={"en": [1] * 8, "zh": [3] * 8},
    )
    found = lead(measured, "premium", "zh")
    assert found is not None
    assert found.ratio == pytest.approx(2 / 3)
    assert found.p == pytest.approx(2 / 2**8, rel=0.3)
    worst = lead(measured, "premium_worst")
    assert worst is not None
    assert worst.ratio == pytest.approx(2 / 3)
    assert worst.p is None
    assert worst.separated


def test_what_cannot_be_tested_has_no_lead() -> None:
    measured = count(a={"en": [2] * 8}, b={"en": [1] * 8})
    assert lead(measured, "entropy") is None
    assert lead(measured, "vocab_total") is None
    assert compare_pairs(measured, [], Reference(), Bootstrap(10)) == []


def test_the_tests_of_a_table_are_corrected_for_their_number() -> None:
    """Holm: the smallest of three p-values counts three times, the next two times."""
    found = adjust([Lead(1, 1, 1, p, 8) for p in (0.01, 0.02, 0.5)] + [Lead(1, 1, 1, None, 8)])
    assert [one.p for one in found] == [pytest.approx(0.03), pytest.approx(0.04), 0.5, None]
    many = count(a={f"l{i}": [3] * 6 for i in range(3)}, b={f"l{i}": [4] * 6 for i in range(3)})
    pairs = [Pair(LENGTH, f"l{i}", "a", "b") for i in range(3)]
    found = [one for one in compare_pairs(many, pairs, Reference(), Bootstrap(50)) if one is not None]
    assert [one.p for one in found] == [pytest.approx(3 * 2 / 2**6, rel=0.3)] * 3
    assert not any(one.separated for one in found)


MEASURED = count(
    a={"en": [2, 2], "de": [4, 6], "zh": [6, 8]},
    b={"en": [1, 1], "de": [1, 1], "zh": [1, 1]},
)
"""Of a: 2, 5 and 7 tokens per segment."""


@pytest.mark.parametrize(
    ("group", "length", "premium"),
    [
        (Group("Latin", languages=frozenset({"en", "de"})), 3.5, 2.5),
        (Group("Chinese", languages=frozenset({"zh"})), 7.0, 3.5),
        (Group("reference", languages=frozenset({"en"})), 2.0, None),
        (Group("first", segments=frozenset({0})), 4.0, 2.5),
        (Group("none", segments=frozenset({7})), None, None),
    ],
    ids=lambda one: getattr(one, "name", None),
)
def test_a_group_has_the_ratio_of_its_sums(group: Group, length: float | None, premium: float | None) -> None:
    """A premium leaves the reference language out of the group and takes the same segments of it."""
    assert evaluate_group(MEASURED, LENGTH, group, "en").get("a") == length
    assert evaluate_group(MEASURED, METRICS["premium"], group, "en").get("a") == premium


def test_registers_are_those_of_the_corpus() -> None:
    """Of bytes, tokens are bytes: those of a register, over its segments in both languages."""
    corpus = tb.load_corpus(languages=["en", "zh"])
    result = tb.compare("utf8", corpus, throughput=False, bootstrap=None)
    assert result.measurements is not None
    assert corpus.documents is not None
    news = set(corpus.documents.filter(corpus.documents["register"] == "news")["segment"])
    group = Group("news", segments=frozenset(news))
    sizes = [
        len(text.encode())
        for lang in corpus.languages
        for segment, text in zip(corpus.segments, corpus.texts(lang), strict=True)
        if segment in news
    ]
    assert len(sizes) == 140
    assert evaluate_group(result.measurements, LENGTH, group, "en") == {"utf8": sum(sizes) / 140}


def test_a_single_unit_has_no_interval_and_separates_nothing() -> None:
    assert not Lead(0.5, None, None, None, 6).separated
    assert defined(np.float64("nan")) is None
    assert defined(np.float64(0.5)) == 0.5
