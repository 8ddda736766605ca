"""Measuring groups of texts: stripes, parts, interruption."""

from __future__ import annotations

from pathlib import Path

import pytest

import tokbench as tb
from tokbench.corpora import TextGroups, join_corpora, load_corpus
from tokbench.measurement import Interrupted, chunks
from tokbench.measurement._measure import each_once


def make_groups() -> TextGroups:
    return TextGroups.from_texts({"short": ["ab", "cd"], "long": [f"text {i}" for i in range(50)]})


def test_stripes_hold_the_same_share_of_each_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "WHOLE_BYTES", 100)
    monkeypatch.setattr(chunks, "STRIPE_BYTES", 100)
    monkeypatch.setattr(chunks, "LANGUAGE_BYTES", 1)
    stripes = list(chunks.cut_stripes(make_groups(), threads=1))
    assert len(stripes) == 3  # of 344 bytes
    parts = {label: [p for s in stripes for p in s.parts if p.lang == label] for label in ("short", "long")}
    assert [(p.start, p.length) for p in parts["long"]] == [(0, 16), (16, 17), (33, 17)]
    assert [(p.start, p.length) for p in parts["short"]] == [(0, 1), (1, 1)]
    assert [s.length for s in stripes] == [16, 18, 18]


def test_measuring_in_stripes_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    utf8, groups = tb.load_tokenizer("utf8"), make_groups()
    whole = tb.measure([utf8], groups)
    monkeypatch.setattr(chunks, "WHOLE_BYTES", 100)
    monkeypatch.setattr(chunks, "STRIPE_BYTES", 100)
    monkeypatch.setattr(chunks, "LANGUAGE_BYTES", 1)
    cut = tb.measure([utf8], groups)
    assert cut.counts.equals(whole.counts)
    assert cut.ids.equals(whole.ids)
    assert whole.counts.filter(lang="short").select("segment", "tokens").rows() == [(0, 2), (1, 2)]
    assert whole.texts.filter(lang="long")["segment"].to_list() == list(range(2, 52))


def test_counts_of_a_group_are_those_of_its_corpus(tmp_path: Path) -> None:
    english = load_corpus("tokbench14", languages=["en"], segments=20)
    joined = join_corpora([make_groups(), english])
    measured = tb.measure([tb.load_tokenizer("utf8")], joined)
    alone = tb.measure([tb.load_tokenizer("utf8")], english)
    columns = ["tokens", "loss", "continued_words"]
    assert measured.counts.filter(lang="en").select(columns).equals(alone.counts.select(columns))
    assert measured.documents.height == joined.n
    measured.save(tmp_path)
    assert tb.Measurements.load(tmp_path).counts.equals(measured.counts)


def test_an_interruption_keeps_the_first_segments_of_each_group(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "WHOLE_BYTES", 100)
    monkeypatch.setattr(chunks, "STRIPE_BYTES", 100)
    monkeypatch.setattr(chunks, "LANGUAGE_BYTES", 1)
    groups, rounds = make_groups(), []

    class Stopping(list[tb.Tokenizer]):
        def __iter__(self):  # type: ignore[no-untyped-def]
            rounds.append(None)
            if len(rounds) == 3:  # of three stripes
                raise KeyboardInterrupt
            return each_once(list.__iter__(self))

    with pytest.raises(Interrupted) as caught:
        tb.measure(Stopping([tb.load_tokenizer("utf8")]), groups)
    assert caught.value.lengths == {"long": 33, "short": 1}
    first = groups.shorten(caught.value.lengths)
    assert caught.value.measurements is not None
    assert caught.value.measurements.counts.equals(tb.measure([tb.load_tokenizer("utf8")], first).counts)
