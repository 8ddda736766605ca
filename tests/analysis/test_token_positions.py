"""Where tokens lie in a text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import made
from helpers.commands import run
from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.analysis.token_positions import find_positions

UTF8 = load_tokenizer("utf8")


@pytest.fixture(scope="module")
def byte_level(tmp_path_factory: pytest.TempPathFactory) -> Tokenizer:
    return load_tokenizer(made.make_tokenizer_json(tmp_path_factory.mktemp("json")))


def test_bytes_of_a_character_all_touch_it() -> None:
    found = find_positions(UTF8, "hé!", UTF8.encode("hé!"))
    assert found == [(0, 1, 0, 1), (1, 2, 1, 2), (2, 3, 1, 2), (3, 4, 2, 3)]
    assert find_positions(UTF8, "", []) == []


def test_tokens_over_parts_of_two_characters_touch_both(tmp_path: Path) -> None:
    """Of the made ranks, e4 bd is a token, and so is e4 bd a0 (U+4F60)."""
    ranks = load_tokenizer(f"{made.make_ranks(tmp_path)}#cl100k_base")
    text = "the 你佀"
    found = find_positions(ranks, text, ranks.encode(text))
    assert found == [(0, 3, 0, 3), (3, 4, 3, 4), (4, 7, 4, 5), (7, 9, 5, 6), (9, 10, 5, 6)]


@given(st.text(st.characters(codec="utf-8"), max_size=20))
def test_places_cover_the_text_without_gaps(text: str) -> None:
    found = find_positions(UTF8, text, UTF8.encode(text))
    assert found is not None
    assert [place.byte_start for place in found] == list(range(len(text.encode())))
    for place in found:
        inside = text[place.char_start : place.char_end]
        assert len(text[: place.char_start].encode()) <= place.byte_start
        assert place.byte_end <= len(text[: place.char_start].encode()) + len(inside.encode())
        assert len(inside) == 1


def test_a_normalised_text_has_the_places_of_the_engine(byte_level: Tokenizer) -> None:
    """NFC joins e and U+0301: its bytes are not those of the text."""
    text = "e\u0301 the"
    ids = byte_level.encode(text)
    found = find_positions(byte_level, text, ids)
    assert found is not None
    assert (found[0].byte_start, found[0].char_start) == (0, 0)
    assert (found[-1].byte_end, found[-1].char_end) == (7, 6)
    assert find_positions(byte_level, text, [*ids, 0]) is None


def test_the_dummy_prefix_covers_nothing(tmp_path: Path) -> None:
    pieces = load_tokenizer(made.make_sentencepiece(tmp_path))
    text = "好 the"
    ids = pieces.encode(text)
    found = find_positions(pieces, text, ids)
    assert found is not None
    assert pieces.tokens(text)[0] == " "
    assert found[0] == (0, 0, 0, 0)
    assert found[-1].byte_end == 7


def test_json_has_places_of_special_tokens_too(tmp_path: Path) -> None:
    path = str(made.make_tokenizer_json(tmp_path))
    (document,) = json.loads(run("encode", path, "a<|endoftext|>é", "--special", "--json").stdout)
    keys = ("byte_start", "byte_end", "char_start", "char_end")
    places = [tuple(token[key] for key in keys) for token in document["tokens"]]
    assert places[:2] == [(0, 1, 0, 1), (1, 14, 1, 14)]
    assert places[-1][1::2] == (16, 15)
    (document,) = json.loads(run("encode", path, "e\u0301<|endoftext|>", "--special", "--json").stdout)
    assert all(token[key] is None for token in document["tokens"] for key in keys)
