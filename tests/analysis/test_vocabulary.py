"""What a vocabulary holds: numbers worked out by hand, and those of real tokenizers."""

from __future__ import annotations

import base64
import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import made
from helpers.commands import refuse, run
from helpers.data import needs_data
from tokbench.adapters import TokenTable, load_tokenizer
from tokbench.analysis.vocabulary import (
    Reach,
    TokenClass,
    character_sets,
    find_script,
    inspect_vocabulary,
    script_of,
)
from tokbench.analysis.vocabulary._classes import classify_text, trim
from tokbench.analysis.vocabulary._coverage import measure_coverage, read_kanji
from tokbench.analysis.vocabulary._reachability import classify_reach, count_unreachable_alone, occurs_in_utf8
from tokbench.analysis.vocabulary._scripts import load_properties
from tokbench.corpora import load_corpus
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.pythia.model.models import find_model


@pytest.mark.parametrize(
    ("text", "starts", "kind"),
    [
        ("    ", True, "whitespace ladder"),
        ("\n", True, "whitespace ladder"),
        ("\n\t\t", True, "indentation"),
        (" the", True, "whole word"),
        (" th", True, "word start"),
        ("the", False, "continuation"),
        ("\u0301", False, "continuation"),
        (" 42", True, "digits"),
        ("½", False, "digits"),
        (" (", True, "punctuation"),
        ("🙂", False, "punctuation"),
        ("\x00", False, "control"),
        ("\u200d", False, "control"),
    ],
)
def test_each_kind_of_text_has_its_class(text: str, starts: bool, kind: str) -> None:
    assert classify_text(text, starts_word=starts, words={"the"}) == kind


def test_words_are_taken_without_what_stands_around_them() -> None:
    assert trim("“don't!”") == "don't"


@pytest.mark.parametrize(
    ("text", "script"),
    [("a", "Latin"), (" я!", "Cyrillic"), ("漢字", "Han"), ("漢かな", "mixed"), ("1 +", "Common"), ("ߊ", "Nko")],
)
def test_scripts_are_the_unicode_property(text: str, script: str) -> None:
    assert script_of(text) == script


def test_scripts_are_found_by_name_or_code_whatever_the_case() -> None:
    assert find_script("hani") == find_script("HAN") == "Han"
    assert find_script("canadian_aboriginal") == "Canadian Aboriginal"
    with pytest.raises(TokbenchError, match=r"did you mean 'Cyrillic'"):
        find_script("cyrilic")


def test_without_the_library_of_scripts_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fontTools", None)
    with pytest.raises(MissingExtraError, match=r"tokbench\[unicode\]"):
        load_properties()


def test_without_the_lists_of_kanji_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kanji_lists", None)
    with pytest.raises(MissingExtraError, match=r"kanji-lists.*tokbench\[unicode\]"):
        read_kanji()


def test_character_sets_have_their_published_sizes() -> None:
    sizes = {name: len(characters) for name, characters in character_sets().items()}
    assert sizes["GB 2312 level 1"] == 3755
    assert sizes["GB 2312 level 2"] == 3008
    assert sizes["JIS X 0208 level 1"] == 2965
    assert sizes["JIS X 0208 level 2"] == 3390
    assert sizes["KS X 1001 syllables"] == 2350
    assert sizes["Joyo kanji"] == 2136
    assert sizes["Kyoiku kanji"] == 1026
    assert sizes["Hangul Syllables"] == 11172
    assert sizes["Basic Latin"] == 52
    assert "Arrows" not in sizes


def test_coverage_counts_characters_bare_or_behind_a_space() -> None:
    rows = {row["set"]: row for row in measure_coverage({b"a", b" b", b"ab", b"  c", "啊".encode()}).to_dicts()}
    assert rows["Basic Latin"]["covered"] == 2
    assert rows["Basic Latin"]["share"] == 2 / 52
    assert rows["GB 2312 level 1"]["covered"] == 1


