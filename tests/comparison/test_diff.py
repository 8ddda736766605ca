"""`tokbench diff`: changes, regressions, signatures; and the sentences that close a comparison."""

from __future__ import annotations

import json
import math
from pathlib import Path

import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.data import needs_data
from helpers.made import make_tokenizer_json
from tokbench.comparison.diff import compare_signatures, find_changes, rate_change
from tokbench.metrics.resampling import Bootstrap
from tokbench.report import render


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Path]:
    """One comparison, and the same with 5 % more words in a token."""
    corpus = write_corpus(tmp_path / "c", en=["ab cd", "e"], zh=["\u4f60", "\u597d"])
    result = tb.compare(["utf8", "byt5"], corpus, throughput=False)
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(render(result, "json"))
    document = json.loads(old.read_text())
    for row in document["results"]:
        if row["metric"] == "fertility" and row["tokenizer"] == "utf8" and row["value"] is not None:
            row["value"] *= 1.05
    document["corpus"]["segmenter"] = "icu/78"
    new.write_text(json.dumps(document))
    return old, new


def test_equal_comparisons_do_not_differ(saved: tuple[Path, Path]) -> None:
    old, _ = saved
    done = run("diff", str(old), str(old), "--fail-over", "1.0")
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == "signatures are equal"
    assert "0 of " in done.stdout


@pytest.mark.smoke
def test_a_regression_fails_and_is_named(saved: tuple[Path, Path]) -> None:
    old, new = map(str, saved)
    done = run("diff", old, new, "--fail-over", "1.02")
    assert done.returncode == 1
    assert done.stderr == ""
    assert "signatures differ in seg: whitespace -> icu/78" in done.stdout
    assert "fertility of utf8 on en: 2 -> 2.1 (x 1.0500), worse" in done.stdout
    assert "2 values got worse by more than a factor of 1.02" in done.stdout  # in English, and over all languages
    assert run("diff", old, new, "--fail-over", "1.06").returncode == 0
    assert run("diff", old, new).returncode == 0
    assert run("diff", new, old, "--fail-over", "1.02").returncode == 0  # better
    document = json.loads(run("diff", old, new, "--fail-over", "1.02", "--json").stdout)
    assert [row["lang"] for row in document["regressions"]] == [None, "en"]
    assert document["signature"][0]["field"] == "seg"


def test_a_value_that_is_gone_is_a_regression(saved: tuple[Path, Path], tmp_path: Path) -> None:
    old, _ = saved
    document = json.loads(old.read_text())
    document["results"] = [r for r in document["results"] if r["tokenizer"] == "utf8" or r["metric"] != "premium"]
    less = tmp_path / "less.json"
    less.write_text(json.dumps(document))
    done = run("diff", str(old), str(less), "--fail-over", "2")
    assert done.returncode == 1
    assert "values are only in the old comparison (of byt5)" in done.stdout


@pytest.mark.parametrize(
    ("better", "old", "new", "expected"),
    [
        ("lower", 2.0, 3.0, 1.5),
        ("higher", 2.0, 3.0, 2 / 3),
        ("lower", 0.0, 0.1, math.inf),
        ("lower", 0.0, 0.0, 1.0),
        ("higher", 1.0, 0.0, math.inf),
        ("higher", 1.0, None, math.inf),
        ("lower", None, 1.0, None),
        (None, 1.0, 2.0, None),
    ],
)
def test_how_much_worse(better: str | None, old: float | None, new: float | None, expected: float | None) -> None:
    assert rate_change(better, old, new) == expected


def test_comparisons_of_other_things_are_refused(saved: tuple[Path, Path], tmp_path: Path) -> None:
    old, _ = saved
    corpus = write_corpus(tmp_path / "d", en=["x"])
    other = tb.compare(["utf8"], corpus, metrics=["fertility"])
    path = tmp_path / "other.json"
    path.write_text(render(other, "json"))
    refuse("diff", str(old), str(path), "-m", "premium", says="have no value in common")
    refuse("diff", str(old), str(tmp_path / "none.json"), says="cannot read")
    assert find_changes(tb.load(old), other)["in_new"].sum() == 2
    assert {change.field for change in compare_signatures(tb.load(old), other)} >= {"tok", "corp", "lang", "n"}


