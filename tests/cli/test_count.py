"""`tokbench count`: exact sizes, arguments told apart, refused input."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from helpers.commands import USAGE, run
from tokbench.analysis import file_counts

TEXT = "Größe\n\n    x = 1\r\n"
BYTES, CHARACTERS = 20, 18


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_bytes(TEXT.encode())
    Path("b.txt").write_bytes(b"")
    return "a.txt"


def read(*arguments: str, stdin: str | bytes = "") -> list[dict[str, object]]:
    result = run("count", *arguments, "-f", "json", stdin=stdin)
    assert result.returncode == 0, result.stderr
    rows: list[dict[str, object]] = json.loads(result.stdout)
    return rows


def test_one_line_per_file_and_the_total(file: str) -> None:
    result = run("count", "utf8", file, "b.txt")
    assert result.stdout.splitlines() == [
        "tokens  bytes  characters  file",
        "    20     20          18  a.txt",
        "     0      0           0  b.txt",
        "    20     20          18  total",
    ]
    assert run("count", "utf8", file).stdout.count("\n") == 2  # no total of one file


def test_line_ends_and_a_byte_order_mark_count(file: str) -> None:
    assert read("utf8", file) == [{"tokens": BYTES, "bytes": BYTES, "characters": CHARACTERS, "file": "a.txt"}]
    Path("bom.txt").write_bytes(b"\xef\xbb\xbfab\r")
    assert read("utf8", "bom.txt")[0]["bytes"] == 6
    assert read("utf8", "bom.txt")[0]["characters"] == 4


def test_several_tokenizers_are_columns(file: str) -> None:
    (row,) = read("utf8", "byt5", file)
    assert row == {"utf8": BYTES, "byt5": BYTES, "bytes": BYTES, "characters": CHARACTERS, "file": "a.txt"}
    assert run("count", "utf8", "byt5", file).stdout.split("\n")[0] == "utf8  byt5  bytes  characters  file"
    assert (
        run("count", "utf8", "byt5", file, "-f", "csv").stdout == "utf8,byt5,bytes,characters,file\n20,20,20,18,a.txt\n"
    )


def test_standard_input(file: str) -> None:
    assert read("utf8", "-", stdin=TEXT) == read("utf8", stdin=TEXT)
    assert read("utf8", "-", stdin=TEXT)[0] == {"tokens": 20, "bytes": 20, "characters": 18, "file": "-"}
    rows = read("utf8", file, "-", stdin="abc")
    assert [(row["file"], row["bytes"]) for row in rows] == [("a.txt", 20), ("-", 3), ("total", 23)]
    again = run("count", "utf8", "-", "-")
    assert (again.returncode, "standard input is given twice" in again.stderr) == (USAGE, True)


def test_with_the_option_all_arguments_are_files(file: str) -> None:
    Path("utf8").write_bytes(b"abc")
    assert [row["file"] for row in read("-t", "utf8", "-t", "byt5", "utf8", file)] == ["utf8", "a.txt", "total"]
    assert [row["file"] for row in read("utf8", "utf8")] == ["utf8"]  # the first is a tokenizer, the second a file
    assert read("-t", "utf8", stdin="ab")[0]["tokens"] == 2


def test_also_written_to_a_file(file: str) -> None:
    result = run("count", "utf8", file, "-o", "out.csv")
    assert "a.txt" in result.stdout
    assert Path("out.csv").read_text() == "tokens,bytes,characters,file\n20,20,18,a.txt\n"


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        ((), "no tokenizer is named"),
        (("-",), "no tokenizer is named"),
        (("utf8", "missing.txt"), "'missing.txt' is neither a file nor a tokenizer"),
        (("missing.txt", "a.txt"), "no tokenizer is called 'missing.txt'"),
        (("-t", "utf8", "missing.txt"), "missing.txt cannot be read: No such file"),
        (("utf8", "utf8", "a.txt"), "the tokenizer utf8 is given twice"),
        (("utf8", "."), ". is a folder"),
        (("utf8", "bad.txt"), "bad.txt is not UTF-8: byte 0xFF at offset 2"),
        (("utf8", "a.txt", "bad.txt"), "bad.txt is not UTF-8: byte 0xFF at offset 2"),
        (("utf8", "pipe"), "pipe is a pipe, not a regular file"),
        (("utf8", "a.txt", "-f", "bogus"), "bogus"),
        (("utf8", "a.txt", "-o", "x.bogus"), "cannot tell the format of x.bogus"),
    ],
)
def test_refused_in_one_line_before_anything_is_printed(file: str, arguments: tuple[str, ...], fault: str) -> None:
    Path("bad.txt").write_bytes(b"ab\xffc")
    os.mkfifo("pipe")
    result = run("count", *arguments)
    assert (result.returncode, result.stdout) == (USAGE, "")
    assert result.stderr.count("\n") == 1
    assert fault in result.stderr


def test_bad_standard_input_and_large_files(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result = run("count", "utf8", "-", stdin=b"\xe4")
    assert "standard input is not UTF-8: byte 0xE4 at offset 0" in result.stderr
    monkeypatch.setattr(file_counts, "LARGEST", 19)
    result = run("count", "utf8", file)
    assert result.returncode == USAGE
    assert "a file is counted as one text" in result.stderr


def test_names_with_controls_are_shown_escaped(file: str) -> None:
    Path("x\x1b[31m.txt").write_bytes(b"ab")
    assert "\x1b" not in run("count", "utf8", "x\x1b[31m.txt").stdout


def test_the_engine_for_large_texts_gives_the_same_count(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_counts, "SMALL", 1)
    assert read("utf8", file)[0]["tokens"] == BYTES


def test_sets_are_their_members(tmp_path: Path) -> None:
    (tmp_path / "tokbench.toml").write_text('[sets]\nmine = ["utf8", "byt5"]\n', "utf-8")
    (tmp_path / "a.txt").write_text("ab\n", "utf-8")
    done = run("count", "@mine", str(tmp_path / "a.txt"), TOKBENCH_CONFIG=str(tmp_path / "tokbench.toml"))
    assert done.stdout.splitlines()[0].split() == ["utf8", "byt5", "bytes", "characters", "file"]
