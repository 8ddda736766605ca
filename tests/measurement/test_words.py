"""Word segmenters: what ICU finds, what white space finds, and where neither fits."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tokbench as tb
from helpers.commands import run
from helpers.corpora import write_corpus
from helpers.data import needs_data
from tokbench.adapters import EncodedBatch, Spans, TokenTable
from tokbench.errors import MissingExtraError
from tokbench.measurement.single_token_words import list_words
from tokbench.measurement.words import LanguageTexts, count_continued_by_spans, describe_segmenter

icu = pytest.importorskip("icu4py", reason="the extra icu is not installed")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("don't stop, 3.5 x-rays", ["don't", "stop", "3.5", "x", "rays"]),
        ("\u4f60\u597d\uff0c\u4e16\u754c", ["\u4f60\u597d", "\u4e16\u754c"]),
        ("\u0e20\u0e32\u0e29\u0e32\u0e44\u0e17\u0e22", ["\u0e20\u0e32\u0e29\u0e32", "\u0e44\u0e17\u0e22"]),
        ("\U0001f600\U0001f600 caf\u00e9 \U0001d4b3y, z", ["caf\u00e9", "\U0001d4b3y", "z"]),
        (" \u2026 !", []),
    ],
)
def test_icu_finds_words_by_rules_and_dictionaries(text: str, words: list[str]) -> None:
    read = LanguageTexts.read([text, "", text], "icu")
    assert list_words(read) == words * 2
    assert read.words is not None
    assert read.words.tolist() == [len(words), 0, len(words)]


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=1, max_size=4))
def test_words_lie_in_their_texts_in_order(texts: list[str]) -> None:
    read = LanguageTexts.read(texts, "icu", spaced=True)
    starts, ends = read.word_chars.starts, read.word_chars.ends
    assert (starts < ends).all()
    assert (ends[:-1] <= starts[1:]).all()
    joined = "\n".join([*texts, ""])
    encoded = joined.encode()
    for (start, end), (byte, last) in zip(
        zip(starts, ends, strict=True), zip(read.word_bytes.starts, read.word_bytes.ends, strict=True), strict=True
    ):
        assert encoded[byte:last].decode() == joined[start:end]


def test_a_lone_space_marker_is_part_of_no_word() -> None:
    """Engines put it on the space before the word, without width before it, or over its first character."""
    texts = LanguageTexts.read(["ab cd"])
    table = TokenTable.from_tokens([b" ", b"ab", b"c", b"d"])
    for starts, ends in (([0, 0, 2, 3, 4], [0, 2, 3, 4, 5]), ([0, 0, 3, 3, 4], [1, 2, 4, 4, 5])):
        batch = EncodedBatch.from_lists([[0, 1, 0, 2, 3]])
        spans = Spans(batch, np.array(starts), np.array(ends))
        assert count_continued_by_spans(texts, np.array([0]), spans, table).tolist() == [1]


@needs_data
def test_words_of_unknown_characters_are_one_token_each(shared_data: Path) -> None:
    """T5 writes a marker and one unknown token for most Hindi words, 99 % of which were counted as continued."""
    corpus = tb.load_corpus(shared_data / "corpora" / "flores200" / "dev", languages=["hin_Deva"], segments=200)
    result = tb.compare(["t5"], corpus, metrics=["continued_words"], bootstrap=None)
    assert 0.05 < result.by_language("continued_words")["t5"].item() < 0.12


def test_tibetan_has_no_words_by_either() -> None:
    tibetan = ["\u0f56\u0f7c\u0f51\u0f0b\u0f61\u0f72\u0f42"]
    assert LanguageTexts.read(tibetan, "icu").words is None
    assert LanguageTexts.read(tibetan).words is None


def test_the_signature_names_the_segmenter(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "c", zh=["\u4f60\u597d\u4e16\u754c"])
    plain, cut = (tb.compare(["utf8"], corpus, segmenter=name, throughput=False) for name in ("whitespace", "icu"))  # type: ignore[arg-type]
    assert "|seg:whitespace|" in plain.signature()
    assert f"|seg:{describe_segmenter('icu')}|" in cut.signature()
    assert plain.by_language("fertility")["utf8"].to_list() == [None]
    assert cut.by_language("fertility")["utf8"].to_list() == [6.0]
    done = run("compare", "utf8", "-c", str(tmp_path / "c"), "--segmenter", "icu", "-f", "csv", "-m", "fertility")
    assert ",6.0,,," in done.stdout


def test_a_missing_binding_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "icu4py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'tokbench\[icu\]'"):
        describe_segmenter("icu")
    with pytest.raises(tb.TokbenchError, match="no word segmenter is called 'x'"):
        describe_segmenter("x")
