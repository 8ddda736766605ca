"""Compressed files and archives: what they hold is read, bombs and damage are refused, nothing is unpacked to disk."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tokbench import TokbenchError, load_corpus
from tokbench.corpora import _storage
from tokbench.corpora._storage import is_dir, is_file, is_plain, list_folder, only_file, open_binary, suffix_of
from tokbench.corpora._utf8 import read_bytes


def zstd(content: bytes) -> bytes:
    zstandard = pytest.importorskip("zstandard")
    packed: bytes = zstandard.ZstdCompressor().compress(content)
    return packed


def zipped(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", content)
    return buffer.getvalue()


PACKERS = [(".gz", gzip.compress), (".bz2", bz2.compress), (".xz", lzma.compress), (".zst", zstd), (".zip", zipped)]
RECORDS = b'{"en": "one", "de": "eins"}\n{"en": "two", "de": "zwei"}\n'


@pytest.mark.parametrize(("suffix", "pack"), PACKERS, ids=[suffix for suffix, _ in PACKERS])
def test_compressed_records(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    file = tmp_path / f"a.jsonl{suffix}"
    file.write_bytes(pack(RECORDS))
    corpus = load_corpus(file)
    assert (corpus.name, corpus.format, corpus.n) == ("a", "jsonl", 2)
    assert corpus.texts("de") == ["eins", "zwei"]
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]


@pytest.mark.parametrize(("suffix", "pack"), PACKERS, ids=[suffix for suffix, _ in PACKERS])
def test_damaged_files_are_told(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    file = tmp_path / f"a.jsonl{suffix}"
    packed = bytearray(pack(RECORDS * 100))
    for content in (packed[: len(packed) // 2], packed[:40] + b"\0\xff" * 8 + packed[56:]):
        file.write_bytes(content)
        with pytest.raises(TokbenchError, match=r"is damaged|not a text in UTF-8") as caught:
            load_corpus(file)
        assert "\n" not in str(caught.value)


def test_frames_of_zstd(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.zst").write_bytes(zstd(RECORDS) + zstd(b"") + zstd(RECORDS))
    assert load_corpus(tmp_path / "a.jsonl.zst").n == 4


@pytest.mark.parametrize(("suffix", "pack"), PACKERS, ids=[suffix for suffix, _ in PACKERS])
def test_bombs(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / f"a.jsonl{suffix}"
    file.write_bytes(pack(b'{"text": "a"}\n' * 200_000))
    monkeypatch.setattr(_storage, "RATIO_FROM", 1 << 20)
    with pytest.raises(TokbenchError, match="unpacks to more than 200 times its size, as no text does"):
        load_corpus(file)
    monkeypatch.setattr(_storage, "RATIO_FROM", 1 << 30)
    monkeypatch.setattr(_storage, "MOST_UNPACKED", 1 << 20)
    with pytest.raises(TokbenchError, match="unpacks to more than 1 MiB, the most that is unpacked in memory"):
        load_corpus(file)


def test_an_archive_is_a_folder(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for name in ("x/one.txt", "x/y/two.txt.gz", "three.txt", "../up.txt", "/root.txt"):
            made.writestr(name, gzip.compress(b"packed") if name.endswith("gz") else name)
    assert is_dir(archive)
    assert not is_file(archive)
    assert [path.relative_to(archive).as_posix() for path in list_folder(archive)] == ["three.txt", "x"]
    assert list_folder(archive / "x") == [archive / "x" / "one.txt", archive / "x" / "y"]
    assert is_dir(archive / "x" / "y")
    assert is_file(archive / "x" / "one.txt")
    assert not is_file(archive / "x")
    assert not is_file(archive / "nothing")
    assert read_bytes(archive / "x" / "one.txt") == b"x/one.txt"
    assert read_bytes(archive / "x" / "y" / "two.txt.gz") == b"packed"
    assert suffix_of(archive / "x" / "y" / "two.txt.gz") == ".txt"
    assert only_file(archive) is None
    assert not is_plain(archive / "three.txt")
    with pytest.raises(TokbenchError, match="there is no file"), open_binary(archive / "nothing"):
        pass


def test_documents_that_are_zip_files_are_no_archives(tmp_path: Path) -> None:
    document = tmp_path / "a.zip"
    with zipfile.ZipFile(document, "w") as made:
        made.writestr("[Content_Types].xml", "<x/>")
    assert is_file(document)
    with pytest.raises(TokbenchError, match=r"is compressed \(zip\)"):
        load_corpus(document)


def test_an_archive_of_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_storage, "MOST_ENTRIES", 0)
    (tmp_path / "a.zip").write_bytes(zipped(b"{}"))
    with pytest.raises(TokbenchError, match="has 1 entries, more than 0; unpack it first"):
        load_corpus(tmp_path / "a.zip")


def test_tar_archives_and_parquet_in_archives_say_what_to_do(tmp_path: Path) -> None:
    tar = tmp_path / "a.tar.gz"
    tar.write_bytes(gzip.compress(b"a.txt".ljust(257, b"\0") + b"ustar".ljust(255, b"\0")))
    with pytest.raises(TokbenchError, match="is a tar archive; unpack it: tar -xf"):
        load_corpus(tar)
    (tmp_path / "a.parquet.gz").write_bytes(gzip.compress(b"PAR1\0\0"))
    with pytest.raises(TokbenchError, match="where Parquet cannot be read; unpack it first"):
        load_corpus(tmp_path / "a.parquet.gz")


def test_zstd_needs_an_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    (tmp_path / "a.jsonl.zst").write_bytes(zstd(RECORDS))
    monkeypatch.setitem(sys.modules, "compression.zstd", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(TokbenchError, match=r"compressed, needs the library zstandard.*tokbench\[zstd\]"):
        load_corpus(tmp_path / "a.jsonl.zst")


def test_a_name_in_an_archive_that_is_no_utf8_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("\u00e9\u00e9.txt", "one\n")
    path.write_bytes(path.read_bytes().replace("\u00e9\u00e9".encode(), b"\xff\xff\xff\xff"))
    with pytest.raises(TokbenchError, match=r"is damaged \(zip\)"):
        load_corpus(path)
