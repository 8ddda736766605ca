"""Counts added up over units: by hand, in any order, and with the values of single segments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.corpora import equal, write_corpus
from tokbench import TokbenchError, load_tokenizer
from tokbench.corpora import ParallelCorpus, TextGroups
from tokbench.measurement import Measurements, measure, units
from tokbench.measurement.units import (
    MOST_UNITS,
    UnitSum,
    add_up,
    cut_runs,
    find_language_units,
    hash_units,
    number_group,
    pool_counts,
    pool_texts,
)

TEXTS = {"en": ["a b", "cd", "é", "f g"], "de": ["x", "y z", "ü", "w"]}


@pytest.fixture
def few_units(monkeypatch: pytest.MonkeyPatch) -> None:
    """Corpora of more than two segments are large."""
    monkeypatch.setattr(units, "MOST_UNITS", 2)


def with_documents(
    corpus: ParallelCorpus, names: list[str | None], registers: list[str] | None = None
) -> ParallelCorpus:
    frame = pl.DataFrame({"segment": corpus.segments, "document": names})
    return replace(corpus, documents=frame if registers is None else frame.with_columns(register=pl.Series(registers)))


def count_made() -> tuple[pl.DataFrame, pl.DataFrame]:
    numbers = pl.Series("segment", [0, 1, 2, 3], dtype=pl.UInt32)
    texts = pl.DataFrame([numbers]).with_columns(
        bytes=pl.Series([10, 20, 30, 40], dtype=pl.Int32),
        chars=pl.Series([9, 19, 29, 39], dtype=pl.Int32),
        words=pl.Series([1, 2, 3, None], dtype=pl.Int32),
    )
    counts = pl.DataFrame([numbers]).with_columns(
        tokens=pl.Series([3, 4, 5, 6], dtype=pl.Int32),
        partial_tokens=pl.Series([0, 1, 0, 1], dtype=pl.Int32),
        unk_tokens=pl.Series([0, 1, 1, 0], dtype=pl.Int32),
        unk_chars=pl.Series([0, None, None, 0], dtype=pl.Int32),
        continued_words=pl.Series([1, 2, None, None], dtype=pl.Int32),
        loss=pl.Series([0, 3, 2, 1], dtype=pl.UInt8),
    )
    return texts, counts


def test_sums_by_hand() -> None:
    units_of = pl.Series([0, 0, 7, 7], dtype=pl.UInt64)
    single, counted = count_made()
    texts, counts = pool_texts(single, units_of), pool_counts(counted, single, units_of)
    assert texts.rows() == [(0, 2, 30, 28, 3), (7, 2, 70, 68, None)]
    named = counts.select(
        *("segment", "tokens", "partial_tokens", "unk_tokens", "unk_chars", "continued_words"),
        *("exact", "nfc", "whitespace", "lossy"),
        *("unk_known_chars", "unk_known_segments", "continued_known_words", "continued_known_segments"),
    )
    assert named.rows() == [
        (0, 7, 1, 1, 0, 3, 1, 0, 0, 1, 9, 1, 3, 2),
        (7, 11, 1, 1, 0, None, 0, 1, 1, 0, 39, 1, 0, 0),
    ]


def test_sums_do_not_overflow() -> None:
    frame = pl.DataFrame({"segment": [1], "tokens": [2**32 - 1]}, schema={"segment": pl.UInt64, "tokens": pl.UInt32})
    assert add_up([frame, frame])["tokens"].to_list() == [2**33 - 2]
    small = pl.DataFrame({"segment": [1], "tokens": [200]}, schema={"segment": pl.UInt64, "tokens": pl.UInt8})
    assert add_up([small, small])["tokens"].to_list() == [400]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 300)), min_size=1, max_size=30), st.randoms())
@settings(max_examples=30, deadline=None)
def test_the_order_of_sums_does_not_matter(rows: list[tuple[int, int]], random: object) -> None:
    def total(ordered: list[tuple[int, int]]) -> pl.DataFrame:
        running = UnitSum()
        for unit, tokens in ordered:
            running.add(pl.DataFrame({"segment": [unit], "tokens": [tokens], "words": [None if tokens == 7 else 1]}))
        return running.total()

    shuffled = list(rows)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = total(rows), total(shuffled)
    assert one.equals(other)
    assert one.schema == other.schema


@pytest.mark.usefixtures("few_units")
def test_documents_are_units() -> None:
    corpus = with_documents(ParallelCorpus.from_texts(TEXTS), ["b", "a", "b", "a"])
    found = measure([load_tokenizer("utf8")], corpus)
    assert found.pooled
    assert found.documents.rows() == [(0, "a"), (1, "b")]
    assert found.texts.rows() == [
        ("de", 0, 2, 4, 4, 3),
        ("de", 1, 2, 3, 2, 2),
        ("en", 0, 2, 5, 5, 3),
        ("en", 1, 2, 5, 4, 3),
    ]
    assert found.counts["tokens"].to_list() == [4, 3, 5, 5]
    assert found.counts["exact"].to_list() == [2, 2, 2, 2]


@pytest.mark.usefixtures("few_units")
def test_runs_of_neighbours_are_units() -> None:
    corpus = ParallelCorpus.from_texts(TEXTS)
    for found in (
        measure([load_tokenizer("utf8")], corpus),
        measure([load_tokenizer("utf8")], corpus, pool="segments"),
    ):
        assert found.documents.is_empty()
        assert found.texts.filter(pl.col("lang") == "en").rows() == [("en", 0, 2, 5, 5, 3), ("en", 1, 2, 5, 4, 3)]
    named = with_documents(corpus, ["a", "a", "a", "b"])
    drawn = measure([load_tokenizer("utf8")], named, pool="segments")
    assert drawn.texts["segments"].to_list() == [2, 2, 2, 2]
    assert drawn.documents.rows() == [(0, None), (1, None)]
    assert not measure([load_tokenizer("utf8")], named, pool=None).pooled
    assert not measure([load_tokenizer("utf8")], corpus.select(segments=2)).pooled


@pytest.mark.usefixtures("few_units")
def test_a_unit_is_of_one_register() -> None:
    corpus = with_documents(ParallelCorpus.from_texts(TEXTS), ["a", "b", "c", "d"], ["web", "news", "web", "web"])
    found = measure([load_tokenizer("utf8")], corpus)
    assert found.documents.rows() == [(0, "b", "news"), (1, "a", "web")]
    assert found.texts["segments"].to_list() == [1, 3, 1, 3]
    drawn = measure([load_tokenizer("utf8")], corpus, pool="segments")
    assert drawn.documents.rows() == [(0, None, "news"), (1, None, "web")]


def test_runs_fill_the_limit() -> None:
    one = cut_runs(pl.Series([None] * 3 * MOST_UNITS, dtype=pl.String))
    assert np.bincount(one).tolist() == [3] * MOST_UNITS
    two = cut_runs(pl.Series(["a"] * 2 * MOST_UNITS + ["b"] * MOST_UNITS))
    assert two[-1] + 1 <= MOST_UNITS
    assert len(np.unique(two)) == two[-1] + 1
    assert not set(two[: 2 * MOST_UNITS]) & set(two[2 * MOST_UNITS :])
    assert cut_runs(pl.Series(["a", "a", "b"])).tolist() == [0, 1, 2]


def test_a_segment_without_a_document_is_one_by_itself() -> None:
    numbers = pl.Series("segment", [5, 6, 7, 8], dtype=pl.UInt32)
    documents = pl.DataFrame({"segment": numbers, "document": ["a", None, None, "a"]})
    found = find_language_units(numbers, documents, "documents")
    own = found.locate(0, 4)[0].to_list()
    assert own[0] == own[3]
    assert len({*own}) == 3
    assert sorted(found.documents["segment"].to_list()) == sorted({*own})


@pytest.mark.usefixtures("few_units")
def test_groups_do_not_share_units() -> None:
    found = measure([load_tokenizer("utf8")], TextGroups.from_texts({"a": ["1", "2", "3"], "b": ["4"]}))
    assert found.texts.rows() == [("a", 0, 2, 2, 2, 2), ("a", 1, 1, 1, 1, 1), ("b", 3, 1, 1, 1, 1)]


@pytest.mark.usefixtures("few_units")
def test_tokenizers_and_languages_merge(tmp_path: Path) -> None:
    corpus = with_documents(ParallelCorpus.from_texts(TEXTS), ["b", "a", "b", "a"])
    both = measure([load_tokenizer("utf8"), load_tokenizer("byt5")], corpus)
    one, other = (measure([load_tokenizer(name)], corpus) for name in ("utf8", "byt5"))
    assert equal(one.merge(other), both)
    assert equal(other.merge(one), both)
    parts = [measure([load_tokenizer("utf8")], corpus.select([lang])) for lang in TEXTS]
    assert equal(parts[1].merge(parts[0]), one)
    twice = one.merge(one)
    assert twice.counts["tokens"].to_list() == [2 * n for n in one.counts["tokens"].to_list()]
    with pytest.raises(TokbenchError, match="neither of the same tokenizers nor of the same texts"):
        both.merge(one)
    with pytest.raises(TokbenchError, match="counts by segment cannot be merged with counts by unit"):
        both.merge(measure([load_tokenizer("utf8")], corpus, pool=None))
    elsewhere = measure([load_tokenizer("utf8")], with_documents(corpus, ["c", "a", "c", "a"]))
    with pytest.raises(TokbenchError, match="of other documents"):
        one.merge(elsewhere)
    both.save(tmp_path)
    assert equal(Measurements.load(tmp_path), both)


@pytest.mark.usefixtures("few_units")
def test_recorded_ids_are_pooled_the_same() -> None:
    corpus = with_documents(ParallelCorpus.from_texts(TEXTS), ["b", "a", "b", "a"])
    ids = {lang: [list(text.encode()) for text in texts] for lang, texts in TEXTS.items()}
    measured = measure([load_tokenizer("utf8")], corpus)
    recorded = Measurements.from_ids(corpus, ids, [bytes([byte]) for byte in range(256)], name="mine")
    assert recorded.counts.drop("tokenizer").equals(measured.counts.drop("tokenizer"))
    assert recorded.ids.drop("tokenizer").equals(measured.ids.drop("tokenizer"))
    assert (recorded.texts.rows(), recorded.documents.rows()) == (measured.texts.rows(), measured.documents.rows())
    assert set(measured.merge(recorded).tokenizers["tokenizer"]) == {"utf8", "mine"}
    unknown = Measurements.from_ids(corpus, ids, name="mine").counts
    assert unknown["exact"].null_count() == unknown["continued_words"].null_count() == unknown.height
    assert not Measurements.from_ids(corpus, ids, name="mine", pool=None).pooled


def test_units_of_a_stream_depend_on_their_place_only() -> None:
    segments = pl.Series(range(100), dtype=pl.UInt32)
    documents = segments // 5
    whole = hash_units("a.txt", 0, segments, documents)
    parts = [hash_units("a.txt", 0, segments[i : i + 7], documents[i : i + 7]) for i in range(0, 100, 7)]
    assert np.concatenate(parts).tolist() == whole.tolist()
    assert (whole[5:].reshape(-1, 5) == whole[5::5, None]).all()
    assert 0 <= whole.min() <= whole.max() < MOST_UNITS
    assert whole.tolist() != hash_units("b.txt", 0, segments, documents).tolist()
    assert whole.tolist() != hash_units("a.txt", 9, segments, documents).tolist()
    runs = hash_units("a.txt", 0, segments, segments)
    assert (runs[:96].reshape(-1, 16) == runs[:96:16, None]).all()
    assert len(np.unique(runs)) == 7


def test_units_of_groups_of_a_stream_are_apart() -> None:
    first, second = number_group("de"), number_group("en")
    assert first % MOST_UNITS == second % MOST_UNITS == 0
    assert first != second


def test_a_corpus_read_from_files_is_pooled_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "MOST_UNITS", 2)
    corpus = write_corpus(tmp_path / "c", **TEXTS)
    tokenizer = load_tokenizer("utf8")
    assert equal(measure([tokenizer], corpus), measure([tokenizer], ParallelCorpus.from_texts(TEXTS)))
