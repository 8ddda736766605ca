"""Groups of texts that are not parallel, and several corpora side by side."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from helpers.corpora import write_corpus
from tokbench.corpora import (
    LanguageText,
    ParallelCorpus,
    RawCorpus,
    TextGroups,
    build_corpus,
    inspect_corpus,
    join_corpora,
    load_corpus,
    open_corpus,
)
from tokbench.errors import TokbenchError

CODE, PROSE = ["x = 1\n", "y\n"], ["One.", " ", "Two words.", "Ünder"]


def make_groups() -> TextGroups:
    return TextGroups.from_texts({"code": CODE, "prose": PROSE})


def test_each_group_keeps_its_own_texts_and_excludes_its_own_empty_ones() -> None:
    groups = make_groups()
    assert not groups.aligned
    assert groups.texts("code") == CODE  # with their line ends
    assert groups.texts("prose") == ["One.", "Two words.", "Ünder"]
    assert groups.segments.to_list() == [0, 1, 2, 4, 5]
    assert groups.number("prose").to_list() == [2, 4, 5]
    assert groups.excluded.rows() == [(3, "empty in prose")]
    assert (groups.n, groups.count) == (5, 5)
    assert groups.sizes == {"code": 8, "prose": 20}
    assert groups.size == 28
    assert repr(groups).startswith("<TextGroups texts: 2 groups, 5 segments, sha256 ")
    assert groups.frame.select("segment", "lang", "text").row(2) == (2, "prose", "One.")


def test_texts_take_turns_until_a_group_ends() -> None:
    assert list(make_groups().iterate_texts()) == ["x = 1\n", "One.", "y\n", "Two words.", "Ünder"]
    assert list(ParallelCorpus.from_texts({"a": ["1", "2"], "b": ["3", "4"]}).iterate_texts()) == ["1", "3", "2", "4"]


def test_selected_groups_keep_numbers_and_documents() -> None:
    raw = RawCorpus(
        "made",
        [LanguageText(name, pl.Series(texts), name) for name, texts in (("code", CODE), ("prose", PROSE))],
        documents=pl.DataFrame({"document": ["a", "a", "b", "b", "c", "d"]}),
        aligned=False,
    )
    groups = build_corpus(raw, "memory", "made")
    assert groups.documents is not None
    assert groups.documents.rows() == [(0, "a"), (1, "a"), (2, "b"), (4, "c"), (5, "d")]
    chosen = groups.select(["prose", "code"], 2)
    assert chosen.languages == ("prose", "code")
    assert chosen.segments.to_list() == [2, 4, 0, 1]
    assert chosen.documents is not None
    assert sorted(chosen.documents["segment"]) == [0, 1, 2, 4]
    assert chosen.reading["lang"].to_list() == ["prose", "code"]
    assert chosen.sha256 == groups.select(segments=2).sha256  # the order of groups does not matter
    assert chosen.sha256 != groups.sha256
    assert groups.select() is groups
    assert groups.shorten({"code": 1, "prose": 0}).languages == ("code",)
    with pytest.raises(TokbenchError, match=r"made has no group 'prosa'; did you mean 'prose'\?"):
        groups.select(["prosa"])
    with pytest.raises(TokbenchError, match="0 segments are requested"):
        groups.select(segments=0)


def test_a_group_without_text_is_left_out() -> None:
    groups = TextGroups.from_texts({"full": ["a"], "empty": [" ", "\n"], "none": []})
    assert groups.languages == ("full",)
    assert [part.why for part in groups.left_out] == ["no text in it", "no text in it"]
    with pytest.raises(TokbenchError, match="contains no text"):
        TextGroups.from_texts({"empty": [" "]})


def test_unequal_texts_are_refused_as_parallel_and_the_hint_works() -> None:
    with pytest.raises(TokbenchError, match=r"2 in b, 1 in a; .* use TextGroups.from_texts"):
        ParallelCorpus.from_texts({"a": ["1"], "b": ["2", "3"]})
    assert TextGroups.from_texts({"a": ["1"], "b": ["2", "3"]}).count == 3


def test_corpora_side_by_side_have_unique_labels(tmp_path: Path) -> None:
    parallel = write_corpus(tmp_path / "news", en=["one", "two"], de=["eins", "zwei"])
    other = write_corpus(tmp_path / "talks", en=["hello"])
    joined = join_corpora([parallel, make_groups(), other])
    assert isinstance(joined, TextGroups)
    assert joined.languages == ("de", "news/en", "code", "prose", "talks/en")
    assert joined.name == "news+texts+talks"
    assert joined.parts == ("news", "texts", "talks")
    assert joined.texts("news/en") == ["one", "two"]
    assert joined.segments.to_list() == list(range(10))
    assert joined.number("talks/en").to_list() == [9]
    assert joined.documents is None
    assert joined.excluded.rows() == [(3, "texts: empty in prose")]
    assert joined.size == sum(joined.sizes.values()) == 3 + 3 + 8 + 28 + 5
    assert joined.reading["lang"].to_list() == list(joined.languages)
    assert join_corpora([parallel]) is parallel
    assert open_corpus([str(tmp_path / "news"), tmp_path / "talks"]).languages == ("de", "news/en", "talks/en")


def test_joined_documents_are_named_by_their_corpus(tmp_path: Path) -> None:
    documented = load_corpus("tokbench14", languages=["en"], segments=1)
    assert documented.documents is not None
    joined = join_corpora([documented, write_corpus(tmp_path / "plain", de=["eins", "zwei"])])
    assert joined.documents is not None
    name = documented.documents["document"][0]
    assert joined.documents["document"].to_list() == [f"tokbench14/{name}", "plain#0", "plain#1"]


def test_corpora_of_one_name_are_told_apart_and_the_same_texts_refused(tmp_path: Path) -> None:
    first = write_corpus(tmp_path / "a" / "docs", en=["one"])
    second = write_corpus(tmp_path / "b" / "docs", en=["two"])
    assert join_corpora([first, second]).languages == ("docs-1/en", "docs-2/en")
    with pytest.raises(TokbenchError, match="the corpora docs and docs hold the same texts"):
        join_corpora([first, load_corpus(tmp_path / "a" / "docs")])


def test_the_report_on_groups_has_no_length_outliers() -> None:
    report = inspect_corpus(make_groups())
    assert report.reference is None
    assert report.outliers.is_empty()
    assert report.languages.select("lang", "segments").rows() == [("code", 2), ("prose", 3)]
    separators = pl.col("finding") == "separator"
    assert report.findings.filter(separators).select("lang", "count", "characters").rows() == [
        ("code", 0, 0),  # its line ends belong to it
        ("prose", 0, 0),
    ]
    odd = inspect_corpus(TextGroups.from_texts({"code": ["a\r\nb\n", "c\u2028\x0bd\n"]}))
    assert odd.findings.filter(separators).select("count", "characters").rows() == [(1, 2)]
    with pytest.raises(TokbenchError, match="not parallel: there is no reference"):
        inspect_corpus(make_groups(), "code")
