"""Texts in memory become a corpus; what is not text is named by language and row."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest

import tokbench as tb
from tokbench.corpora import ParallelCorpus

TEXTS = {"en": ["one apple", "two"], "zh": ["一个苹果", "二"]}


def to_pandas(texts: dict[str, Any]) -> Any:
    return pytest.importorskip("pandas").DataFrame(texts)


def to_dataset(texts: dict[str, Any]) -> Any:
    return pytest.importorskip("datasets").Dataset.from_dict(texts)


KINDS = [dict, pl.DataFrame, to_pandas, to_dataset]


@pytest.mark.parametrize("make", KINDS)
def test_each_kind_gives_the_same_corpus(make: Callable[[dict[str, list[str]]], Any]) -> None:
    corpus = ParallelCorpus.from_texts(make(TEXTS), name="mine")
    assert corpus.languages == ("en", "zh")
    assert corpus.texts("zh") == TEXTS["zh"]
    assert (corpus.name, corpus.format, corpus.n) == ("mine", "memory", 2)
    assert corpus.sha256 == ParallelCorpus.from_texts(TEXTS).sha256


def test_columns_may_be_any_sequence() -> None:
    columns = {"en": pl.Series(TEXTS["en"]), "de": np.array(["a", "b"]), "fr": ("c", "d"), "it": iter(["e", "f"])}
    assert ParallelCorpus.from_texts(columns).texts("it") == ["e", "f"]


def test_blank_texts_are_excluded_in_all_languages() -> None:
    corpus = ParallelCorpus.from_texts({"en": ["a", " ", "c"], "de": ["x", "y", "z"]})
    assert corpus.texts("de") == ["x", "z"]
    assert corpus.excluded.rows() == [(1, "empty in en")]


def test_compare_takes_texts() -> None:
    result = tb.compare(["utf8"], TEXTS, bootstrap=None, throughput=False)
    assert result.by_language("tokens_per_segment")["utf8"].to_list() == [6.0, 7.5]
    frame = pl.DataFrame(TEXTS)
    assert tb.compare(["utf8"], frame, bootstrap=None, throughput=False).frame.equals(result.frame)


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (
            {"en": ["a", "b"], "zh": ["c"]},
            "unequal numbers of texts: 1 in zh, 2 in en; text n of each language must say the same",
        ),
        ({"en": ["a", None]}, "text 1 of en is missing, not a str; drop the row in every language, or use ''"),
        ({"en": [1]}, "text 0 of en is of type int, not a str; keep only columns of text, one per language"),
        ({"en": "a"}, "the texts of en are one str, not a sequence of str; write {'en': [...]}"),
        ({"en": 3}, "the texts of en are of type int, not a sequence of str"),
        ({"en": ["\ud800"]}, "text 0 of en contains a lone surrogate"),
        ({1: ["a"]}, "a language is called 1; name languages by tags such as 'en'"),
        ({}, "there are no texts: no language is given; give a dict, a polars or pandas DataFrame"),
        ({"en": []}, "texts: none of 0 segments is left: the source is empty"),
        (["a"], "cannot read texts from list; give a dict"),
        (pl.DataFrame({"en": ["a"], "id": [1]}), "text 0 of id is of type int"),
    ],
)
def test_what_is_not_text_is_named(texts: Any, message: str) -> None:
    with pytest.raises(tb.TokbenchError) as caught:
        ParallelCorpus.from_texts(texts)
    assert str(caught.value).startswith(message)


def test_what_libraries_call_missing_is_named() -> None:
    for missing in (None, float("nan"), pytest.importorskip("pandas").NA):
        with pytest.raises(tb.TokbenchError, match="text 1 of en is missing"):
            ParallelCorpus.from_texts(to_pandas({"en": ["a", missing]}))


def test_splits_and_streams_of_datasets_are_refused() -> None:
    datasets = pytest.importorskip("datasets")
    splits = datasets.DatasetDict({"train": to_dataset(TEXTS)})
    with pytest.raises(tb.TokbenchError, match=r"train is a whole table.*texts\['train'\]"):
        ParallelCorpus.from_texts(splits)
    with pytest.raises(tb.TokbenchError, match=r"cannot read texts from datasets\.IterableDataset"):
        ParallelCorpus.from_texts(to_dataset(TEXTS).to_iterable_dataset())


def test_frames_are_recognised_without_their_libraries() -> None:
    code = (
        "import sys; from tokbench.corpora import ParallelCorpus; ParallelCorpus.from_texts({'en': ['a']}); "
        "print(*{'pandas', 'datasets', 'pyarrow'} & sys.modules.keys())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
