"""Stored figures arranged by language and tokenizer: worked out by hand on two languages and four tokenizers."""

from __future__ import annotations

import polars as pl
import pytest

from helpers.atlas import make_figures
from tokbench.analysis import ranking
from tokbench.analysis.atlas import pick_by_size, read_atlas, read_corpus, summarize_scripts


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranking, "_read_table", make_figures)


def test_each_row_says_how_many_more_tokens_than_the_fewest() -> None:
    frame = read_corpus("c/dev").languages
    thai = frame.filter(pl.col("lang") == "tha_Thai").select("tokenizer", "rank", "cheapest", "more")
    # big 30, small 45; loses 20 is lossy, bytes 140 a floor.
    assert thai.rows() == [
        ("big", 1, "big", 0.0),
        ("small", 2, "big", 0.5),
        ("loses", None, "big", None),
        ("bytes", None, "big", None),
    ]


def test_how_a_language_fares_is_over_its_ranked_tokenizers() -> None:
    fares = read_corpus("c/dev").fares
    assert fares.filter(pl.col("lang") == "tha_Thai").row(0, named=True) == {
        "lang": "tha_Thai",
        "language": "Thai",
        "reference": "eng_Latn",
        "cheapest": "big",
        "tokens_per_segment": 30.0,
        "premium": 3.0,
        "premium_median": 3.375,
        "premium_low": 3.0,
        "premium_high": 3.75,
        "low": "big",
        "high": "small",
        "place": 2,
        "others": 2,
    }
    english = fares.filter(pl.col("lang") == "eng_Latn").row(0, named=True)
    assert (english["place"], english["others"], english["premium_median"]) == (None, 2, 1.0)
    german = fares.filter(pl.col("lang") == "deu_Latn").row(0, named=True)
    assert (german["place"], german["premium_median"]) == (1, 1.5)  # of 1, 1.5 and 2 (loses loses nothing there)


def test_scripts_leave_out_the_reference_and_languages_that_lose_text() -> None:
    frame = read_corpus("c/dev").languages
    scripts = {"eng_Latn": "Latin", "deu_Latn": "Latin", "tha_Thai": "Thai"}
    big = summarize_scripts(frame.filter(pl.col("tokenizer") == "big"), scripts)
    assert big.rows() == [
        ("Latin", 1, 0, 1.5, 1.5, "German", "deu_Latn"),
        ("Thai", 1, 0, 3.0, 3.0, "Thai", "tha_Thai"),
    ]
    loses = summarize_scripts(frame.filter(pl.col("tokenizer") == "loses"), scripts)
    assert loses.rows() == [
        ("Latin", 1, 0, 2.0, 2.0, "German", "deu_Latn"),
        ("Thai", 1, 1, None, None, None, None),
    ]


def test_fewest_tokens_by_size_of_vocabulary() -> None:
    rows = pl.DataFrame(
        {
            "tokenizer": ["f", "a", "b", "c", "d", "e"],
            "vocabulary": [50, 100, 100, 200, 300, 400],
            "tokens_per_segment": [1.0, 40.0, 50.0, 40.0, 35.0, 10.0],
            "rank": [None, 3, 5, 3, 2, 1],
            "family": ["x"] * 5 + ["bytes"],
        }
    )
    # f has no rank, b is as large as a and longer, c as long as a and larger, e is a byte vocabulary.
    assert pick_by_size(rows)["tokenizer"].to_list() == ["a", "d"]


def test_corpora_share_the_languages_of_one_name(monkeypatch: pytest.MonkeyPatch) -> None:
    first = make_figures()
    second = first.filter(pl.col("lang") != "deu_Latn").with_columns(
        corpus=pl.lit("d"), lang=pl.col("lang").str.head(3), reference=pl.lit("eng"), names=pl.lit("x|tha")
    )
    monkeypatch.setattr(ranking, "_read_table", lambda: pl.concat([first, second]))
    atlas = read_atlas()
    assert [(language.name, dict(language.tags)) for language in atlas.languages] == [
        ("English", {"c/dev": "eng_Latn", "d": "eng"}),
        ("German", {"c/dev": "deu_Latn"}),
        ("Thai", {"c/dev": "tha_Thai", "d": "tha"}),
    ]
    assert atlas.languages[2].names == ("thai", "th", "ไทย", "x", "tha")
    assert atlas.languages[2].tag == "tha_Thai"
    assert atlas.tokenizers == ("big", "small", "loses", "bytes")
