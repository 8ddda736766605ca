"""Where the extra tokens go: parts that add up to the token."""

from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import made
from helpers.commands import run
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from tokbench.adapters import EncodedBatch, TokenTable, load_tokenizer
from tokbench.analysis import token_attribution
from tokbench.analysis.token_attribution import (
    Explanation,
    Unit,
    explain_difference,
    find_token_spans,
    kind_of,
    share_spans,
    split_units,
)
from tokbench.catalog.sources import Asset
from tokbench.corpora import ParallelCorpus, load_corpus
from tokbench.measurement.recorded import RecordedTokenizer
from tokbench.report._attribution import round_parts


@given(st.text())
def test_units_are_the_whole_text_in_order(text: str) -> None:
    units = split_units(text)
    assert "".join(unit.text for unit in units) == text
    assert [(unit.start, unit.end) for unit in units] == [
        (len("".join(u.text for u in units[:i]).encode()), len("".join(u.text for u in units[: i + 1]).encode()))
        for i in range(len(units))
    ]


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("is 42  km", [("words: Latin", "is"), ("digits", " 42"), ("white space", " "), ("words: Latin", " km")]),
        (
            "你好ab，c",
            [("words: Han", "你好"), ("words: Latin", "ab"), ("punctuation and symbols", "，"), ("words: Latin", "c")],
        ),
        ("e\u0301\u200dx", [("words: Latin", "e\u0301\u200dx")]),
        ("a\n\n b", [("words: Latin", "a"), ("white space", "\n\n"), ("words: Latin", " b")]),
        ("\x07", [("control characters", "\x07")]),
        ("a ", [("words: Latin", "a"), ("white space", " ")]),
        ("", []),
    ],
)
def test_units_worked_out_by_hand(text: str, units: list[tuple[str, str]]) -> None:
    assert [(unit.kind, unit.text) for unit in split_units(text)] == units


def test_a_token_across_two_units_is_shared_by_its_bytes() -> None:
    ab, cd = Unit("w", 0, 2, "ab"), Unit("w", 2, 5, " cd")
    assert list(share_spans([ab, cd], [(0, 4), (4, 5)])) == [(ab, Fraction(1, 2)), (cd, Fraction(1, 2)), (cd, 1)]
    assert list(share_spans([ab, cd], [(0, 5)])) == [(ab, Fraction(2, 5)), (cd, Fraction(3, 5))]


def test_tokens_that_end_where_units_end_touch_no_other() -> None:
    ab, cd, e = Unit("w", 0, 2, "ab"), Unit("w", 2, 5, " cd"), Unit("p", 5, 6, ".")
    assert list(share_spans([ab, cd, e], [(0, 2), (2, 5), (5, 6)])) == [(ab, 1), (cd, 1), (e, 1)]
    assert list(share_spans([ab, cd, e], [(1, 6)])) == [(ab, Fraction(1, 5)), (cd, Fraction(3, 5)), (e, Fraction(1, 5))]
    assert list(share_spans([ab, cd, e], [(1, 2), (1, 2), (4, 6)])) == [
        (ab, 1), (ab, 1), (cd, Fraction(1, 2)), (e, Fraction(1, 2)),
    ]  # fmt: skip
    assert list(share_spans([ab, cd, e], [(0, 1), (5, 6)])) == [(ab, 1), (e, 1)]


@given(st.data(), st.lists(st.integers(1, 4), min_size=1, max_size=6))
def test_shares_are_those_of_each_byte(data: st.DataObject, sizes: list[int]) -> None:
    ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
    units = [Unit("w", end - size, end, "x" * size) for end, size in zip(ends, sizes, strict=True)]
    starts = sorted(data.draw(st.lists(st.integers(0, ends[-1] - 1), max_size=8)))
    spans = [(start, data.draw(st.integers(start + 1, ends[-1]))) for start in starts]
    found: dict[Unit, Fraction | int] = {}
    for unit, share in share_spans(units, spans):
        assert share > 0
        found[unit] = found.get(unit, 0) + share
    expected: dict[Unit, Fraction] = {}
    for start, end in spans:
        for byte in range(start, end):
            unit = next(unit for unit in units if unit.start <= byte < unit.end)
            expected[unit] = expected.get(unit, Fraction(0)) + Fraction(1, end - start)
    assert found == expected


@pytest.mark.parametrize(
    ("character", "kind"),
    [
        ("a", "words: Latin"),
        ("\u02b0", "words: Latin"),  # a modifier letter
        ("\u3007", "digits"),  # the ideographic nought is a number
        ("\u00bd", "digits"),
        ("\u0301", None),
        ("\u0903", None),  # a spacing mark continues its letter
        ("\u200d", None),
        ("\u00a0", "white space"),
        ("\n", "white space"),
        ("\x00", "control characters"),
        ("\ue000", "control characters"),  # private use
        ("+", "punctuation and symbols"),
        ("\U0001f600", "punctuation and symbols"),
    ],
)
def test_kinds_of_characters(character: str, kind: str | None) -> None:
    assert kind_of(character) == kind


