"""`tokbench diff`: changes, regressions, signatures; and the sentences that close a comparison."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from helpers.made import make_tokenizer_json
from tokbench.comparison import diff
from tokbench.comparison.diff import SignatureChange, compare_signatures, find_changes, rate_change
from tokbench.comparison.signature import read_signature
from tokbench.metrics.resampling import Bootstrap
from tokbench.report import render


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, Path]:
    """One comparison, and the same with 5 % more words in a token."""
    corpus = write_corpus(tmp_path / "c", en=["ab cd", "e"], zh=["\u4f60", "\u597d"])
    result = tb.compare(["utf8", "byt5"], corpus, throughput=False)
    old, new = tmp_path / "old.json", tmp_path / "new.json"
    old.write_text(render(result, "json"))
    worse = pl.when(metric="fertility", tokenizer="utf8").then(pl.col("value") * 1.05).otherwise("value")
    first, second = result.tokenizers
    changed = replace(
        result,
        frame=result.frame.with_columns(value=worse),
        tokenizers=(replace(first, sha256="f" * 64), second),
    )
    new.write_text(render(changed, "json"))
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
    assert "signatures differ in tok: utf8@sha256:" in " ".join(done.stdout.split())
    assert "fertility of utf8 on en: 2 -> 2.1 (x 1.0500), worse" in done.stdout
    assert "2 values got worse by more than a factor of 1.02" in done.stdout  # in English, and over all languages
    assert run("diff", old, new, "--fail-over", "1.06").returncode == 0
    assert run("diff", old, new).returncode == 0
    assert run("diff", new, old, "--fail-over", "1.02").returncode == 0  # better
    document = json.loads(run("diff", old, new, "--fail-over", "1.02", "--json").stdout)
    assert [row["lang"] for row in document["regressions"]] == [None, "en"]
    assert document["signature"][0]["field"] == "tok"


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
    refuse("diff", str(old), str(path), says="not comparable: their texts, languages and segments differ")
    refuse("diff", str(old), str(path), "--force", "-m", "premium", says="have no value in common")
    assert run("diff", str(old), str(path), "--force").returncode == 0
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


def test_a_signature_is_read_even_where_a_name_contains_its_separator() -> None:
    assert read_signature("tokbench|tok:a|b@sha256:1|v:2") == {"tok": "a", "b@sha256": "1", "v": "2"}
    assert read_signature("tokbench|tok:a|b|v:2") == {"tok": "a", "v": "2"}


def with_values(result: tb.Comparison, metric: str, values: list[float | None]) -> tb.Comparison:
    """The same comparison with other values of one metric, in the order of its rows."""
    rows = result.frame.with_row_index().filter(pl.col("metric") == metric)
    assert rows.height == len(values)
    column = result.frame["value"].scatter(rows["index"], pl.Series(values, dtype=pl.Float64))
    return replace(result, frame=result.frame.with_columns(column))


def test_changes_by_hand(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab"], zh=["\u4f60"])
    made = tb.compare(["utf8"], corpus, metrics=["tokens_per_segment", "bytes_per_token"], bootstrap=None)
    old = with_values(with_values(made, "tokens_per_segment", [2.0, 0.0, 3.0]), "bytes_per_token", [1.0, 4.0, None])
    new = with_values(with_values(made, "tokens_per_segment", [3.0, 0.0, None]), "bytes_per_token", [0.5, 8.0, 1.0])
    changes = find_changes(old, new)
    assert changes.select("metric", "lang", "old", "new", "ratio", "worse").rows() == [
        ("tokens_per_segment", None, 2.0, 3.0, 1.5, 1.5),
        ("tokens_per_segment", "en", 0.0, 0.0, None, 1.0),
        ("tokens_per_segment", "zh", 3.0, None, None, math.inf),
        ("bytes_per_token", None, 1.0, 0.5, 0.5, 2.0),
        ("bytes_per_token", "en", 4.0, 8.0, 2.0, 0.5),
        ("bytes_per_token", "zh", None, 1.0, None, None),
    ]
    assert changes["in_old"].all()
    assert changes["in_new"].all()
    assert set(find_changes(old, new, ["bytes_per_token"])["metric"]) == {"bytes_per_token"}
    with pytest.raises(tb.TokbenchError, match="no metric is called 'tokens'"):
        find_changes(old, new, ["tokens"])


def test_timings_are_compared_only_where_asked_for(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=[f"text {i}" for i in range(30)])
    made = tb.compare(["utf8"], corpus, metrics=["tokens_per_segment", "throughput"], bootstrap=None)
    assert set(find_changes(made, made)["metric"]) == {"tokens_per_segment"}
    assert set(find_changes(made, made, ["throughput"])["metric"]) == {"throughput"}


def test_cells_of_one_side_have_no_value_on_the_other(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab"])
    one, two = (tb.compare(names, corpus, metrics=["fertility"], bootstrap=None) for names in (["utf8"], ["byt5"]))
    changes = find_changes(one, two)
    assert changes.select("tokenizer", "lang", "old", "new", "worse", "in_old", "in_new").rows() == [
        ("utf8", None, 2.0, None, math.inf, True, False), ("utf8", "en", 2.0, None, math.inf, True, False),
        ("byt5", None, None, 2.0, None, False, True), ("byt5", "en", None, 2.0, None, False, True),
    ]  # fmt: skip


def test_signatures_are_read_field_by_field(tmp_path: Path) -> None:
    assert read_signature("tokbench|v:1|corp:a:b|n:2") == {"v": "1", "corp": "a:b", "n": "2"}
    corpora = (write_corpus(tmp_path / name, en=["ab"] * lines) for name, lines in (("c", 2), ("d", 3)))
    one, two = (tb.compare(["utf8"], corpus, metrics=["fertility"], bootstrap=None) for corpus in corpora)
    assert compare_signatures(one, one) == []
    changes = compare_signatures(one, two)
    assert [change.field for change in changes] == [
        field for field in read_signature(one.signature()) if field in {"corp", "n"}
    ]
    assert SignatureChange("n", "2", "3") in changes


def test_changes_of_signatures_are_frozen() -> None:
    check_dataclasses(diff, set())
