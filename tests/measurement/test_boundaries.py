"""Where tokens end: against a plain loop over texts, and numbers worked out by hand."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from tokbench.measurement.boundaries import (
    COLUMNS,
    F1_UNIT,
    FAMILIES,
    count_boundaries,
)
from tokbench.measurement.boundary_texts import BoundaryTexts
from tokbench.measurement.operators import COMPOUNDS, SINGLES
from tokbench.measurement.token_ends import TokenEnds
from tokbench.measurement.words import LanguageTexts

SIGNS = "aé漢😀👨‍👩‍👧é한ᄒ\u0915\u094d\u0937\u093f🇩🇪\u0600 1234+-=!>\r\n\t"


def read(texts: Sequence[str]) -> BoundaryTexts:
    return LanguageTexts.read(texts, spaced=True).boundaries


def count(texts: Sequence[str], cuts: Sequence[Sequence[int]]) -> dict[str, list[int]]:
    """Count in texts whose tokens end at `cuts` and at the end of the text."""
    known = read(texts)
    positions = [start + cut for start, own in zip(known.starts.tolist(), cuts, strict=True) for cut in own]
    positions += (known.starts + known.sizes).tolist()
    ends = TokenEnds.start(known.starts, len(known.content))
    ends.at[positions] = True
    return {name: [] if values is None else values.tolist() for name, values in count_boundaries(known, ends).items()}


def loop(text: str, cuts: Sequence[int]) -> dict[str, int]:
    """The same for one text, one piece after the other."""
    ends = {*cuts, len(text.encode())}
    found = Counter({name: 0 for name in COLUMNS if name not in FAMILIES["tokens"]})
    places = [0, *accumulate(len(c.encode()) for c in text)]
    loop_characters(text, places, ends, found)
    loop_words(text, places, ends, found)
    loop_numbers(text.encode(), ends, found)
    loop_operators(text.encode(), ends, found)
    return dict(found)


def splits(ends: set[int], start: int, end: int) -> bool:
    return any(start < cut < end for cut in ends)


def loop_characters(text: str, places: Sequence[int], ends: set[int], found: Counter[str]) -> None:
    for place, character in enumerate(text):
        width = len(character.encode())
        if width > 1:
            found[f"characters_{width}"] += 1
            found[f"split_{width}"] += splits(ends, places[place], places[place + 1])
            found["wide_characters"] += 1
            found["wide_split"] += splits(ends, places[place], places[place + 1])
    for match in regex.finditer(r"\X", text):
        cut = splits(ends, places[match.start()], places[match.end()])
        found["graphemes"] += 1
        found["graphemes_split"] += cut
        if match.end() - match.start() > 1:
            found["clusters"] += 1
            found["clusters_split"] += cut


def loop_words(text: str, places: Sequence[int], ends: set[int], found: Counter[str]) -> None:
    words = [(places[m.start()], places[m.end()]) for m in re.finditer(r"\S+", text)]
    for _, end in words:
        if end < len(text.encode()):
            found["word_ends"] += 1
            found["word_ends_inside"] += end not in ends
    for start, end in pairwise(sorted({0, *ends})):
        found["tokens_over_words"] += sum(a < end and b > start for a, b in words) > 1


def loop_numbers(content: bytes, ends: set[int], found: Counter[str]) -> None:
    for number in re.finditer(rb"[0-9]+", content):
        start, end = number.span()
        own = {cut for cut in ends if start < cut < end}
        ideal = set(range(end - 3, start, -3))
        score = Fraction(1) if not own | ideal else Fraction(2 * len(own & ideal), len(own) + len(ideal))
        found["numbers"] += 1
        found["digits"] += end - start
        found["number_f1"] += int(score * F1_UNIT)
        found["number_tokens"] += len(own) + 1
        if 2 <= end - start <= 4:
            found[f"digits_{end - start}_{sum(1 << (cut - start - 1) for cut in own)}"] += 1


def loop_operators(content: bytes, ends: set[int], found: Counter[str]) -> None:
    tokens = list(pairwise(sorted({0, *ends})))
    for operator in re.finditer("|".join(map(re.escape, [*COMPOUNDS, *SINGLES])).encode(), content):
        start, end = operator.span()
        found["operators"] += 1
        found["operators_isolated"] += any(
            a <= start and b == end and not content[a:start].strip(b" \t") for a, b in tokens
        )
        if end - start > 1:
            found["compounds"] += 1
            found["compounds_kept"] += not splits(ends, start, end)


@st.composite
def cut_texts(draw: st.DrawFn) -> tuple[list[str], list[list[int]]]:
    texts = draw(
        st.lists(st.text(st.sampled_from(SIGNS) | st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=4)
    )
    return texts, [
        draw(st.lists(st.integers(1, max(1, len(text.encode()) - 1)), max_size=6)) if len(text) > 1 else []
        for text in texts
    ]


@given(cut_texts())
def test_boundaries_are_those_of_a_plain_loop(given_texts: tuple[list[str], list[list[int]]]) -> None:
    texts, cuts = given_texts
    found = count(texts, cuts)
    for i, (text, own) in enumerate(zip(texts, cuts, strict=True)):
        assert {name: values[i] for name, values in found.items()} == loop(text, own), text


def test_pieces_by_hand() -> None:
    # de|nk in 2,|345|,67 ~ and a flag of two code points cut in the middle
    found = count(["denk 2345 !=x", "🇩🇪 é"], [[2, 5, 6, 10, 11], [4, 8, 9]])
    assert {name: found[name] for name in ("word_ends", "word_ends_inside", "tokens_over_words")} == {
        "word_ends": [2, 1],  # "x" and "é" end their texts
        "word_ends_inside": [2, 0],  # "denk " and "345 " are one token each
        "tokens_over_words": [0, 0],
    }
    assert (found["numbers"], found["digits"], found["number_tokens"]) == ([1, 0], [4, 0], [2, 0])
    assert found["number_f1"] == [F1_UNIT, 0]  # 2|345 is cut where it should be
    assert (found["operators"], found["operators_isolated"]) == ([1, 0], [0, 0])
    assert (found["compounds"], found["compounds_kept"]) == ([1, 0], [0, 0])  # !|=
    assert (found["graphemes"], found["clusters"], found["clusters_split"]) == ([13, 3], [0, 1], [0, 1])
    assert (found["characters_2"], found["characters_4"], found["split_4"]) == ([0, 1], [0, 2], [0, 0])


@pytest.mark.parametrize("token", [1, 100])
def test_bytes_cut_everything_and_whole_texts_nothing(token: int) -> None:
    text = "नमस्ते 漢字 12345 a += b"
    size = len(text.encode())
    found = count([text], [list(range(token, size, token))])
    if token == 1:
        assert found["graphemes_split"] == [len([c for c in regex.findall(r"\X", text) if len(c.encode()) > 1])]
        assert (found["split_3"], found["word_ends_inside"]) == (found["characters_3"], [0])
    else:
        assert (found["graphemes_split"], found["split_3"], found["tokens_over_words"]) == ([0], [0], [1])
        assert found["word_ends_inside"] == found["word_ends"]