def test_one_and_two_bytes_occur_in_utf8_exactly_where_they_do() -> None:
    encoded = [chr(c).encode() for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    firsts, lasts = {data[:1] for data in encoded}, {data[-1:] for data in encoded}
    pairs = {data[i : i + 2] for data in encoded for i in range(len(data) - 1)}
    pairs |= {last + first for last in lasts for first in firsts}
    singles = {byte for pair in pairs for byte in (pair[:1], pair[1:])}
    for a in range(256):
        assert occurs_in_utf8(bytes([a])) == (bytes([a]) in singles)
        for b in range(256):
            assert occurs_in_utf8(bytes([a, b])) == (bytes([a, b]) in pairs)


@given(st.text(), st.integers(0), st.integers(0))
def test_every_part_of_a_text_occurs_in_utf8(text: str, start: int, end: int) -> None:
    assert occurs_in_utf8(text.encode()[start:end])


def test_bytes_are_a_vocabulary_of_known_parts() -> None:
    found = inspect_vocabulary(load_tokenizer("utf8"), load_corpus(languages=["en"]))
    assert found.count(reach=[Reach.REACHABLE]) == 128
    assert found.count(reach=[Reach.UNDECODABLE]) == 115
    assert found.count(reach=[Reach.IMPOSSIBLE]) == 13
    assert found.count(token_class=TokenClass.PARTIAL) == 128
    assert found.count(token_class=TokenClass.DIGITS) == 10
    assert found.ladder(" ") == [1]
    assert found.duplicates().height == 0
    assert found.count_by("script").rows() == [("Common", 76), ("Latin", 52)]


@pytest.mark.parametrize("name", made.MAKERS)
def test_every_id_has_one_class_whatever_the_format(name: str, tmp_path: Path) -> None:
    path = made.MAKERS[name](tmp_path)
    tokenizer = load_tokenizer(f"{path}#cl100k_base" if name == "tiktoken" else str(path))
    found = inspect_vocabulary(tokenizer, load_corpus(languages=["en"]))
    tokens = found.tokens
    assert tokens.height == tokenizer.vocab_total
    assert tokens["class"].null_count() == 0
    assert sum(found.count_by("class")["tokens"]) == tokenizer.vocab_total
    for number in tokenizer.special_tokens():
        assert tokens["class"][number] == "special"
        assert tokens["reach"][number] is None


def test_an_added_run_of_spaces_hides_the_same_run_in_the_model(tmp_path: Path) -> None:
    """The made tokenizer has no token of four spaces in its model: as an added one it is reached."""
    tokenizer = load_tokenizer(str(made.make_tokenizer_json(tmp_path)))
    table = tokenizer.token_table()
    added = next(i for i in range(len(table)) if table[i] == b"    " and i >= tokenizer.vocab_base)
    reach = classify_reach(tokenizer)
    assert reach[added] is Reach.REACHABLE
    others = [i for i in range(len(table)) if table[i] == b"    " and i != added]
    assert all(reach[i] is Reach.SINGLE for i in others)


def test_the_longest_tokens_come_first(tmp_path: Path) -> None:
    found = inspect_vocabulary(load_tokenizer(str(made.make_rwkv(tmp_path))), load_corpus(languages=["en"]))
    assert found.longest(2).select("bytes", "length").rows() == [("你好".encode(), 6), (b" the", 4)]


def test_the_command_writes_every_figure_and_nothing_a_terminal_acts_on(tmp_path: Path) -> None:
    path = str(made.make_rwkv(tmp_path))
    document = json.loads(run("vocab", path, "--json").stdout)
    assert document["sizes"] == {"base": 263, "total": 264, "highest_id": 263, "rows": None}
    assert document["reach"] == {"reachable": 134, "undecodable": 116, "impossible": 13}
    assert document["unreachable_without_context"] == 0  # RWKV has no rules beside the longest match
    assert sum(document["classes"].values()) == 264
    assert document["dead_rows"]["unused"] == 1
    assert document["dead_rows"]["padding"] == 384 - 264
    assert document["dead_rows"]["parameters"] == 2 * 512 * (13 + 1 + 120)
    assert document["numbers"] == {"1": 10}
    assert document["indentations"] == {"space": [], "tab": []}
    shown = run("vocab", path, "--top", "300").stdout
    assert "\nnumbers by digits: 10 of 10 of 1\n" in shown
    assert "\nspace ladder: 1\n" in shown
    assert "\nJoyo kanji " in shown
    assert "\x1b" not in shown
    assert '"\\x1b"' in shown
    assert "impossible" in shown
    refuse("vocab", path, "--model", "pythia-3b", says="no model is called")


def test_word_pieces_continue_where_they_are_marked(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(made.make_wordpiece(tmp_path)))
    pieces = (tmp_path / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]
    tokens = inspect_vocabulary(tokenizer, load_corpus(languages=["en"])).tokens
    assert tokens["class"][pieces.index("##e")] == "continuation"
    assert tokens["class"][pieces.index("the")] == "whole word"
    assert tokens["reach"][pieces.index("the")] == "reachable"
    assert tokens["class"][pieces.index("[UNK]")] == "special"


def test_a_token_of_no_bytes_is_unused_and_not_unreachable_too() -> None:
    table = TokenTable.from_tokens([b"a", b"", None])
    tokenizer = load_tokenizer("utf8")
    tokenizer.token_table = lambda: table  # type: ignore[method-assign]
    assert classify_reach(tokenizer) == {0: Reach.SINGLE}


def test_the_holes_of_a_sparse_numbering_are_unused(tmp_path: Path) -> None:
    """One high id makes sixteen million holes: they are counted, and nothing walks over them in Python."""
    path, high = made.make_ranks(tmp_path), 2**24 - 2
    path.write_bytes(path.read_bytes() + f"{base64.b64encode(b' high').decode()} {high}\n".encode())
    found = inspect_vocabulary(load_tokenizer(f"{path}#cl100k_base"), load_corpus(languages=["en"]))
    assert found.sizes.highest_id == high
    assert found.tokens.height == high + 1
    assert found.tokens.row(high, named=True)["bytes"] == b" high"
    used = found.tokens["bytes"].count()
    assert found.count(token_class=TokenClass.UNUSED) == found.tokens.height - used


@needs_data
def test_gpt_neox_has_the_published_unreachable_tokens() -> None:
    found = inspect_vocabulary(load_tokenizer("gpt-neox-20b"), load_corpus(languages=["en"]))
    sizes = found.sizes
    assert (sizes.base, sizes.total, sizes.highest_id, sizes.rows) == (50254, 50277, 50276, 50304)
    assert found.unreachable(Reach.SINGLE).height == 23
    assert found.unreachable(Reach.MULTI).height == 198
    assert found.unreachable(Reach.UNDECODABLE).height == 484
    assert found.count(token_class=TokenClass.SPECIAL) == 2
    assert found.duplicates().height == 23
    assert found.ladder(" ")[:24] == list(range(1, 25))
    assert found.indentations(" ")[:16] == list(range(1, 17))
    assert found.numbers()[1] == 10
    assert found.numbers()[2] == 100
    cost = found.dead_rows(find_model("pythia-70m"))
    assert (cost.rows, cost.padding, cost.dead) == (50304, 27, 248)
    assert cost.parameters == 248 * 2 * 512


def test_without_context_each_token_has_to_be_its_own_text(tmp_path: Path) -> None:
    """One by one, by the engine itself; in context, none of these is missing."""
    for name in ("mpt.json", "ranks"):
        path = (
            str(made.make_tokenizer_json(tmp_path))
            if name == "mpt.json"
            else f"{made.make_ranks(tmp_path)}#cl100k_base"
        )
        tokenizer = load_tokenizer(path)
        table = tokenizer.token_table()
        texts = {number: content.decode() for number, content in table.items() if content and not table.partial[number]}
        own = [number for number, text in texts.items() if tokenizer.encode_batch([text])[0].tolist() == [number]]
        assert count_unreachable_alone(tokenizer) == len(texts) - len(own)


@needs_data
def test_llama_reaches_no_byte_that_is_a_character_of_its_own() -> None:
    tokenizer = load_tokenizer("llama")
    reach = classify_reach(tokenizer)
    hidden = {tokenizer.token_bytes(i) for i, kind in reach.items() if kind is Reach.SINGLE}
    assert hidden == {bytes([b]) for b in range(0x21, 0x7F)} | {b"\r"}
    assert sum(kind is Reach.IMPOSSIBLE for kind in reach.values()) == 13


@needs_data
def test_rwkv_wastes_no_token_but_bytes_that_utf8_never_holds() -> None:
    reach = classify_reach(load_tokenizer("rwkv-world"))
    assert not {Reach.SINGLE, Reach.MULTI} & set(reach.values())
