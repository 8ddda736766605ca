"""Strings whose id is another one in another vocabulary."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from helpers import made
from helpers.commands import refuse, run
from helpers.data import needs_data
from helpers.frozen_dataclasses import check_dataclasses
from tokbench.adapters import load_tokenizer
from tokbench.analysis.vocabulary import MOVED, ONLY_A, ONLY_B, SAME, _moved, find_moved
from tokbench.errors import TokbenchError
from tokbench.report._shares import format_percent


def write_words(folder: Path, name: str, *tokens: str) -> str:
    """Write a vocabulary of whole words, one id each from 0 on."""
    (folder / name).mkdir()
    path = folder / name / f"{name}-vocab.txt"
    path.write_text("".join(f"{token}\n" for token in tokens), encoding="utf-8")
    return str(path)


def test_changes_by_hand(tmp_path: Path) -> None:
    """Word starts have a space: `##c` is c, `a` is a with a space."""
    specials = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
    a = load_tokenizer(write_words(tmp_path, "one", *specials, "a", "b", "##c", "d"))
    b = load_tokenizer(write_words(tmp_path, "two", *specials, "a", "##c", "b", "e", "f"))
    found = find_moved(a, b)
    rows = {row["bytes"].decode().strip(): row for row in found.strings.to_dicts()}
    assert {name: row["change"] for name, row in rows.items()} == {
        **dict.fromkeys((*specials, "a"), SAME),
        **dict.fromkeys("bc", MOVED),
        **dict.fromkeys("d", ONLY_A),
        **dict.fromkeys("ef", ONLY_B),
    }
    assert (rows["b"]["ids_a"], rows["b"]["ids_b"]) == ([6], [7])
    assert (rows["d"]["ids_a"], rows["d"]["ids_b"]) == ([8], [])
    assert [name for name, row in rows.items() if row["special"]] == list(specials)
    assert found.reused["id"].to_list() == [6, 7, 8]
    assert (found.ids_a, found.ids_b) == (9, 10)
    assert found.count().rows() == [
        ("same", 6, 5, 6, 6, 6 / 9, 6 / 10),
        ("moved", 2, 0, 2, 2, 2 / 9, 2 / 10),
        ("only in a", 1, 0, 1, 0, 1 / 9, 0.0),
        ("only in b", 2, 0, 0, 2, 0.0, 2 / 10),
    ]


def test_all_bytes_move_by_three(tmp_path: Path) -> None:
    found = find_moved(load_tokenizer("utf8"), load_tokenizer("byt5"))
    assert found.select(MOVED).height == 256
    assert all(row["ids_b"] == [row["ids_a"][0] + 3] for row in found.strings.to_dicts())
    assert found.reused["id"].to_list() == list(range(3, 256))
    with pytest.raises(TokbenchError, match="given twice"):
        find_moved(load_tokenizer("utf8"), load_tokenizer("utf8"))


def test_shares_are_whole_only_if_they_are() -> None:
    assert [format_percent(share) for share in (0, 1e-9, 0.25, 1 - 1e-9, 1)] == [
        "0 %",
        "0.01 %",
        "25.00 %",
        "99.99 %",
        "100 %",
    ]


def test_results_are_frozen() -> None:
    check_dataclasses(_moved, {"MovedTokens"})


@pytest.mark.smoke
def test_the_command_lists_what_breaks_a_cache(tmp_path: Path) -> None:
    ranks = f"{made.make_ranks(tmp_path)}#cl100k_base"
    done = run("vocab", "utf8", "--moved", ranks)
    assert done.returncode == 0, done.stderr
    assert "ids kept from a are right for b" in done.stdout
    done = run("vocab", ranks, "--moved", "utf8", "--top", "2")
    assert "no id of a stands for another string in b, but b lacks some of them" in done.stdout
    assert "only in small" in done.stdout
    done = run("vocab", "utf8", "--moved", "byt5", "--top", "2")
    assert "ids kept from a are wrong for b: another string has 253 ids of a" in done.stdout
    assert '0         3         "\\x00"\n1         4         "\\x01"\n' in done.stdout
    document = json.loads(run("vocab", "utf8", "--moved", "byt5", "--json").stdout)
    assert len(document["changed"]) == 256
    assert document["changed"][255] == {
        "change": "moved",
        "special": False,
        "bytes": "ff",
        "ids_a": [255],
        "ids_b": [258],
        "text": None,
    }
    assert document["reused"][0] == {"id": 3, "bytes_a": "03", "bytes_b": "00", "text_a": "\x03", "text_b": "\x00"}
    assert "| change |" in run("vocab", "utf8", "--moved", "byt5", "-f", "markdown").stdout
    rows = list(csv.DictReader(io.StringIO(run("vocab", "utf8", "--moved", "byt5", "-f", "csv").stdout)))
    assert (rows[97]["text"], rows[97]["ids_a"], rows[97]["ids_b"]) == ("a", "97", "100")


def test_bad_options_are_one_line() -> None:
    refuse("vocab", "utf8", "--moved", "utf8", says="utf8 is given twice")
    refuse("vocab", "utf8", "--moved", "byt5", "-c", "code", says="--moved compares vocabularies and reads no corpus")
    refuse("vocab", "utf8", "--moved", "no-such-tokenizer", says="no-such-tokenizer")


@needs_data
def test_the_family_of_gpt_neox_and_its_origin() -> None:
    neox, pajama, gpt2 = (load_tokenizer(name) for name in ("gpt-neox-20b", "redpajama-incite", "gpt2"))
    assert find_moved(neox, pajama).count()["ids_a"].to_list() == [50_277, 0, 0, 0]
    counts = find_moved(gpt2, neox).count()
    assert counts["ids_a"].to_list()[1:3] == [36_875, 13_319]
    assert counts["ids_a"].sum() == 50_257
    assert counts["ids_b"].sum() == 50_277
