"""Pipes that a shell opened are read once and kept; all other special files are refused at once."""

from __future__ import annotations

import gzip
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from helpers.commands import refuse, run
from helpers.made import make_tokenizer_json
from tokbench._shared import pipes
from tokbench._shared.pipes import find_kind, keep_pipe, refuse_special
from tokbench.adapters import load_tokenizer
from tokbench.corpora import load_corpus
from tokbench.corpora._loading import read_raw
from tokbench.errors import TokbenchError
from tokbench.pythia.formats.opening import open_checkpoint

pytestmark = pytest.mark.skipif(not Path("/dev/fd").exists(), reason="this system has no /dev/fd")


@pytest.fixture
def open_pipe() -> Iterator[Callable[[bytes], Path]]:
    """Open a pipe as a shell's `<(command)` does: a thread writes to it, its path is returned."""
    ends = []

    def open_one(content: bytes) -> Path:
        reading, writing = os.pipe()
        ends.append(reading)

        def write() -> None:
            with os.fdopen(writing, "wb") as file:
                file.write(content)

        threading.Thread(target=write, daemon=True).start()
        return Path(f"/dev/fd/{reading}")

    yield open_one
    for end in ends:
        os.close(end)


@pytest.fixture
def special(tmp_path: Path) -> dict[str, Path]:
    """Files that are none: reading the first two would never end."""
    os.mkfifo(tmp_path / "fifo")
    bound = socket.socket(socket.AF_UNIX)
    bound.bind(str(tmp_path / "socket"))
    bound.close()
    return {"a pipe": tmp_path / "fifo", "a character device": Path("/dev/zero"), "a socket": tmp_path / "socket"}


def test_kinds_of_files(tmp_path: Path, special: dict[str, Path]) -> None:
    for kind, path in special.items():
        assert find_kind(path) == kind
        for check in (refuse_special, keep_pipe):
            with pytest.raises(TokbenchError, match=f"is {kind}, not a regular file; copy its content into a file"):
                check(path)
    for path in (tmp_path, tmp_path / "none", Path(__file__), Path(__file__) / "none"):
        assert find_kind(path) is None
        assert keep_pipe(path) == path


def test_special_files_as_tokenizer_corpus_and_checkpoint(special: dict[str, Path]) -> None:
    for kind, path in special.items():
        says = f"is {kind}, not a regular file"
        for use in (load_tokenizer, load_corpus, open_checkpoint):
            with pytest.raises(TokbenchError, match=says):
                use(str(path))
        refuse("compare", str(path), says=says)
        refuse("compare", "utf8", "-c", f"{path}:format=jsonl", says=says)


def test_special_files_inside_folders_are_passed_over(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "tokenizer.json")
    with pytest.raises(TokbenchError, match="contains no tokenizer file"):
        load_tokenizer(tmp_path)
    (tmp_path / "en.txt").write_text("one\n")
    os.mkfifo(tmp_path / "de.txt")
    assert list(load_corpus(tmp_path).columns) == ["en"]


def test_a_pipe_is_copied_once(open_pipe: Callable[[bytes], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = open_pipe(b"content")
    kept = keep_pipe(path)
    assert kept.read_bytes() == b"content"
    assert keep_pipe(path) == kept
    with pytest.raises(TokbenchError, match="is an empty pipe"):
        keep_pipe(open_pipe(b""))
    monkeypatch.setattr(pipes, "LARGEST_PIPE", 10)
    with pytest.raises(TokbenchError, match="the most that is read from a pipe; write it into a file"):
        keep_pipe(open_pipe(b"x" * 11))


def test_a_tokenizer_in_a_pipe(tmp_path: Path, open_pipe: Callable[[bytes], Path]) -> None:
    file = make_tokenizer_json(tmp_path)
    tokenizer = load_tokenizer(str(open_pipe(file.read_bytes())))
    assert tokenizer.encode("the clerk") == load_tokenizer(file).encode("the clerk")
    assert tokenizer.name.isdigit()


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b'{"en": "one", "de": "eins"}\n{"en": "two", "de": "zwei"}\n', ""),
        (b"en\tde\none\teins\ntwo\tzwei\n", ""),
        (b"one\teins\ntwo\tzwei\n", ":en=1,de=2"),
        (
            b'<tmx><body><tu><tuv lang="en"><seg>one</seg></tuv><tuv lang="de"><seg>eins</seg></tuv></tu>'
            b'<tu><tuv lang="en"><seg>two</seg></tuv><tuv lang="de"><seg>zwei</seg></tuv></tu></body></tmx>',
            "",
        ),
    ],
)
def test_a_corpus_in_a_pipe(open_pipe: Callable[[bytes], Path], content: bytes, options: str) -> None:
    path = open_pipe(content)
    corpus = load_corpus(f"{path}{options}")
    texts = {(segment, lang): text for segment, lang, text in corpus.frame.rows()}
    assert texts == {(0, "en"): "one", (1, "en"): "two", (0, "de"): "eins", (1, "de"): "zwei"}
    assert corpus.source == str(path)
    assert all(str(path) in origin for origin in corpus.reading["origin"])


def test_plain_text_in_a_pipe(open_pipe: Callable[[bytes], Path]) -> None:
    path = open_pipe(b"one\ntwo\n")
    raw, reader, _ = read_raw(str(path))
    assert (reader, raw.aligned) == ("text", False)
    assert [(column.lang, column.origin) for column in raw.columns] == [("text", str(path))]
    assert load_corpus(f"{path}:en=1,header=no").frame["text"].to_list() == ["one", "two"]
    packed = open_pipe(gzip.compress(b"one\ttwo\n", mtime=0))
    assert load_corpus(f"{packed}:en=1,de=2,header=no").texts("de") == ["two"]


@pytest.mark.skipif(sys.platform != "linux", reason="the same pipe is opened twice")
def test_two_runs_name_a_pipe_alike(open_pipe: Callable[[bytes], Path]) -> None:
    path = open_pipe(b'{"en": "one"}\n{"en": "two"}\n')
    first = run("compare", "utf8", "-c", str(path), "-f", "json")
    assert first.returncode == 0, first.stderr
    assert "tokbench-pipe" not in first.stdout