def test_marks_at_the_start_and_spaces_between() -> None:
    assert [(unit.kind, unit.text) for unit in split_units("\u0301a")] == [
        ("control characters", "\u0301"), ("words: Latin", "a"),
    ]  # fmt: skip
    assert [unit.text for unit in split_units("a   b\n c\t d")] == ["a", "  ", " b", "\n", " c", "\t", " d"]
    assert [unit.text for unit in split_units("a\nb")] == ["a", "\n", "b"]  # only a space goes to the word after it
    assert [(unit.start, unit.end) for unit in split_units("\u00e9 \u4f60")] == [(0, 2), (2, 6)]


@given(st.lists(st.fractions(0, 50), max_size=8))
def test_rounded_parts_add_up(parts: list[Fraction]) -> None:
    parts = [*parts, -sum(parts, Fraction(0)) % 1]
    rounded = round_parts(parts)
    assert sum(rounded) == 10 * sum(parts)
    assert all(abs(r - 10 * p) < 1 for r, p in zip(rounded, parts, strict=True))


def check_sums(found: Explanation) -> None:
    """Kinds, words and segments each give the tokens of both, exactly."""
    for side, tokens in (("tokens_a", found.tokens_a), ("tokens_b", found.tokens_b)):
        assert sum(getattr(kind, side) for kind in found.kinds) == tokens
        assert sum(getattr(word, side) for word in found.words) == tokens
        assert found.segments[side].sum() == tokens
    assert sum(kind.difference for kind in found.kinds) == found.difference
    assert sum(word.difference for word in found.words) == found.difference
    assert found.segments["difference"].sum() == found.difference


@pytest.fixture
def pair(tmp_path: Path) -> ParallelCorpus:
    (tmp_path / "x.en").write_text("the fox, 42 dogs\nthe  dog\n", encoding="utf-8")
    (tmp_path / "x.zh").write_text("你好，世界\n狐狸\n", encoding="utf-8")
    return load_corpus(tmp_path / "x")


def test_bytes_cost_each_kind_its_bytes(pair: ParallelCorpus) -> None:
    found = explain_difference(load_tokenizer("utf8"), load_tokenizer("byt5"), pair)
    check_sums(found)
    assert found.difference == 0
    assert {kind.name: (kind.count, kind.bytes, kind.tokens_a) for kind in found.kinds} == {
        "words: Latin": (5, 7 + 5 + 3 + 4, 19),
        "words: Han": (3, 18, 18),
        "digits": (1, 3, 3),
        "punctuation and symbols": (2, 1 + 3, 4),
        "white space": (1, 1, 1),
    }


def test_equal_tokens_are_said_to_be_equal(tmp_path: Path) -> None:
    assert "a needs as many tokens as b (" in run("explain-diff", "utf8", "byt5", "-l", "en", "-n", "2").stdout


def test_merges_take_tokens_from_the_words_they_are_in(pair: ParallelCorpus, tmp_path: Path) -> None:
    """Merged are ` the`/`the` (3 for 1, twice: 2 + 2 saved), two spaces (1 saved, shared), 你 (2 saved)."""
    ranks = load_tokenizer(f"{made.make_ranks(tmp_path)}#cl100k_base")
    found = explain_difference(load_tokenizer("utf8"), ranks, pair)
    check_sums(found)
    words = {word.name: word for word in found.words}
    assert words["the"].difference == 4
    assert words["你好"].difference == 2
    assert words["42"].difference == 0


@pytest.mark.parametrize("a", made.MAKERS)
def test_parts_add_up_whatever_the_format(a: str, pair: ParallelCorpus, tmp_path: Path) -> None:
    path = made.MAKERS[a](tmp_path)
    tokenizer = load_tokenizer(f"{path}#cl100k_base" if a == "tiktoken" else str(path))
    found = explain_difference(tokenizer, load_tokenizer("utf8"), pair, ["zh", "en"])
    check_sums(found)
    assert found.tokens_a == sum(int(tokenizer.encode_batch(pair.texts(lang)).offsets[-1]) for lang in ("en", "zh"))
    assert found.segments.height == 4


def test_the_command_gives_exact_fractions_and_a_table_that_adds_up(tmp_path: Path) -> None:
    path = str(made.make_sentencepiece(tmp_path))
    document = json.loads(run("explain-diff", path, "utf8", "-l", "en,zh", "-n", "20", "--json").stdout)
    assert sum(Fraction(kind["difference"]) for kind in document["kinds"]) == document["difference"]
    done = run("explain-diff", "utf8", path, "-l", "en,zh", "-n", "20", "--top", "3")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("kind "))
    table = [line.replace(",", "").split() for line in lines[start + 1 : lines.index("", start)]]
    *kinds, total = [[round(10 * float(field)) for field in row[-3:]] for row in table]
    assert [sum(column) for column in zip(*kinds, strict=True)] == total


