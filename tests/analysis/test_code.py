"""Tokens and the syntax of code: values worked out by hand and by a plain loop, leaves, the command."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import made
from helpers.commands import refuse, run
from helpers.cut_texts import cut_as
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from tokbench.adapters import Tokenizer, load_tokenizer
from tokbench.analysis.code import GRAMMARS, KINDS, CodeReport, _counts, _leaves, _measure, measure_code
from tokbench.analysis.code._counts import correlate_ranks, find_joints, measure_lines
from tokbench.analysis.code._grammars import load_parser
from tokbench.analysis.code._leaves import parse_leaves
from tokbench.analysis.token_places import JoinedTexts, place_tokens
from tokbench.corpora import TextGroups, load_corpus
from tokbench.errors import MissingExtraError, TokbenchError
from tokbench.metrics.resampling import Bootstrap


def list_leaves(language: str, text: str) -> list[tuple[str, str]]:
    found = parse_leaves(language, [text])
    content = text.encode()
    spans = zip(found.starts.tolist(), found.ends.tolist(), found.kinds.tolist(), strict=True)
    return [(content[start:end].decode(), KINDS[kind]) for start, end, kind in spans]


def values_of(report: CodeReport, lang: str | None, tokenizer: str | None = None) -> dict[str, float | None]:
    rows = report.values.filter(pl.col("lang").eq_missing(pl.lit(lang, pl.String)))
    if tokenizer is not None:
        rows = rows.filter(pl.col("tokenizer") == tokenizer)
    return {f"{row['metric']} {row['kind'] or ''}".strip(): row["value"] for row in rows.iter_rows(named=True)}


# ---- leaves


def test_leaves_of_python() -> None:
    text = 'def f(x: int):\n    # add\n    return f"a {x:02d}\\n" != None\n'
    assert list_leaves("python", text) == [
        *[("def", "keyword"), ("f", "identifier"), ("(", "delimiter"), ("x", "identifier"), (":", "delimiter")],
        *[("int", "identifier"), (")", "delimiter"), (":", "delimiter"), ("# add", "comment"), ("return", "keyword")],
        *[('f"', "delimiter"), ("a", "literal"), ("{", "delimiter"), ("x", "identifier"), (":", "delimiter")],
        *[("02d", "literal"), ("}", "delimiter"), ("\\n", "literal"), ('"', "delimiter"), ("!=", "operator")],
        ("None", "literal"),
    ]


@pytest.mark.parametrize(
    ("language", "text", "leaves"),
    [
        ("rust", "/// Doc.\nfn f() -> u8 { 'a' }", "/// Doc.|fn|f|(|)|->|u8|{|'a'|}"),
        ("c", '#include <a.h>\nint x = -1; /* one\ntwo */ char *s = "a\\tb";', None),
        ("php", "<?php $a = true;", "<?php|$|a|=|true|;"),
        ("bash", 'if [[ "$x" == a* ]]; then echo "${y}"; fi', None),
        ("go", 'x := []string{"a", `b`}', 'x|:=|[|]|string|{|"|a|"|,|`|b|`|}'),
        ("java", "int a = b.c(1.5, 'x');", "int|a|=|b|.|c|(|1.5|,|'x'|)|;"),
        ("javascript", "let a = `x ${b} y` ?? /z/g;", "let|a|=|`|x|${|b|}|y|`|??|/|z|/|g|;"),
        ("kotlin", "val a = 'b'", "val|a|=|'|b|'"),
    ],
)
def test_leaves_of_other_languages(language: str, text: str, leaves: str | None) -> None:
    found = list_leaves(language, text)
    assert "".join(leaf for leaf, _ in found).replace(" ", "").replace("\n", "") == "".join(text.split())
    if leaves is not None:
        assert "|".join(leaf for leaf, _ in found) == leaves


def test_kinds_of_other_languages() -> None:
    c = dict(list_leaves("c", '#include <a.h>\nint x = -1; /* one\ntwo */ char *s = "a\\tb"; bool b = NULL;'))
    assert {"#include", "int", "char"} <= {leaf for leaf, kind in c.items() if kind == "keyword"}
    assert {"<a.h>", "a", "\\t", "b", "NULL", "-1"} >= {leaf for leaf, kind in c.items() if kind == "literal"}
    assert c["/* one\ntwo */"] == "comment"
    assert (c["="], c["*"], c[";"], c['"'], c["x"]) == ("operator", "operator", "delimiter", "delimiter", "identifier")
    javascript = dict(list_leaves("javascript", "let a = `x ${b} y` ?? /z/g;"))
    assert (javascript["x"], javascript["b"], javascript["${"]) == ("literal", "identifier", "delimiter")
    php = dict(list_leaves("php", "<?php $a = true;"))
    assert (php["<?php"], php["$"], php["a"], php["true"]) == ("keyword", "delimiter", "identifier", "literal")
    assert dict(list_leaves("kotlin", "val a = 'b'"))["b"] == "literal"
    assert dict(list_leaves("ruby", "x = nil"))["nil"] == "literal"


@pytest.mark.parametrize("language", sorted(set(GRAMMARS) - {"shell"}))
def test_leaves_of_the_corpus_are_in_order_and_hold_all_but_white_space(language: str) -> None:
    texts = load_corpus("code").texts(language)
    found = parse_leaves(language, texts)
    assert found.errors.sum() <= (2 if language == "bash" else 0)  # by the version of its grammar
    assert "other" not in {KINDS[kind] for kind in found.kinds.tolist()}
    for number, text in enumerate(texts):
        covered = np.zeros(len(text), np.int64)
        for start, end in zip(found.starts[found.text == number], found.ends[found.text == number], strict=True):
            covered[start:end] += 1
            assert text[start:end] == text[start:end].strip()
        assert covered.max() == 1
        assert not "".join(c for c, hit in zip(text, covered, strict=True) if not hit).strip()


@pytest.mark.parametrize("text", ["", " \n\t", "\0\0", "(" * 20_000, "é = 'ü' # ß", ")]}\x1b", "def", "\r\n\r\n"])
def test_no_text_is_too_odd(text: str) -> None:
    for language in ("python", "c", "bash"):
        found = list_leaves(language, text)
        assert "".join("".join(leaf for leaf, _ in found).split()) == "".join(text.split())


def test_a_grammar_that_is_not_installed_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tree_sitter_go", None)
    with pytest.raises(MissingExtraError, match=r"the syntax of go needs the library tree-sitter-go.*tokbench\[code\]"):
        load_parser("go")
    refuse("code", "utf8", says="the syntax of code needs tree-sitter-go, which is not installed")
    with pytest.raises(TokbenchError, match="no grammar for 'cobol'"):
        load_parser("cobol")


# ---- counts

PIECES = "def| max|Si|ze|(n|)|:\n|   | return| n|.real|\n"
"""Of ten leaves, `(`, `n`, `.` and `real` share a token, and `:` has the end of its line."""


def test_values_worked_out_by_hand(tmp_path: Path) -> None:
    corpus = TextGroups.from_texts({"python": ["def maxSize(n):\n    return n.real\n"]})
    found = values_of(measure_code([cut_as(PIECES, tmp_path)], corpus), "python")
    assert found == {
        "leaves_kept": 5 / 10,  # def maxSize ) return n
        "leaves_kept identifier": 2 / 4,  # maxSize, the second n; not the first n, nor real
        "leaves_kept keyword": 2 / 2,
        "leaves_kept operator": None,
        "leaves_kept literal": None,
        "leaves_kept delimiter": 1 / 4,  # ) of ( ) : .
        "leaves_kept comment": None,
        "leaves_kept other": None,
        "leaves_apart": 6 / 10,  # and :
        "leaves_apart identifier": 2 / 4,
        "leaves_apart keyword": 2 / 2,
        "leaves_apart operator": None,
        "leaves_apart literal": None,
        "leaves_apart delimiter": 2 / 4,
        "leaves_apart comment": None,
        "leaves_apart other": None,
        "leaves_one_token": 4 / 10,  # not maxSize
        "identifiers_cut_at_joints": 0,
        "identifiers_cut_elsewhere": 1 / 4,  # Si|ze
        "joints_cut": 1,
        "indentation_tokens": 1,
        "bytes_per_token": 34 / 12,
        "indentation_correlation": 1,
    }


def test_identifiers_are_cut_at_joints_or_elsewhere(tmp_path: Path) -> None:
    corpus = TextGroups.from_texts({"python": ["max_size = HTTPServer + utf8Text + plain"]})
    tokenizer = cut_as("max|_|size| =| HTTP|Server| +| ut|f8|Text| +| plain", tmp_path)
    found = values_of(measure_code([tokenizer], corpus), None)
    # joints: max|_|size (2), HTTP|Server, utf8|Text; cut elsewhere: ut|f8
    assert found["identifiers_cut_at_joints"] == 2 / 4
    assert found["identifiers_cut_elsewhere"] == 1 / 4
    assert found["joints_cut"] == 4 / 4
    assert found["leaves_kept"] == 1


@pytest.mark.parametrize(
    ("name", "cut"),
    [
        ("maxSize", "max Size"),
        ("max_size", "max _ size"),
        ("HTTPServer", "HTTP Server"),
        ("utf8Text", "utf8 Text"),
        ("__init__", "__ init __"),
        ("aBC", "a BC"),
        ("größteÄnderung", "größte Änderung"),
        ("x2", "x2"),
        ("ABC", "ABC"),
        ("好_A", "好 _ A"),
    ],
)
def test_joints(name: str, cut: str) -> None:
    flags = np.flatnonzero(find_joints(JoinedTexts.join([name]))).tolist()
    at = np.cumsum([len(part.encode()) for part in cut.split(" ")])[:-1].tolist()
    assert [place for place in flags if 0 < place < len(name.encode())] == at


def test_lines_have_depths_and_white_space_tokens() -> None:
    texts = ["a\n\n  b\n\t\tc\n   \n", "", "    d\r\n \x0ce"]
    joined = JoinedTexts.join(texts)
    lines = measure_lines(joined, place_tokens(load_tokenizer("utf8"), joined))
    assert lines.tolist() == [[0, 0, 0], [0, 2, 2], [0, 2, 2], [2, 4, 4], [2, 1, 1]]


def test_nothing_to_correlate_is_undefined() -> None:
    depths, tokens, counts = _counts.tabulate_lines(np.empty((0, 3), np.int64), 2)
    assert np.isnan(correlate_ranks(depths, tokens, counts.astype(np.float64))).tolist() == [True, True]
    # one line deep: neither side varies
    assert np.isnan(correlate_ranks([4], [1], np.array([3.0])))


def rank(values: Sequence[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) - 1) / 2 for value in values
    ]


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=2, max_size=20))
def test_rank_correlation_against_its_definition(pairs: list[tuple[int, int]]) -> None:
    distinct = sorted(set(pairs))
    counts = np.array([pairs.count(pair) for pair in distinct], np.float64)
    found = correlate_ranks([a for a, _ in distinct], [b for _, b in distinct], counts)
    a, b = rank([a for a, _ in pairs]), rank([b for _, b in pairs])
    if len({*a}) > 1 and len({*b}) > 1:
        assert float(found) == pytest.approx(np.corrcoef(a, b)[0, 1])
    else:
        assert np.isnan(found)


# ---- against a plain loop


def count_plainly(tokenizer: Tokenizer, language: str, texts: Sequence[str]) -> dict[str, float]:
    """Everything again, from sets of places, byte by byte."""
    sums = dict.fromkeys(("leaves", "kept", "apart", "whole", "names", "at", "else", "joints", "cut", "in", "white"), 0)
    for text in texts:
        content, tokens, at = text.encode(), [], -len(tokenizer.prefix or b"")
        for number in tokenizer.encode(text):
            piece = tokenizer.token_bytes(number) or b""
            tokens.append((max(at, 0), at + len(piece)))
            at += len(piece)
        assert at == len(content)
        starts, ends = {a for a, _ in tokens}, {b for _, b in tokens}
        starts |= {a + 1 for a, b in tokens if b - a > 1 and content[a : a + 1] == b" "}
        bare = [(a, b, content[a:b]) for a, b in tokens if content[a:b].strip()]
        bare_starts = starts | {a + len(piece) - len(piece.lstrip()) for a, _, piece in bare}
        bare_ends = ends | {b - len(piece) + len(piece.rstrip()) for _, b, piece in bare}
        found = parse_leaves(language, [text])
        for start, end, kind in zip(found.starts.tolist(), found.ends.tolist(), found.kinds.tolist(), strict=True):
            kept, inside = start in starts and end in ends, {place for place in ends if start < place < end}
            sums["leaves"] += 1
            sums["kept"] += kept
            sums["apart"] += start in bare_starts and end in bare_ends
            sums["whole"] += kept and not inside
            if KINDS[kind] == "identifier":
                name = content[start:end].decode("ascii")
                joints = {
                    start + i
                    for i in range(1, len(name))
                    if ((name[i - 1].islower() or name[i - 1].isdigit()) and name[i].isupper())
                    or (name[i - 1 : i + 1].isupper() and name[i - 1].isupper() and name[i + 1 : i + 2].islower())
                    or (name[i - 1] == "_") != (name[i] == "_")
                }
                sums["names"] += 1
                sums["at"] += bool(inside) and inside <= joints
                sums["else"] += bool(inside - joints)
                sums["joints"] += len(joints)
                sums["cut"] += len(inside & joints)
        line_at = 0
        for line in text.split("\n"):
            depth = len(line) - len(line.lstrip(" \t"))
            if line.strip() and depth:
                sums["in"] += 1
                sums["white"] += sum(
                    a < line_at + depth and b > line_at and a < b and not content[a:b].strip() for a, b in tokens
                )
            line_at += len(line.encode()) + 1
    return {
        "leaves_kept": sums["kept"] / sums["leaves"],
        "leaves_apart": sums["apart"] / sums["leaves"],
        "leaves_one_token": sums["whole"] / sums["leaves"],
        "identifiers_cut_at_joints": sums["at"] / sums["names"],
        "identifiers_cut_elsewhere": sums["else"] / sums["names"],
        "joints_cut": sums["cut"] / sums["joints"],
        "indentation_tokens": sums["white"] / sums["in"],
    }


@pytest.mark.parametrize("language", ["python", "go", "csharp"])
@pytest.mark.parametrize("kind", ["utf8", "tiktoken", "tokenizer.json", "sentencepiece"])
def test_every_value_against_a_plain_loop(language: str, kind: str, tmp_path: Path) -> None:
    argument = "utf8" if kind == "utf8" else str(made.MAKERS[kind](tmp_path))
    tokenizer = load_tokenizer(f"{argument}#cl100k_base" if kind == "tiktoken" else argument)
    texts = load_corpus("code").texts(language)[:8]
    report = measure_code([tokenizer], TextGroups.from_texts({language: texts}), Bootstrap(resamples=2))
    found = values_of(report, language)
    for metric, value in count_plainly(tokenizer, language, texts).items():
        assert found[metric] == value, metric
    assert found["bytes_per_token"] == sum(len(t.encode()) for t in texts) / sum(map(tokenizer.count, texts))


@needs_data
@pytest.mark.parametrize("name", ["llama3", "rwkv-world"])
def test_real_vocabularies_against_a_plain_loop(name: str) -> None:
    tokenizer, texts = load_tokenizer(name), load_corpus("code").texts("typescript")[:12]
    report = measure_code([tokenizer], TextGroups.from_texts({"typescript": texts}), Bootstrap(resamples=2))
    found = values_of(report, "typescript")
    for metric, value in count_plainly(tokenizer, "typescript", texts).items():
        assert found[metric] == value, metric


def test_bytes_keep_every_leaf_and_cut_every_name() -> None:
    report = measure_code([load_tokenizer("utf8")], load_corpus("code", languages=["rust", "swift"]))
    found = values_of(report, None)
    assert (found["leaves_kept"], found["leaves_apart"], found["joints_cut"], found["bytes_per_token"]) == (1, 1, 1, 1)
    assert found["identifiers_cut_at_joints"] == 0
    assert "indentation_correlation" not in found
    assert values_of(report, "rust")["indentation_correlation"] == pytest.approx(1)


def test_values_over_languages_are_sums_and_intervals_hold_them(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(made.make_tokenizer_json(tmp_path)))
    corpus = load_corpus("code", languages=["c", "php"])
    report = measure_code([tokenizer], corpus)
    rows = report.values.filter(pl.col("metric") == "bytes_per_token")
    size = {row["lang"]: row["value"] * row["n"] for row in rows.iter_rows(named=True)}
    assert size[None] == pytest.approx(size["c"] + size["php"])
    assert all(row["low"] < row["value"] < row["high"] for row in rows.iter_rows(named=True))
    again = measure_code([tokenizer], load_corpus("code", languages=["php"]))
    own = again.values.filter(pl.col("lang") == "php")
    assert own.equals(report.values.filter(pl.col("lang") == "php"))  # other languages change no interval


def test_each_language_has_its_own_resamples(tmp_path: Path) -> None:
    texts = load_corpus("code").texts("python")
    corpus = TextGroups.from_texts({"a/python": texts, "b/python": texts})
    tokenizer = load_tokenizer(str(made.make_tokenizer_json(tmp_path)))
    rows = measure_code([tokenizer], corpus).values.filter(pl.col("metric") == "bytes_per_token")
    one, other = (rows.row(by_predicate=pl.col("lang") == lang, named=True) for lang in ("a/python", "b/python"))
    assert one["value"] == other["value"]
    assert (one["low"], one["high"]) != (other["low"], other["high"])


def test_texts_in_chunks_give_the_same_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tokenizer, corpus = load_tokenizer(str(made.make_tokenizer_json(tmp_path))), load_corpus("code", languages=["go"])
    whole = measure_code([tokenizer], corpus).values
    monkeypatch.setattr(_measure, "_CHUNK", 1000)
    assert measure_code([tokenizer], corpus).values.equals(whole)


def test_large_files_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_measure, "LARGEST", 10)
    corpus = TextGroups.from_texts({"python": ["x = 1", "x = " + "1" * 20], "c": ["int x = " + "1" * 20 + ";"]})
    report = measure_code([load_tokenizer("utf8")], corpus)
    assert report.files.select("lang", "files", "files_too_large").rows() == [("python", 1, 1), ("c", 0, 1)]
    assert set(report.values["lang"]) == {None, "python"}


def test_what_cannot_be_measured_is_an_error() -> None:
    with pytest.raises(TokbenchError, match="no code in a language with a grammar"):
        measure_code([load_tokenizer("utf8")], TextGroups.from_texts({"markdown": ["# x"]}))
    with pytest.raises(TokbenchError, match="the same name"):
        measure_code([load_tokenizer("utf8"), load_tokenizer("utf8")], load_corpus("code"))


def test_dataclasses() -> None:
    check_dataclasses(_counts, {"CodeCounts"})
    check_dataclasses(_leaves, {"Leaves"})
    check_dataclasses(_measure, {"CodeReport", "Language", "Sums"})


# ---- the command


@pytest.mark.smoke
def test_the_command_prints_tables_and_all_values() -> None:
    done = run("code", "utf8", "-l", "python,go", "-n", "5", COLUMNS="120")
    assert done.returncode == 0, done.stderr
    assert "code: 2 languages, 10 files" in done.stdout
    assert "leaves kept, by kind" in done.stdout
    assert run("code", "utf8", "-l", "python,go", "-n", "5", COLUMNS="120").stdout == done.stdout
    document = json.loads(run("code", "utf8", "-l", "go", "-n", "5", "--json").stdout)
    assert "|corp:code@sha256:" in document["signature"]
    assert "|lang:go|n:5|syn:tree-sitter-go==" in document["signature"]
    assert document["files"][0]["files"] == 5
    csv = run("code", "utf8", "-l", "go", "-n", "5", "-f", "csv").stdout.splitlines()
    assert csv[0] == "tokenizer,lang,metric,kind,value,low,high,n"
    assert "| tokenizer | leaves kept |" in run("code", "utf8", "-l", "go", "-n", "5", "-f", "markdown").stdout


def test_folders_and_files_of_code_are_read_whole(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\ny = 2\n")
    (tmp_path / "b.py").write_text("z = [\n    3,\n]\n")
    (tmp_path / "read.md").write_text("# Text\n")
    done = run("code", "utf8", "-c", str(tmp_path), COLUMNS="120")
    assert done.returncode == 0, done.stderr
    assert ": 1 language, 2 files, 12 leaves" in done.stdout
    assert "no grammar, left out: markdown" in done.stdout
    document = json.loads(run("code", "utf8", "-c", str(tmp_path / "b.py"), "--json").stdout)
    assert [(row["lang"], row["files"], row["leaves"]) for row in document["files"]] == [("python", 1, 6)]
    both = json.loads(run("code", "utf8", "-c", str(tmp_path / "b.py"), "-c", "code", "-n", "2", "--json").stdout)
    assert [row["lang"] for row in both["files"]][:2] == ["b/python", "code/python"]
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.md").write_text("# Text\n")
    refuse("code", "utf8", "-c", str(tmp_path / "notes"), says="no code in a language with a grammar")
    refuse("code", "utf8", "-l", "pyton", says="did you mean 'python'?")


def test_the_general_corpus_is_not_that_of_code() -> None:
    assert run("code", "utf8", "-l", "c", "-n", "2", TOKBENCH_CORPUS="tokbench14").returncode == 0
