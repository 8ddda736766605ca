"""Counts worked out by hand, and what makes them mergeable."""

from __future__ import annotations

from functools import reduce
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.corpora import cut_out, equal, write_corpus
from helpers.made import make_sentencepiece, make_tokenizer_json, make_wordpiece
from tokbench import TokbenchError, load_tokenizer
from tokbench.measurement import Measurements, measure
from tokbench.measurement.round_trip import Loss, classify_loss
from tokbench.measurement.words import LanguageTexts, is_unspaced


@pytest.mark.smoke
def test_counts_of_bytes_by_hand(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["ab c", "é"], zh=["你好", "。"])
    measured = measure([load_tokenizer("utf8")], corpus)
    assert measured.texts.rows() == [
        ("en", 0, 4, 4, 2),
        ("en", 1, 2, 1, 1),
        ("zh", 0, 6, 2, None),
        ("zh", 1, 3, 1, None),
    ]
    columns = ["lang", "segment", "tokens", "partial_tokens", "unk_tokens", "unk_chars", "continued_words", "loss"]
    assert measured.counts.select(columns).rows() == [
        ("en", 0, 4, 0, 0, 0, 1, 0),  # "ab" is two tokens, "c" one
        ("en", 1, 2, 2, 0, 0, 1, 0),
        ("zh", 0, 6, 6, 0, 0, None, 0),
        ("zh", 1, 3, 3, 0, 0, None, 0),
    ]
    english = measured.ids.filter(pl.col("lang") == "en").select("block", "id", "count").rows()
    assert english == [(0, 32, 1), (0, 97, 1), (0, 98, 1), (0, 99, 1), (1, 0xA9, 1), (1, 0xC3, 1)]
    assert measured.vocab.height == 256


def test_unknown_characters_and_losses_by_hand(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the dog 😀😀", "the dog", "dog, dog"])
    measured = measure([load_tokenizer(str(make_wordpiece(tmp_path)))], corpus)
    rows = measured.counts.select("unk_tokens", "unk_chars", "loss").rows()
    assert rows == [(1, 2, Loss.LOSSY), (0, 0, Loss.EXACT), (0, 0, Loss.LOSSY)]


def test_continued_words_do_not_depend_on_the_way_they_are_found(tmp_path: Path) -> None:
    """A SentencePiece model tells boundaries by bytes; with spans alone the counts are the same."""
    corpus = write_corpus(
        tmp_path / "c", en=["Nothing in the letter explained", "  the  elephant déjà vu 😀 x", "你好 the"]
    )
    tokenizer = load_tokenizer(str(make_sentencepiece(tmp_path)))
    by_bytes = measure([tokenizer], corpus).counts["continued_words"].to_list()
    tokenizer.prefix = None  # type: ignore[misc]
    by_spans = measure([tokenizer], corpus).counts["continued_words"].to_list()
    assert by_bytes == by_spans
    assert None not in by_bytes


def test_words_are_runs_between_unicode_white_space() -> None:
    texts = ["a\u00a0b\u3000c", "", "  x ", "\u2028", "no\u200bbreak"]
    read = LanguageTexts.read(texts)
    assert read.words is not None
    assert read.words.tolist() == [len(text.split()) for text in texts] == [3, 0, 1, 0, 1]


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=1, max_size=6))
def test_words_lie_where_split_finds_them(texts: list[str]) -> None:
    read = LanguageTexts.read(texts)
    joined = "\n".join([*texts, ""])
    spans = zip(read.word_chars.starts, read.word_chars.ends, strict=True)
    assert [joined[start:end] for start, end in spans] == [word for text in texts for word in text.split()]
    encoded = joined.encode()
    spans = zip(read.word_bytes.starts, read.word_bytes.ends, strict=True)
    assert [encoded[start:end].decode() for start, end in spans] == joined.split()


@pytest.mark.parametrize(
    ("text", "unspaced"),
    [
        ("你好 world", False),
        ("你好吗 hi", True),
        ("สวัสดี", True),
        ("안녕하세요", False),
        ("123 😀", False),
        ("ខ្ញុំ", True),
    ],
)
def test_scripts_without_spaces_are_known(text: str, unspaced: bool) -> None:
    assert is_unspaced([text]) is unspaced


@pytest.mark.parametrize(
    ("text", "decoded", "loss"),
    [
        ("a b", "a b", Loss.EXACT),
        ("e\u0301", "é", Loss.NFC),
        (" a  b\n", "a b", Loss.WHITESPACE),
        ("a e\u0301 ", "a é", Loss.WHITESPACE),
        ("，", ",", Loss.LOSSY),
        ("ab", "a b", Loss.LOSSY),
    ],
)
def test_losses(text: str, decoded: str, loss: Loss) -> None:
    assert classify_loss(text, decoded) is loss


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Measurements, list[Measurements]]:
    """A whole, and the same measured in eight parts: two tokenizers x two languages x two segments."""
    folder = tmp_path_factory.mktemp("parts")
    corpus = write_corpus(folder / "c", en=["the quick fox", "a dog"], de=["der Käfer", "ein Hund"])
    tokenizers = [load_tokenizer("byt5"), load_tokenizer(str(make_tokenizer_json(folder)))]
    cut = [cut_out(corpus, segment, 1) for segment in (0, 1)]
    pieces = [measure([t], half.select([lang])) for t in tokenizers for lang in ("en", "de") for half in cut]
    return measure(tokenizers, corpus), pieces


@pytest.mark.smoke
@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(8)))
def test_parts_merge_to_the_whole_in_any_order(
    parts: tuple[Measurements, list[Measurements]], order: list[int]
) -> None:
    whole, pieces = parts
    ordered = [pieces[i] for i in order]
    assert equal(reduce(Measurements.merge, ordered), whole)
    assert equal(reduce(lambda rest, part: part.merge(rest), reversed(ordered)), whole)


def test_segments_measured_apart_merge_too(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["the fox", "a dog", "a dog"])
    first = corpus.select(segments=1)
    rest = cut_out(corpus, 1, 2)
    tokenizer = load_tokenizer("utf8")
    assert equal(measure([tokenizer], rest).merge(measure([tokenizer], first)), measure([tokenizer], corpus))


def test_what_is_measured_twice_does_not_merge(parts: tuple[Measurements, list[Measurements]]) -> None:
    whole, pieces = parts
    with pytest.raises(TokbenchError, match="both measurements hold segment 0"):
        whole.merge(pieces[0])


@pytest.mark.smoke
def test_measurements_are_saved_and_loaded(parts: tuple[Measurements, list[Measurements]], tmp_path: Path) -> None:
    parts[0].save(tmp_path)
    assert equal(Measurements.load(tmp_path), parts[0])


def test_two_tokenizers_of_one_name_are_refused(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", en=["a"])
    with pytest.raises(TokbenchError, match="two tokenizers are called 'utf8'"):
        measure([load_tokenizer("utf8"), load_tokenizer("utf8")], corpus)
