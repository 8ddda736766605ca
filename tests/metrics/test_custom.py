"""A metric of one's own: checked, evaluated with intervals, shown, saved, and brought by a package."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tokbench as tb
from helpers.data import ROOT
from tokbench.metrics._custom import MetricTable, check_metric

WORDS = tb.Metric(
    name="bytes_per_word",
    title="bytes/word",
    unit="bytes",
    level="segments",
    numerator=pl.col("bytes"),
    denominator=pl.col("words"),
    decimals=2,
    definition="UTF-8 bytes per word.",
)
WORST = tb.Metric(
    "longest_words", "longest words", "bytes", "languages", "Of any language.",
    base_metric="bytes_per_word", expr=pl.col("value").max(),
)  # fmt: skip
TEXTS = {"en": ["a bc", "d"], "de": ["abc d", "efg"], "zh": ["一二", "三"]}


def test_it_stands_beside_names(tmp_path: Path) -> None:
    result = tb.compare(
        ["utf8", "byt5"], TEXTS, metrics=["tokens_per_segment", WORDS, WORST], throughput=False, tests=[WORDS],
        baseline="utf8", bootstrap=tb.Bootstrap(resamples=50),
    )  # fmt: skip
    rows = result.frame.filter((pl.col("metric") == "bytes_per_word") & (pl.col("tokenizer") == "utf8"))
    assert rows.select("lang", "value", "unit", "n").rows() == [
        (None, 13 / 6, "bytes", 4), ("en", 5 / 3, "bytes", 2), ("de", 8 / 3, "bytes", 2), ("zh", None, "bytes", 0),
    ]  # fmt: skip
    assert rows["low"].null_count() == 1
    assert result.frame.filter(pl.col("metric") == "longest_words")["value"].to_list() == [8 / 3, 8 / 3]
    assert set(result.differences["metric"]) == {"bytes_per_word"}
    for text in (result.to_markdown(), result.to_latex("language"), result.to_html("intervals")):
        assert "bytes/word" in text
    result.report(tmp_path / "report.html")
    assert "UTF-8 bytes per word." in (tmp_path / "report.html").read_text()
    result.save(tmp_path / "saved")
    again = tb.load(tmp_path / "saved")
    assert again.frame.equals(result.frame)
    assert again.to_html("language") == result.to_html("language")


def test_it_is_shown_beside_all_built_in_metrics() -> None:
    metrics = [*(name for name, m in tb.METRICS.items() if m.level != "types"), WORDS]
    result = tb.compare(["utf8"], TEXTS, metrics=metrics, bootstrap=None, throughput=False)
    assert "bytes_per_word/en" in result.summary().columns or "bytes_per_word" in result.summary().columns
    assert "bytes/word" in result.to_markdown("language")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "fertility"}, "there are two metrics called 'fertility'; give yours another name"),
        ({"name": "a b"}, "a metric cannot be called 'a b'"),
        ({"level": "timings"}, "the metric bytes_per_word is of the level 'timings', which needs more than counts"),
        ({"denominator": None}, "the metric bytes_per_word has no denominator"),
        ({"numerator": pl.col("byte")}, "the numerator of the metric bytes_per_word uses the column 'byte'; use: tok"),
        ({"factor": pl.col("tokens")}, "the factor of the metric bytes_per_word uses the column 'tokens'"),
        ({"level": "ids"}, "the metric bytes_per_word has no expr"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_measuring(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(tb.TokbenchError) as caught:
        tb.compare(["utf8"], TEXTS, metrics=[replace(WORDS, **changes)])
    assert str(caught.value).startswith(message)


def test_two_of_one_name_and_an_unknown_base_are_refused() -> None:
    with pytest.raises(tb.TokbenchError, match="two metrics called 'bytes_per_word'"):
        tb.compare(["utf8"], TEXTS, metrics=[WORDS, replace(WORDS)])
    with pytest.raises(tb.TokbenchError, match="no metric is called 'bytes_per_word'"):
        tb.compare(["utf8"], TEXTS, metrics=[WORST])
    with pytest.raises(tb.TokbenchError, match="over gini, which has no value by language"):
        tb.compare(["utf8"], TEXTS, metrics=[replace(WORST, base_metric="gini")])


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """The package of docs/adding.md, installed into a folder."""
    text = (ROOT / "docs" / "adding.md").read_text(encoding="utf-8")
    (source,) = re.findall(r"```python\n# bytes_per_word\.py\n(.*?)```", text, re.DOTALL)
    ((group, point),) = re.findall(r'\[project\.entry-points\."(tokbench\.metrics)"\]\n(.*?)\n```', text, re.DOTALL)
    site = tmp_path / "site"
    metadata = site / "bytes_per_word-1.0.dist-info"
    metadata.mkdir(parents=True)
    (site / "bytes_per_word.py").write_text(source)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bytes-per-word\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text(f"[{group}]\n{point.replace(chr(34), '')}\n")
    return site


def run(package: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(package)}
    command = [sys.executable, "-m", "tokbench", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def test_a_package_brings_one(package: Path) -> None:
    assert "UTF-8 bytes per word: sum b / sum w." in run(package, "explain", "bytes_per_word").stdout
    chosen = ["-m", "bytes_per_word", "-l", "en,zh", "-n", "20", "-f", "json"]
    done = run(package, "compare", "utf8", *chosen)
    document = json.loads(done.stdout)
    values = {row["lang"]: (row["value"], row["low"]) for row in document["results"]}
    assert values["zh"] == (None, None)
    assert values["en"][1] < values["en"][0]
    assert document["metrics"][0]["title"] == "bytes/word"


def test_a_package_cannot_take_a_name(package: Path) -> None:
    points = package / "bytes_per_word-1.0.dist-info" / "entry_points.txt"
    points.write_text("[tokbench.metrics]\nfertility = bytes_per_word:metric\n")
    done = run(package, "list", "metrics")
    assert done.returncode == 2
    assert "the metric 'fertility' of bytes_per_word:metric takes a name that is taken" in done.stderr
    points.write_text("[tokbench.metrics]\nother = bytes_per_word:metric\n")
    assert "not a metric of this name" in run(package, "list", "metrics").stderr


@pytest.mark.parametrize("name", ["", "A", "1a", "a-b", "ab\n", "_a", "a.b"])
def test_names_are_lower_case_words(name: str) -> None:
    with pytest.raises(tb.TokbenchError, match="a metric cannot be called"):
        check_metric(replace(WORDS, name=name))
    assert check_metric(replace(WORDS, name="a1_b")).name == "a1_b"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"numerator": None}, "has no numerator"),
        ({"level": "languages", "expr": pl.col("value").max()}, "has no base_metric"),
        ({"level": "languages", "base_metric": "fertility"}, "has no expr"),
        ({"level": "tokenizers"}, "has no expr"),
        ({"level": "types"}, "is of the level 'types', which needs more than counts"),
        ({"denominator": pl.col("tokens") + pl.col("types")}, "the denominator of the metric bytes_per_word uses the"),
        (
            {"level": "lengths", "numerator": None, "denominator": None, "expr": pl.col("tokens").sum()},
            "the expr of the metric bytes_per_word uses the column 'tokens'",
        ),
    ],
)
def test_what_a_level_needs(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(tb.TokbenchError, match=message):
        check_metric(replace(WORDS, **changes))


def test_well_formed_metrics_of_every_level_pass() -> None:
    for changes in (
        {"level": "ids", "expr": pl.col("types").sum() / pl.col("tokens").first()},
        {"level": "ids", "expr": pl.col("types").sum(), "numerator": pl.col("types")},  # of no use there, and no error
        {"level": "lengths", "expr": pl.col("size").max()},
        {"level": "tokenizers", "expr": pl.col("vocab_rows") - pl.col("vocab_base")},
        {"level": "languages", "base_metric": "fertility", "expr": pl.col("value").min()},
        {"factor": pl.col("vocab_total").log(2)},
    ):
        metric = replace(WORDS, **{"numerator": None, "denominator": None} | changes) if "level" in changes else (
            replace(WORDS, **changes)
        )  # fmt: skip
        assert check_metric(metric).level == metric.level


def test_segments_with_one_side_unknown_are_in_neither_sum() -> None:
    """`zh` has no words: without it 8 bytes over 3 words of en and de; the pooled value takes no bytes of zh."""
    result = tb.evaluate(tb.measure([tb.load_tokenizer("utf8")], tb.ParallelCorpus.from_texts(TEXTS)), [WORDS])
    rows = {lang: (value, n) for lang, value, n in result.select("lang", "value", "n").iter_rows()}
    assert rows == {"de": (8 / 3, 2), "en": (5 / 3, 2), "zh": (None, 0), None: (13 / 6, 4)}


def test_a_factor_is_applied_last() -> None:
    scaled = replace(WORDS, name="scaled", factor=pl.col("vocab_base"))
    relative = replace(scaled, name="relative", relative_to="reference")
    measured = tb.measure([tb.load_tokenizer("utf8")], tb.ParallelCorpus.from_texts(TEXTS))
    frame = tb.evaluate(measured, [scaled, relative], reference="en")
    rows = {(metric, lang): value for metric, lang, value in frame.select("metric", "lang", "value").iter_rows()}
    assert rows["scaled", "de"] == pytest.approx(256 * 8 / 3)
    assert rows["relative", "de"] == pytest.approx(256 * (8 / 3) / (5 / 3))
    assert rows["relative", "en"] == 256.0
    assert ("relative", None) not in rows


class Point:
    """An entry point that gives an object."""

    def __init__(self, name: str, found: object) -> None:
        self.name, self.value, self.load = name, f"package:{name}", lambda: found


def test_a_table_lists_what_packages_add_after_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    own, other = replace(WORDS, name="own"), replace(WORDS, name="other")
    points = [Point("other", other), Point("bytes_per_word", WORDS)]
    asked = []

    def entry_points(group: str) -> list[Point]:
        asked.append(group)
        return points

    monkeypatch.setattr("tokbench.metrics._custom.entry_points", entry_points)
    table = MetricTable({"own": own})
    assert table["own"] is own
    assert not asked  # packages are read only when something of theirs may be meant
    assert list(table) == ["own", "bytes_per_word", "other"]
    assert len(table) == 3
    assert table["other"].title == "bytes/word"
    assert "third" not in table
    assert asked == ["tokbench.metrics"]
    for bad, message in (
        ([Point("own", own)], "takes a name that is taken"),
        ([Point("other", other), Point("other", other)], "takes a name that is taken"),
        ([Point("other", WORDS)], "not a metric of this name"),
        ([Point("other", "fertility")], "not a metric of this name"),
    ):
        points = bad
        with pytest.raises(tb.TokbenchError, match=message):
            list(MetricTable({"own": own}))


def test_it_is_ranked_and_grouped_in_every_table() -> None:
    result = tb.compare(["utf8", "byt5"], TEXTS, metrics=[WORDS, WORST], throughput=False)
    assert "longest words" in result.to_markdown()
    assert "bytes/word" in result.to_markdown("script")