def test_sentences_close_a_comparison_with_a_baseline(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a"] * 20, zh=["\u4f60\u597d"] * 20)
    result = tb.compare(["utf8", "byt5"], corpus, baseline="utf8", throughput=False)
    for shape in ("table", "markdown"):
        written = render(result, shape)
        plain = written.replace("\\", "")
        assert "byt5 needs 1.00 [1.00, 1.00] times the tokens of utf8 on en, p = 1" in plain
        assert "Holm over 3 tests" in written
    again = tb.compare(["utf8", "byt5"], corpus, throughput=False)
    assert again.differences.is_empty()
    assert "times the tokens" not in render(again, "table")
    path = tmp_path / "r.json"
    path.write_text(render(result, "json"))
    assert tb.load(path).differences.equals(result.differences, null_equal=True)


def test_what_a_corpus_can_show_stands_below_the_sentences(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the fox", "a dog", "the dog", "fox"])
    result = tb.compare(["utf8", str(make_tokenizer_json(tmp_path))], corpus, baseline="utf8", throughput=False)
    (row,) = result.differences.filter(pl.col("lang") == "en").to_dicts()
    percent = f"{100 * row['detectable']:.1f}"
    expected = f"minimum detectable difference (80 % power, 4 segments): {percent} to {percent} % of tokens/segment"
    assert expected in render(result, "table")
    same = tb.compare(["utf8", "byt5"], corpus, baseline="utf8", throughput=False)
    assert "minimum detectable" not in render(same, "table")  # nothing varies


def test_one_resample_has_no_spread(tmp_path: Path) -> None:
    write_corpus(tmp_path / "c", en=["a", "ab"])
    done = run("compare", "utf8", "byt5", "-c", str(tmp_path / "c"), "--baseline", "utf8", "--resamples", "1", "-q")
    assert (done.returncode, done.stderr) == (0, "")


def test_tables_by_language_show_intervals_where_asked(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a", "ab"], zh=["\u4f60", "\u597d"])
    result = tb.compare(["utf8"], corpus, metrics=["tokens_per_segment"])
    assert "3.0 [3.0, 3.0]" in render(result, "table", "intervals")
    assert "[" not in render(result, "table", "language").replace("[tokens]", "")


def test_premiums_against_any_language_from_a_saved_comparison(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab"], zh=["\u4f60\u597d"], de=["abc"])
    path = tmp_path / "r.json"
    path.write_text(render(tb.compare(["utf8"], corpus, throughput=False), "json"))
    premiums = tb.load(path).premiums("de")
    assert dict(premiums.iter_rows()) == pytest.approx({"de": 1.0, "en": 2 / 3, "zh": 2.0})
    with pytest.raises(tb.TokbenchError, match="no language 'fr'"):
        tb.load(path).premiums("fr")


@needs_data
def test_qwen_against_gpt_neox_on_chinese(shared_data: Path) -> None:
    corpus = tb.load_corpus(shared_data / "corpora" / "flores200" / "dev", languages=["eng_Latn", "zho_Hans"])
    names = ["gpt-neox-20b", "qwen2.5", "mpt"]
    result = tb.compare(names, corpus, metrics=["tokens_per_segment"], baseline="gpt-neox-20b")
    rows = {(r["tokenizer"], r["lang"]): r for r in result.differences.to_dicts()}
    chinese = rows["qwen2.5", "zho_Hans"]
    assert chinese["low"] < chinese["ratio"] < chinese["high"]
    assert chinese["ratio"] == pytest.approx(0.493, abs=0.005)
    assert chinese["p_holm"] < 0.0001
    assert rows["mpt", "zho_Hans"]["p"] == 1.0  # the same vocabulary
    assert result.differences.filter(pl.col("tokenizer") == "mpt")["ratio"].to_list() == [1.0] * 3


def test_the_signature_names_the_method_of_intervals(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a", "ab", "abc"])
    made = tb.compare(["utf8"], corpus, bootstrap=Bootstrap(method="bca"), throughput=False)
    assert "|boot:1000/bca/segments/seed0|" in made.signature()
    (row,) = made.frame.filter((pl.col("metric") == "tokens_per_segment") & (pl.col("lang") == "en")).to_dicts()
    assert row["low"] <= 2 <= row["high"]
