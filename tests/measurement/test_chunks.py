"""How a corpus is cut: stripes of all languages, parts of one, each segment once."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokbench.corpora import ParallelCorpus, TextGroups
from tokbench.measurement import chunks
from tokbench.measurement.chunks import Part, cut_stripes


def make_corpus(languages: int, segments: int, size: int) -> ParallelCorpus:
    """A corpus of equal texts of some bytes."""
    return ParallelCorpus.from_texts({f"l{i:02}": ["x" * size] * segments for i in range(languages)})


@given(
    languages=st.integers(1, 3),
    segments=st.integers(1, 40),
    whole=st.integers(1, 4000),
    stripe=st.integers(1, 2000),
    part=st.integers(1, 500),
    threads=st.integers(1, 4),
)
def test_every_text_is_in_one_part_of_one_stripe(
    languages: int, segments: int, whole: int, stripe: int, part: int, threads: int
) -> None:
    corpus = make_corpus(languages, segments, 10)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("WHOLE", whole), ("STRIPE", stripe), ("LANGUAGE", stripe // 2), ("PART", part)):
            patch.setattr(chunks, f"{name}_BYTES", value)
        patch.setattr(chunks, "_SMALLEST", part)
        stripes = list(cut_stripes(corpus, threads))
    seen = [
        (one.lang, i) for stripe in stripes for one in stripe.parts for i in range(one.start, one.start + one.length)
    ]
    assert sorted(seen) == [(lang, i) for lang in corpus.languages for i in range(corpus.n)]
    starts = [(stripe.start, stripe.start + stripe.length) for stripe in stripes]
    assert [start for start, _ in starts] == [0, *(end for _, end in starts[:-1])]
    assert starts[-1][1] == corpus.n
    for one in stripes:
        inside = [
            part for part in one.parts if one.start <= part.start < part.start + part.length <= one.start + one.length
        ]
        assert inside == list(one.parts)
    lengths = [stripe.length for stripe in stripes]
    assert max(lengths) - min(lengths) <= 1


def test_the_sizes_of_stripes_and_parts_by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """100 segments of 10 bytes in 2 languages: 2,000 bytes."""
    corpus = make_corpus(2, 100, 10)
    monkeypatch.setattr(chunks, "WHOLE_BYTES", 2000)
    monkeypatch.setattr(chunks, "STRIPE_BYTES", 400)
    monkeypatch.setattr(chunks, "LANGUAGE_BYTES", 100)
    monkeypatch.setattr(chunks, "PART_BYTES", 500)
    monkeypatch.setattr(chunks, "_SMALLEST", 250)
    (whole,) = cut_stripes(corpus, threads=1)  # at most 16 MB are one stripe
    assert (whole.start, whole.length) == (0, 100)
    # 1,000 bytes a language: two parts of at most 500, as four parts a thread over two languages; 250 bytes at least.
    assert whole.parts == (Part("l00", 0, 50), Part("l00", 50, 50), Part("l01", 0, 50), Part("l01", 50, 50))
    (threaded,) = cut_stripes(corpus, threads=8)  # 16 parts a language are wanted, and 4 are large enough
    assert [part.length for part in threaded.parts] == [25] * 8
    monkeypatch.setattr(chunks, "WHOLE_BYTES", 1999)
    assert [stripe.length for stripe in cut_stripes(corpus, threads=1)] == [20] * 5
    monkeypatch.setattr(chunks, "LANGUAGE_BYTES", 500)  # many languages: stripes grow
    assert [stripe.length for stripe in cut_stripes(corpus, threads=1)] == [50] * 2


def test_a_part_reads_its_texts() -> None:
    corpus = ParallelCorpus.from_texts({"en": ["a", "b", "c", "d"], "de": ["e", "f", "g", "h"]})
    assert Part("de", 1, 2).read(corpus).texts == ["f", "g"]
    assert isinstance(corpus.columns["de"], pl.Series) or Part("en", 0, 1).read(corpus).texts == ["a"]


def test_a_corpus_is_measured_in_one_piece_up_to_16_megabytes() -> None:
    """Sizes in bytes, which memory depends on: some thirty times a part, ten times a stripe."""
    assert (chunks.WHOLE_BYTES, chunks.STRIPE_BYTES, chunks.PART_BYTES) == (16_000_000, 12_000_000, 2_000_000)


def test_more_groups_than_stripes_are_worth_are_one_stripe() -> None:
    corpus = TextGroups.from_texts({f"g{i:03}": ["x" * 25_000] for i in range(700)})
    (stripe,) = cut_stripes(corpus, 2)
    assert {part.lang for part in stripe.parts} == set(corpus.languages)
