"""Counts worked out by hand, and what makes them mergeable."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import FrozenInstanceError, replace
from functools import reduce
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers.corpora import cut_out, equal, write_corpus
from helpers.frozen_dataclasses import check_dataclasses
from helpers.made import make_sentencepiece, make_tokenizer_json, make_wordpiece
from tokbench import TokbenchError, load_tokenizer
from tokbench._shared.threads import cores_are_lent
from tokbench.adapters import EncodedBatch, TokenTable
from tokbench.catalog.sources import Asset
from tokbench.corpora import ParallelCorpus
from tokbench.errors import EngineError
from tokbench.measurement import Measurements, _builder, _measure, _measurements, chunks, measure, shards, units, words
from tokbench.measurement._measure import Interrupted
from tokbench.measurement.counting import locate_failure
from tokbench.measurement.recorded import RecordedTokenizer
from tokbench.measurement.round_trip import Loss, classify_loss
from tokbench.measurement.words import LETTERS_FROM, LanguageTexts, has_words, is_unspaced


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
    read = LanguageTexts.read(texts, spaced=True)
    joined = "\n".join([*texts, ""])
    spans = zip(read.word_chars.starts, read.word_chars.ends, strict=True)
    assert [joined[start:end] for start, end in spans] == [word for text in texts for word in text.split()]
    encoded = joined.encode()
    spans = zip(read.word_bytes.starts, read.word_bytes.ends, strict=True)
    assert [encoded[start:end].decode() for start, end in spans] == joined.split()


def test_words_have_their_bytes_at_the_edges_of_utf8() -> None:
    """The first and the last character of each length: 1 byte to U+007F, 2 to U+07FF, 3 to U+FFFF, 4 above."""
    edges = "\x7f\x80\u07ff\u0800\uffff\U00010000\U0010ffff"
    read = LanguageTexts.read([f"{edges} x", f"x {edges}"], spaced=True)
    sizes = (read.word_bytes.ends - read.word_bytes.starts).tolist()
    assert sizes == [1 + 2 + 2 + 3 + 3 + 4 + 4, 1, 1, 19]
    assert read.word_bytes.starts.tolist() == [0, 20, 22, 24]
    assert read.bytes.tolist() == [21, 21]
    assert read.byte_starts.tolist() == [0, 22]
    assert read.char_starts.tolist() == [0, 10]


def test_every_space_of_unicode_ends_a_word_and_nothing_else_does() -> None:
    spaces = [chr(point) for point in range(0x110000) if chr(point).isspace()]
    assert max(spaces) == "\u3000"
    others = ["\u200b", "\u2060", "\ufeff", "\u3001", "\u2fff", "\u180e"]
    read = LanguageTexts.read([f"a{mark}b" for mark in [*spaces, *others]])
    assert read.words is not None
    assert read.words.tolist() == [2] * len(spaces) + [1] * len(others)


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


def test_half_of_the_letters_decide() -> None:
    assert is_unspaced(["\u4f60\u597d ab"])  # two of four
    assert not is_unspaced(["\u4f60\u597d abc"])
    assert not is_unspaced([])
    assert not is_unspaced(["1, 2"])
    assert not is_unspaced(["\u3007\u3007"])  # numbers of the script Han, no letters


def test_scripts_are_judged_by_texts_from_all_over_a_language() -> None:
    """A long column is sampled evenly: Latin lines at its start do not make a Chinese corpus one with words."""
    few = pl.Series(["ab"] * 2 + ["\u4f60"] * 3)
    assert has_words(few, "whitespace")  # 4 letters against 3
    many = pl.Series(["abcd"] * (2 * LETTERS_FROM) + ["\u4f60\u597d\u4f60\u597d"] * (2 * LETTERS_FROM + 8))
    assert not has_words(many, "whitespace")
    assert has_words(many, "icu")
    every_fourth = pl.Series([("\u4f60" if i % 4 else "ab") for i in range(4 * LETTERS_FROM)])
    assert has_words(every_fourth, "whitespace")  # 500 texts, each fourth, are looked at
    assert not has_words(pl.Series(["\u0f56\u0f7c"]), "icu")


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


def test_words_of_composed_text_are_counted_by_bytes_of_the_form(tmp_path: Path) -> None:
    """Tokens that spell NFC: between white space the words of the form are those of the text, and so are the tokens."""
    table = {1: "\u00e9".encode(), 2: b" t", 3: b"x", 4: b" y"}
    texts = ["e\u0301x t", "e\u0301 t", "x y", "x\u0301 y"]
    ids = [[1, 3, 2], [1, 2], [3, 4], [3, 4]]
    recorded = Measurements.from_ids(texts, ids, table, name="composing", lang="en")
    counts = recorded.counts.select("loss", "continued_words").rows()
    # The token of the second text's first word ends where that word ends in the form: within it in the text.
    # The last text has no composed form: its ids are not its bytes, and nothing tells where they lie.
    assert counts == [(Loss.NFC, 1), (Loss.NFC, 0), (Loss.EXACT, 0), (Loss.LOSSY, None)]


def test_words_of_icu_in_composed_text_are_not_counted_in_another_form() -> None:
    pytest.importorskip("icu4py", reason="the extra icu is not installed")
    table = {1: "\u00e9".encode(), 2: b" t", 3: b"x", 4: b" y"}
    texts = ["e\u0301x t", "x y"]
    recorded = Measurements.from_ids(texts, [[1, 3, 2], [3, 4]], table, name="a", lang="en", segmenter="icu")
    assert recorded.counts["continued_words"].to_list() == [None, 0]


def test_a_prefix_is_no_part_of_the_first_word() -> None:
    table = {1: b" ", 2: b" ab", 3: b"ab", 4: b"c", 5: b" c"}
    ids = [[2, 5], [1, 3, 5], [2, 4, 5]]
    recorded = Measurements.from_ids(["ab c", "ab c", "abc c"], ids, table, name="a", lang="en", prefix=b" ")
    assert recorded.counts.select("loss", "continued_words").rows() == [(0, 0), (0, 0), (0, 1)]


def test_no_unknown_token_is_counted_where_there_is_none() -> None:
    table = {0: b"a", 1: b"b"}
    counts = [
        Measurements.from_ids(["ab", "b"], [[0, 1], [1]], table, name="a", lang="en", unk_id=unknown).counts
        for unknown in (None, 0, 7)
    ]
    assert [frame["unk_tokens"].to_list() for frame in counts] == [[0, 0], [1, 0], [0, 0]]
    assert [frame["unk_chars"].to_list() for frame in counts] == [[0, 0], [None, 0], [0, 0]]


def test_measurements_of_named_tokenizers_are_kept(parts: tuple[Measurements, list[Measurements]]) -> None:
    whole, _ = parts
    first, second = whole.tokenizers["tokenizer"].to_list()
    assert whole.keep([first, second, "other"]) is whole
    kept = whole.keep([second])
    assert kept.tokenizers["tokenizer"].to_list() == [second]
    for frame in (kept.counts, kept.ids, kept.vocab):
        assert frame["tokenizer"].unique().to_list() == [second]
    assert kept.texts.equals(whole.texts)
    assert equal(kept.merge(whole.keep([first])), whole)


def test_counts_of_one_id_are_added_in_64_bits(parts: tuple[Measurements, list[Measurements]]) -> None:
    """Four thousand million of one id in a block fit 32 bits; twice as many are an error, not a wrong number."""
    _, pieces = parts
    # Segments 0 and 1 lie in blocks of their own: both histograms are put into one.
    one, other = (replace(piece, ids=piece.ids.with_columns(block=pl.lit(0, pl.UInt8))) for piece in pieces[:2])
    largest = np.iinfo(np.uint32).max
    joined = one.merge(other)
    assert int(joined.ids["count"].sum()) == int(one.ids["count"].sum()) + int(other.ids["count"].sum())
    full = replace(one, ids=one.ids.with_columns(count=pl.lit(largest, pl.UInt32)))
    with pytest.raises(pl.exceptions.InvalidOperationError, match="conversion"):
        full.merge(other)


def test_measured_frames_can_be_told_apart_and_are_not_changed(
    parts: tuple[Measurements, list[Measurements]],
) -> None:
    whole, pieces = parts
    assert whole == whole
    assert len({whole, *pieces, whole}) == 9  # by identity, as frames have no truth
    with pytest.raises(FrozenInstanceError):
        whole.texts = pieces[0].texts  # type: ignore[misc]


def test_measurements_and_their_parts_are_frozen() -> None:
    check_dataclasses(_measurements, {"Measurements"})
    check_dataclasses(_measure, {"_Stripes"})
    check_dataclasses(_builder, {"Places", "Result"})
    check_dataclasses(units, {"UnitsOfCorpus", "UnitsOfLanguage"})
    check_dataclasses(shards, {"ShardResult"})
    check_dataclasses(words, {"LanguageTexts", "WordSpans"})
    check_dataclasses(chunks, set())


class Failing(RecordedTokenizer):
    """One token per byte; its engine gives up on some texts."""

    refused: tuple[str, ...] = ()
    asked: tuple[str, ...] = ()

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        self.asked += tuple(texts)
        for text in texts:
            if text in self.refused:
                raise EngineError(self.name, "encode it", "too long", None, text=text)
        return EncodedBatch.from_lists([list(text.encode()) for text in texts])


def make_failing(name: str, *refused: str) -> Failing:
    table = TokenTable.from_tokens([bytes([i]) for i in range(256)])
    tokenizer = Failing(Asset(name, "ids", (), "0", "ids", None), table, prefix=b"", unk_id=None)
    tokenizer.refused = refused
    return tokenizer


def test_failures_are_located_where_their_text_is_one_of_those() -> None:
    texts = LanguageTexts.read(["a", "b"])
    error = EngineError("x", "encode it", "too long", None, text="b")
    assert "segment 7 of en" in str(locate_failure(error, texts, pl.Series([3, 7]), "en"))
    for other in (EngineError("x", "encode it", "r", None, text="c"), EngineError("x", "decode it", "r", None)):
        assert locate_failure(other, texts, pl.Series([3, 7]), "en") is other


@pytest.mark.parametrize("threads", [1, 3])
def test_a_tokenizer_that_fails_is_left_out_and_its_first_failure_told(threads: int) -> None:
    corpus = ParallelCorpus.from_texts({"en": ["a", "b", "c", "d"], "de": ["e", "f", "g", "h"]})
    tokenizers = [make_failing("good"), make_failing("bad", "c", "f"), make_failing("worse", "a")]
    told: list[EngineError] = []
    steps: list[tuple[str, str, int]] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, size in (("WHOLE", 0), ("STRIPE", 2), ("LANGUAGE", 0), ("PART", 1)):
            patch.setattr(chunks, f"{name}_BYTES", size)
        measured = measure(
            tokenizers, corpus, on_failure=told.append, on_step=lambda *step: steps.append(step), threads=threads
        )
        assert measured.tokenizers["tokenizer"].to_list() == ["good"]
        assert measured.counts["tokens"].to_list() == [1] * 8
        # Of each the failure that comes first in the corpus.
        assert [error.tokenizer for error in told] == ["worse", "bad"]
        assert ["segment 0 of en" in str(told[0]), "segment 1 of de" in str(told[1])] == [True, True]
        assert sum(size for name, _, size in steps if name == "good") == 8
        # What failed on a stripe, here a segment, is given no text of later ones.
        assert set(tokenizers[1].asked) <= set("aebf")
        assert set(tokenizers[2].asked) <= set("ae")
        with pytest.raises(EngineError, match="segment 0 of en"):
            measure([tokenizers[2]], corpus, threads=threads)
        with pytest.raises(EngineError, match="segment 0 of en"):
            measure([tokenizers[2]], corpus, on_failure=told.append, threads=threads)


@pytest.mark.parametrize(("threads", "lent"), [(None, True), (1, False), (2, False)])
def test_engines_use_no_more_threads_than_were_given(threads: int | None, lent: bool) -> None:
    seen: set[bool] = set()

    class Asking(Failing):
        """Notes whether its engine may use threads of its own."""

        def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
            seen.add(cores_are_lent())
            return super().encode_batch(texts)

    table = TokenTable.from_tokens([bytes([i]) for i in range(256)])
    tokenizer = Asking(Asset("asking", "ids", (), "0", "ids", None), table, prefix=b"", unk_id=None)
    measure([tokenizer], ParallelCorpus.from_texts({"en": ["a", "b"]}), threads=threads)
    assert seen == {lent}
    assert not cores_are_lent()


@pytest.mark.parametrize(("stop", "segments"), [(1, 0), (4, 1), (5, 2)])
def test_an_interruption_keeps_whole_segments(stop: int, segments: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stripes of one segment in two languages: the step after the second is the first of the next stripe."""
    corpus = ParallelCorpus.from_texts({"en": ["a", "b", "c"], "de": ["e", "f", "g"]})
    done: list[str] = []

    def interrupt(name: str, lang: str, size: int) -> None:
        done.append(lang)
        if len(done) == stop:
            raise KeyboardInterrupt

    for name, size in (("WHOLE", 0), ("STRIPE", 2), ("LANGUAGE", 0), ("PART", 1)):
        monkeypatch.setattr(chunks, f"{name}_BYTES", size)
    with pytest.raises(Interrupted) as caught:
        measure([make_failing("good")], corpus, on_step=interrupt, threads=1)
    assert caught.value.segments == segments
    found = caught.value.measurements
    assert (0 if found is None else found.counts.height) == 2 * segments
