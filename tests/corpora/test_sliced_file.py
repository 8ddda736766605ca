"""Large files of lines are read in slices, and are the same corpus as read whole."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tokbench import TokbenchError, load_corpus, load_tokenizer
from tokbench.adapters.bench.throughput import split_rounds
from tokbench.adapters.selection import take_sample
from tokbench.corpora import ParallelCorpus, _reader_api, _sliced_file, lines
from tokbench.measurement import measure

line = st.text(st.sampled_from("ab \t\r\x85\u2028é世😀"), max_size=6)
pairs = st.lists(st.tuples(line, line), min_size=1, max_size=12)


def write(folder: Path, rows: list[tuple[str, str]], *, bom: bool, final: bool) -> None:
    for lang, texts in zip(("en", "zh"), zip(*rows, strict=True), strict=True):
        content = "".join(f"{text}\n" for text in texts)
        data = content.encode() if final else content.encode()[:-1]
        (folder / f"{lang}.txt").write_bytes((b"\xef\xbb\xbf" if bom else b"") + data)


def load_large(folder: Path, monkeypatch: pytest.MonkeyPatch, **options: object) -> ParallelCorpus:
    with monkeypatch.context() as patch:
        patch.setattr(lines, "LARGE_BYTES", 0)
        return load_corpus(folder, **options)  # type: ignore[arg-type]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=pairs, bom=st.booleans(), final=st.booleans(), block=st.integers(1, 40), chunk=st.integers(1, 5))
def test_a_file_in_slices_is_the_corpus_read_whole(
    rows: list[tuple[str, str]],
    bom: bool,
    final: bool,
    block: int,
    chunk: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    write(tmp_path, rows, bom=bom, final=final)
    try:
        whole = load_corpus(tmp_path)
    except TokbenchError as error:
        with pytest.raises(TokbenchError, match=re.escape(str(error))):
            load_large(tmp_path, monkeypatch)
        return
    with monkeypatch.context() as patch:
        patch.setattr(_sliced_file, "_READ_BYTES", block)
        patch.setattr(_reader_api, "CHUNK_TEXTS", chunk)
        large = load_large(tmp_path, monkeypatch)
        assert (large.sha256, large.size, large.n) == (whole.sha256, whole.size, whole.n)
        assert large.frame.equals(whole.frame)
        assert large.excluded.equals(whole.excluded)
        assert large.reading.equals(whole.reading)
        assert list(large.iterate_rows()) == list(whole.iterate_rows())
        assert take_sample(large) == take_sample(whole)
        assert split_rounds(large, 2, 5) == split_rounds(whole, 2, 5)
        assert large.select(["zh"], 1).frame.equals(whole.select(["zh"], 1).frame)
        tokenizer = load_tokenizer("utf8")
        ours, theirs = measure([tokenizer], large), measure([tokenizer], whole)
        assert ours.counts.equals(theirs.counts)


@given(wanted=st.lists(st.integers(0, 99), unique=True, min_size=1).map(sorted))
def test_single_lines_and_ranges_are_found(wanted: list[int], tmp_path_factory: pytest.TempPathFactory) -> None:
    file = tmp_path_factory.mktemp("f") / "en.txt"
    file.write_bytes("".join(f"line {number}\r\n" for number in range(100)).encode())
    found = _sliced_file.find_lines(file)
    assert found.crlf == 100
    mask = np.zeros(100, np.bool_)
    mask[wanted] = True
    chosen = found.lines.filter(pl.Series(mask))
    assert chosen.slice(0).to_list() == [f"line {number}" for number in wanted]
    assert chosen.gather_every(3, 1).to_list() == [f"line {number}" for number in wanted[1::3]]


def test_what_is_not_utf8_is_named_by_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "en.txt").write_bytes(b"a\n" * 20 + b"ab\xff\n")
    monkeypatch.setattr(_sliced_file, "_READ_BYTES", 8)
    with pytest.raises(TokbenchError, match=r"en.txt:21: not UTF-8: byte 0xFF at offset 2 of the line"):
        load_large(tmp_path, monkeypatch)


def test_a_file_that_changes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "en.txt"
    file.write_text("a\nb\n")
    corpus = load_large(tmp_path, monkeypatch)
    os.utime(file, ns=(1, 1))
    with pytest.raises(TokbenchError, match="was changed while it was read"):
        corpus.texts("en")
