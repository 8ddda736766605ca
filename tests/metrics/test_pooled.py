"""Metrics of counts added up by unit: the values, intervals and tests of the single segments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tokbench as tb
from helpers.made import make_wordpiece
from tokbench import TokbenchError, load_tokenizer
from tokbench.corpora import Corpus, ParallelCorpus, TextGroups
from tokbench.measurement import Measurements, measure, units
from tokbench.metrics import (
    BUILT_IN,
    DEFAULT_METRICS,
    METRICS,
    Metric,
    Mixture,
    Reference,
    can_pool,
    evaluate,
    find_differences,
    find_metrics,
    list_token_lengths,
)
from tokbench.metrics.groups import count_segments, evaluate_group, group_by_register
from tokbench.metrics.leads import Pair, compare_pairs
from tokbench.metrics.resampling import Bootstrap

TEXTS = {
    "en": ["the dog", "a dog, the", "dog", "the 😀 dog", "e\u0301 dog", "dog  dog", "the", "the dog the"],
    "de": ["the", "dog dog", "x y", "dog", "the dog", "a", "the  the dog", "q"],
    "zh": ["你好", "狗", "你 dog", "the", "好", "狗狗", "你", "好狗"],
}
NAMES = ["b", "b", "a", "c", "c", "a", "d", "d"]
REGISTERS = ["web", "web", "news", "web", "web", "news", "news", "news"]


def make_corpus() -> Corpus:
    corpus = ParallelCorpus.from_texts(TEXTS)
    documents = pl.DataFrame({"segment": corpus.segments, "document": NAMES, "register": REGISTERS})
    return replace(corpus, documents=documents)


def make_groups() -> Corpus:
    corpus = TextGroups.from_texts({"en": TEXTS["en"], "de": TEXTS["de"][:5]})
    names = [*NAMES, *(f"{name}'" for name in NAMES[:5])]
    return replace(corpus, documents=pl.DataFrame({"segment": corpus.segments, "document": names}))


@pytest.fixture(params=["parallel", "groups"])
def both(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Measurements]:
    """The counts of a corpus by segment, and by document."""
    monkeypatch.setattr(units, "MOST_UNITS", 4)
    corpus = make_corpus() if request.param == "parallel" else make_groups()
    tokenizers = [load_tokenizer("utf8"), load_tokenizer(str(make_wordpiece(tmp_path)))]
    found = [measure(tokenizers, corpus, pool=pool) for pool in (None, "documents")]
    assert [one.pooled for one in found] == [False, True]
    return found


def test_all_values_and_intervals_are_those_of_segments(both: list[Measurements]) -> None:
    baseline = both[0].tokenizers["tokenizer"].cast(pl.String)[0]
    for method in ("percentile", "bca"):
        frames = [
            evaluate(one, DEFAULT_METRICS, Reference("en", baseline), Bootstrap(50, method=method))  # type: ignore[arg-type]
            for one in both
        ]
        assert_frame_equal(*frames, abs_tol=1e-12, rel_tol=1e-12, check_row_order=False)
    mixed = [evaluate(one, ["fertility", "unk_char_rate"], mixture=Mixture({"en": 2, "de": 1})) for one in both]
    assert_frame_equal(*mixed, abs_tol=1e-12, rel_tol=1e-12, check_row_order=False)
    assert list_token_lengths(both[0]).equals(list_token_lengths(both[1]))


def test_differences_and_leads_are_those_of_segments(both: list[Measurements]) -> None:
    names = both[0].tokenizers["tokenizer"].cast(pl.String).to_list()
    tested = find_metrics(["tokens_per_segment", "round_trip_exact", "unk_rate"])
    frames = [find_differences(one, tested, names[0], Bootstrap(50)) for one in both]
    assert_frame_equal(*frames)
    pairs = [Pair(METRICS[name], "en", *names[:2]) for name in ("bytes_per_token", "fertility")]
    leads = [compare_pairs(one, pairs, Reference("en"), Bootstrap(50)) for one in both]
    assert leads[0] == leads[1]


def test_registers_are_those_of_segments(both: list[Measurements]) -> None:
    groups = [group_by_register(one) for one in both]
    values = []
    for one, found in zip(both, groups, strict=True):
        by_name = {group.name: group for group in found}
        values.append(
            {
                (name, metric): (
                    evaluate_group(one, METRICS[metric], by_name[name], "en"),
                    count_segments(one, by_name[name]),
                )
                for name in sorted(by_name)
                for metric in ("tokens_per_segment", "premium", "fertility")
            }
        )
    assert values[0] == values[1]


def test_metrics_that_do_not_add_up_are_refused(both: list[Measurements]) -> None:
    single, pooled = both
    long = Metric(
        "long",
        "long",
        "x",
        "segments",
        "-",
        numerator=(pl.col("tokens") > 5).cast(pl.Int64),
        denominator=pl.col("segments"),
    )
    lost = Metric("lost", "lost", "x", "segments", "-", numerator=pl.col("loss"), denominator=pl.col("tokens"))
    assert evaluate(single, [long, lost])["value"].null_count() == 0
    for metric in (long, lost):
        with pytest.raises(TokbenchError, match=f"the metric {metric.name} is no ratio of sums of counts"):
            evaluate(pooled, [metric])
    own = Metric(
        "own", "own", "x", "segments", "-", numerator=2 * pl.col("lossy") + pl.col("nfc"), denominator=pl.col("words")
    )
    assert_frame_equal(evaluate(single, [own]), evaluate(pooled, [own]), check_row_order=False)


@pytest.mark.parametrize(
    ("expr", "adds_up"),
    [
        (pl.col("tokens"), True),
        (pl.col("tokens") / 2 - 3 * pl.col("chars"), True),
        (pl.when(pl.col("words").is_not_null()).then(pl.col("tokens")), True),
        (pl.col("unk_chars"), True),
        (pl.when(pl.col("unk_chars").is_not_null()).then(pl.col("chars")), False),
        (pl.when(pl.col("tokens") > 3).then(pl.col("chars")), False),
        (pl.when(pl.col("words").is_not_null()).then(pl.col("tokens")).otherwise(1), False),
        (pl.col("tokens") * pl.col("chars"), False),
        (pl.col("tokens") / pl.col("chars"), False),
        (1 / pl.col("chars"), False),
        (pl.col("tokens") + 1, False),
        (pl.col("tokens").sqrt(), False),
        (pl.col("tokens").is_not_null(), False),
        (pl.col("loss"), False),
        (pl.lit(1), False),
        (pl.col("tokens").clip(0, 9), False),
        (pl.col("tokens").cast(pl.Int8), False),
        (pl.col("tokens").cast(pl.Float64), True),
    ],
)
def test_what_adds_up(expr: pl.Expr, adds_up: bool) -> None:
    metric = Metric("own", "own", "x", "segments", "-", numerator=expr, denominator=pl.col("segments"))
    assert can_pool(metric) is adds_up


def test_all_built_in_metrics_add_up() -> None:
    assert all(map(can_pool, BUILT_IN.values()))


def test_units_of_documents_cannot_be_drawn_as_segments(both: list[Measurements]) -> None:
    with pytest.raises(TokbenchError, match="added up by runs of documents, and cannot be drawn by segments"):
        evaluate(both[1], ["fertility"], bootstrap=Bootstrap(9, draw="segments"))


def test_comparisons_of_units(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    corpus, pair = make_corpus(), ["utf8", str(make_wordpiece(tmp_path))]
    single = tb.compare(pair, corpus, throughput=False, baseline="utf8")
    monkeypatch.setattr(units, "MOST_UNITS", 4)
    pooled = tb.compare(pair, corpus, throughput=False, baseline="utf8")
    assert pooled.measurements is not None
    assert pooled.measurements.pooled
    assert_frame_equal(single.frame, pooled.frame, abs_tol=1e-12, rel_tol=1e-12, check_row_order=False)
    assert_frame_equal(single.differences, pooled.differences)
    assert (single.examples, single.tokenizers, single.corpus) == (pooled.examples, pooled.tokenizers, pooled.corpus)
    pooled.save(tmp_path / "saved")
    loaded = tb.load(tmp_path / "saved")
    again = tb.Comparison.from_measurements(loaded.measurements, corpus, baseline="utf8")  # type: ignore[arg-type]
    assert again.corpus == pooled.corpus
    alone = tb.Comparison.from_measurements(loaded.measurements, baseline="utf8")  # type: ignore[arg-type]
    assert alone.corpus.segments == len(NAMES)
    lost = Metric("lost", "lost", "x", "segments", "-", numerator=pl.col("loss"), denominator=pl.col("tokens"))
    own = tb.compare("utf8", corpus, metrics=[lost], throughput=False)
    assert own.measurements is not None
    assert not own.measurements.pooled
    by_segment = tb.compare("utf8", corpus, by_segment=True, throughput=False).measurements
    assert by_segment is not None
    assert not by_segment.pooled
    drawn = tb.compare("utf8", corpus, bootstrap=Bootstrap(9, draw="segments"), throughput=False).measurements
    assert drawn is not None
    assert drawn.documents["document"].null_count() == drawn.documents.height == 4
