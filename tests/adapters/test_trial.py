"""Files that make an engine abort, loop or take all memory end a process that can be ended, and are one line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sentencepiece

import tokbench as tb
from helpers.commands import run
from helpers.corpora import write_corpus
from helpers.data import needs_data
from helpers.made import MAKERS, make_claude_json, make_sentencepiece, make_tokenizer_json
from tokbench._shared.child import describe_end, environment_of_child
from tokbench.adapters import _trial, find_asset, load_asset, load_tokenizer
from tokbench.adapters._trial import Limits, is_known, try_files
from tokbench.errors import EngineError

POSIX = pytest.mark.skipif(os.name != "posix", reason="limits of a process are those of POSIX")
HUGGINGFACE = "tokbench.adapters.huggingface"

GROWING = {"type": "Replace", "pattern": {"String": "a"}, "content": "a" * 100}


def change(folder: Path, edit: Callable[[Any], object]) -> Path:
    path = make_tokenizer_json(folder)
    document = json.loads(path.read_text("utf-8"))
    edit(document)
    path.write_text(json.dumps(document), "utf-8")
    return path


def make_growing(folder: Path) -> Path:
    """Its normaliser makes a billion characters of each a."""
    return change(folder, lambda d: d.update(normalizer={"type": "Sequence", "normalizers": [GROWING] * 6}))


def make_panicking(folder: Path) -> Path:
    """Its merges have no prefix to cut off, at which the library panics while it reads them."""
    model = {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"], "continuing_subword_prefix": "##"}
    return change(folder, lambda d: d.update(model=model, added_tokens=[], pre_tokenizer=None, normalizer=None))


def make_endless(folder: Path) -> Path:
    """Each word of it is tried from each of its characters on, for every length."""
    model = {
        "type": "WordPiece",
        "vocab": {"[UNK]": 0, "a" * 3000: 1},
        "unk_token": "[UNK]",
        "continuing_subword_prefix": "a" * 300_000,
        "max_input_chars_per_word": 10**9,
    }
    parts = dict.fromkeys(("pre_tokenizer", "normalizer", "decoder"))
    return change(folder, lambda d: d.update(parts, model=model, added_tokens=[]))


@POSIX
def test_a_file_that_takes_all_memory(tmp_path: Path) -> None:
    asset = find_asset(make_growing(tmp_path))
    assert Limits.of(asset).memory == 4 << 30
    with pytest.raises(EngineError, match=r"cannot load .*: it ran out of memory within 1 GiB; leave it out"):
        try_files(asset, HUGGINGFACE, limits=Limits(60, 1 << 30))


def test_a_panic_at_loading_is_an_error_of_the_engine(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(EngineError, match="slice index starts at"):
        load_tokenizer(make_panicking(tmp_path))
    assert capfd.readouterr().err == ""  # the library's own lines stay in the other process


def test_a_pattern_that_repeats_a_repetition_is_refused(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    pattern = {"type": "Split", "pattern": {"Regex": "(a+)+$"}, "behavior": "Isolated", "invert": False}
    path = change(tmp_path, lambda d: d.update(pre_tokenizer=pattern, normalizer=None))
    with pytest.raises(EngineError, match=r"its engine panics at 'aa+!': .*retry-limit"):
        load_tokenizer(path)
    assert capfd.readouterr().err == ""


def test_a_panic_here_is_the_same_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trial, "_IN_TRIAL", True)
    with pytest.raises(EngineError, match="slice index starts at"):
        load_tokenizer(make_panicking(tmp_path))


@POSIX
def test_a_file_that_takes_all_time(tmp_path: Path) -> None:
    asset = find_asset(make_endless(tmp_path))
    with pytest.raises(EngineError, match=r"it did not finish the trial texts within 0 s"):
        try_files(asset, HUGGINGFACE, limits=Limits(0.0))


def test_a_process_that_does_not_answer_is_ended(tmp_path: Path) -> None:
    asset = find_asset(make_tokenizer_json(tmp_path))
    with pytest.raises(EngineError, match="it did not finish the trial texts"):
        try_files(asset, "tokbench.nothing.to.import", limits=Limits(-1.0))


@pytest.mark.parametrize("file_format", MAKERS)
def test_intact_files_come_through_once(tmp_path: Path, file_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asset = find_asset(MAKERS[file_format](tmp_path / "made" if file_format == "vocab+merges" else tmp_path))
    if file_format == "tiktoken":
        asset = find_asset(f"{asset.files[0]}#cl100k_base")
    first = load_asset(asset).encode("the clerk")
    monkeypatch.setattr(_trial._WORKER, "run", lambda *_: pytest.fail("it was tried again"))
    assert load_asset(asset).encode("the clerk") == first


@needs_data
def test_files_of_the_catalogue_are_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_trial._WORKER, "run", lambda *_: pytest.fail("a known file was tried"))
    for name in ("gpt-neox-20b", "llama", "cl100k_base"):
        assert is_known(find_asset(name))
        load_tokenizer(name)


def test_without_another_process_files_are_loaded_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise PermissionError

    monkeypatch.setattr(_trial._WORKER, "_start", refuse)
    assert load_tokenizer(make_tokenizer_json(tmp_path)).encode("the")


def test_the_other_tokenizers_are_kept(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus", en=["one two", "three"], de=["eins zwei", "drei"])
    (tmp_path / "bad").mkdir()
    path = make_panicking(tmp_path / "bad")
    done = run("compare", "utf8", str(path), "-c", str(tmp_path / "corpus"))
    assert done.returncode == 0, done.stderr
    assert "utf8" in done.stdout
    assert "cannot load" in done.stdout + done.stderr
    with pytest.raises(EngineError):
        tb.compare(["utf8", str(path)], str(tmp_path / "corpus"), baseline="bad")


def test_ends_of_processes() -> None:
    assert describe_end(-6, "thread 'x' panicked at a.rs:1:2:\nindex out of bounds\n") == (
        "its process was ended by SIGABRT (index out of bounds)"
    )
    assert describe_end(-11, "") == "its process was ended by SIGSEGV"
    assert describe_end(-6, "memory allocation of 99 bytes failed", 2 << 30) == "it ran out of memory within 2 GiB"
    assert describe_end(1, "a\nMemoryError\n") == "it ran out of memory"
    assert describe_end(3, "one\ntwo\n") == "its process ended with status 3: two"
    assert describe_end(-9, "") == "its process was ended by SIGKILL, which the system sends when memory runs out"
    assert describe_end(-200, "") == "its process was ended by signal 200"
    assert "" not in environment_of_child(A="b")["PYTHONPATH"].split(os.pathsep)


def test_a_pattern_that_matches_nothing_is_refused_at_loading(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = make_claude_json(tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"pat_str": "(?=.)"}), "utf-8")
    with pytest.raises(EngineError, match="its engine panics at 'a': range end index"):
        load_tokenizer(path)
    assert capfd.readouterr().err == ""


def test_warnings_of_sentencepiece_are_not_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = make_sentencepiece(tmp_path)
    path.write_bytes(path.read_bytes() + b"\n\x0a\n\x01\0\x15\0\0\0\0\x18\x01")  # a null character as a piece
    sentencepiece.set_min_log_level(0)  # as in a new process; training has raised it
    assert load_tokenizer(path).encode("the dog")
    assert capfd.readouterr().err == ""