@needs_data
@pytest.mark.parametrize(("a", "b"), [("gpt-neox-20b", "qwen2.5"), ("t5", "gpt-neox-20b"), ("chatglm-6b", "llama")])
def test_real_differences_add_up_to_the_token(a: str, b: str) -> None:
    corpus = load_corpus(languages=["zh", "en", "ar", "th"], segments=60)
    found = explain_difference(load_tokenizer(a), load_tokenizer(b), corpus)
    check_sums(found)
    placed = sum(kind.count for kind in found.kinds if kind.name != "not placed")
    assert placed > 1000


def record(tokens: list[bytes], texts: list[str], ids: list[list[int]], prefix: bytes | None = b"") -> list[object]:
    """The spans of ids that are there already, of a tokenizer that knows bytes and no positions."""
    asset = Asset("recorded", "ids", (), "0", "ids", None)
    table = TokenTable.from_tokens([*tokens, None])
    tokenizer = RecordedTokenizer(asset, table, prefix=prefix or b"", unk_id=None)
    tokenizer.prefix = prefix
    return list(find_token_spans(tokenizer, texts, EncodedBatch.from_lists(ids)))


def test_tokens_are_placed_by_their_bytes() -> None:
    tokens = [b"ab", " \u00e9".encode(), b"\xe4\xbd", b"\xa0", b" "]
    texts = ["ab \u00e9", "\u4f60ab"]
    assert record(tokens, texts, [[0, 1], [2, 3, 0]]) == [[(0, 2), (2, 5)], [(0, 2), (2, 3), (3, 5)]]
    # Not the bytes of the text; an id without bytes; a prefix that nobody knows: not placed.
    assert record(tokens, ["ab", "ab", "ab"], [[0, 0], [0, 5], [0]]) == [None, None, [(0, 2)]]
    assert record(tokens, ["ab"], [[0]], prefix=None) == [None]


def test_a_prefix_that_is_a_token_is_placed_on_the_first_byte() -> None:
    tokens = [b"ab", b" ", b" ab", b"c"]
    assert record(tokens, ["ab", "ab", "abc"], [[1, 0], [2], [2, 3]], prefix=b" ") == [
        [(0, 1), (0, 2)], [(0, 2)], [(0, 2), (2, 3)],
    ]  # fmt: skip


def test_what_is_not_placed_counts_whole_and_apart() -> None:
    """A tokenizer that lower-cases and tells no positions: its tokens and those of the other are one kind."""
    corpus = ParallelCorpus.from_texts({"en": ["Ab c", "ab c"], "de": ["c", "C"]})
    texts = [*corpus.texts("en"), *corpus.texts("de")]

    class Lower(RecordedTokenizer):
        """Bytes of lower-case text."""

        def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
            return EncodedBatch.from_lists([list(text.lower().encode()) for text in texts])

    asset = Asset("lower", "ids", (), "0", "ids", None)
    lower = Lower(asset, TokenTable.from_tokens([bytes([i]) for i in range(128)]), prefix=b"", unk_id=None)
    found = explain_difference(load_tokenizer("utf8"), lower, corpus)
    check_sums(found)
    kinds = {kind.name: (kind.count, kind.bytes, kind.tokens_a, kind.tokens_b) for kind in found.kinds}
    assert kinds == {"words: Latin": (3, 5, 5, 5), "not placed": (2, 5, 5, 5)}
    words = {word.name: (word.count, word.bytes) for word in found.words}
    assert words == {"ab": (1, 2), "c": (2, 3), "not placed": (2, 5)}
    assert found.tokens_a == len("".join(texts))


def test_costliest_first_and_ties_by_name() -> None:
    corpus = ParallelCorpus.from_texts({"en": ["b a", "cc"], "de": ["cc", "a b"]})

    class Halves(RecordedTokenizer):
        """One token per character, `cc` whole."""

        def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
            return EncodedBatch.from_lists([[128] if text == "cc" else list(text.encode()) for text in texts])

    asset = Asset("halves", "ids", (), "0", "ids", None)
    table = TokenTable.from_tokens([*(bytes([i]) for i in range(128)), b"cc"])
    halves = Halves(asset, table, prefix=b"", unk_id=None)
    found = explain_difference(load_tokenizer("utf8"), halves, corpus, ["en", "de"])
    assert found.languages == ("en", "de")
    assert [(word.name, word.difference) for word in found.words] == [("cc", 2), ("a", 0), ("b", 0)]
    rows = found.segments.select("difference", "lang", "segment", "text").rows()
    assert rows == [(1, "de", 0, "cc"), (1, "en", 1, "cc"), (0, "de", 1, "a b"), (0, "en", 0, "b a")]
    assert (found.tokens_a, found.tokens_b, found.difference) == (10, 8, 2)


def test_results_are_frozen() -> None:
    check_dataclasses(token_attribution, {"Explanation"})
