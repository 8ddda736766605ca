"""Where the extra tokens go: parts that add up to the token."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import made
from helpers.commands import run
from helpers.data import needs_data
from tokbench.adapters import load_tokenizer
from tokbench.analysis.token_attribution import Explanation, Unit, explain_difference, share_spans, split_units
from tokbench.corpora import ParallelCorpus, load_corpus
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
