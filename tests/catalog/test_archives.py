"""Unpacking archives: only what is wanted, nothing outside the folder, never more than expected."""

from __future__ import annotations

import gzip
import io
import os
import stat
import tarfile
import zipfile
from pathlib import Path

import pytest

from helpers.archives import CORPUS, pack_tar, pack_zip
from tokbench.catalog.archives import MOST_FILES, Archive, Bounded, unpack
from tokbench.errors import TokbenchError

FILES = ("README", "dev/*.dev")
GOOD = {"top/README": b"r", "top/dev/en.dev": b"a\n"}


def try_unpacking(folder: Path, data: bytes, unpacked: int = 1_000) -> list[str]:
    """The paths that an archive leaves in a folder."""
    file = folder / "archive"
    file.write_bytes(data)
    target = folder / "target"
    target.mkdir()
    unpack(Archive("one", "http://x/one", 10_000, unpacked, FILES), file, target)
    return sorted(path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file())


def refuse(folder: Path, data: bytes, says: str, unpacked: int = 1_000) -> None:
    """One line, and nothing outside the folder."""
    with pytest.raises(TokbenchError, match=f"the archive of one cannot be unpacked: .*{says}") as caught:
        try_unpacking(folder, data, unpacked)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in folder.iterdir()) == ["archive", "target"]
    assert not any(path.is_symlink() for path in folder.rglob("*"))


@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_only_files_that_match_are_unpacked(tmp_path: Path, pack: type) -> None:
    more = {"top/dev/sub/en.dev": b"x", "README": b"top itself is left out", "top/x.py": b"x", **GOOD}
    assert try_unpacking(tmp_path, pack(more)) == ["README", "dev/en.dev"]
    assert (tmp_path / "target" / "dev" / "en.dev").read_bytes() == b"a\n"


@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
@pytest.mark.parametrize(
    "name", ["../README", "top/../../README", "/top/README", "top/dev/..\\..\\en.dev", "c:/README", "top/dev/a:b.dev"]
)
def test_names_that_lead_elsewhere(tmp_path: Path, pack: type, name: str) -> None:
    refuse(tmp_path, pack({**GOOD, name: b"x"}), "leads out of its folder")


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.DIRTYPE])
def test_links_and_special_files_of_a_tar(tmp_path: Path, kind: bytes) -> None:
    info = tarfile.TarInfo("top/dev/de.dev")
    info.type, info.linkname = kind, "/etc/passwd"
    refuse(tmp_path, pack_tar(GOOD, info), "'top/dev/de.dev' is not a regular file")


def test_links_that_are_not_wanted_are_ignored(tmp_path: Path) -> None:
    info = tarfile.TarInfo("top/latest")
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    assert try_unpacking(tmp_path, pack_tar(GOOD, info)) == ["README", "dev/en.dev"]


def test_a_link_in_a_zip(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        info = zipfile.ZipInfo("top/dev/de.dev")
        info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
        packed.writestr(info, "/etc/passwd")
    refuse(tmp_path, stream.getvalue(), "not a regular file")


def test_an_encrypted_zip(tmp_path: Path) -> None:
    data = bytearray(pack_zip(GOOD))
    for magic, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(magic)
        data[at + offset] |= 1
    refuse(tmp_path, bytes(data), "'top/README' is encrypted")


@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_more_bytes_than_expected(tmp_path: Path, pack: type) -> None:
    big = {"top/dev/en.dev": b"0" * 600, "top/dev/de.dev": b"0" * 600}
    refuse(tmp_path, pack(big), "more than 1,000 bytes")


def test_a_bomb_beside_what_is_wanted(tmp_path: Path) -> None:
    refuse(tmp_path, pack_tar({"top/zeros": bytes(50_000_000), **GOOD}), "it holds more than expected", 10_000)


def test_one_read_never_gives_more_than_expected() -> None:
    packed = gzip.compress(bytes(1_000_000))
    with gzip.open(io.BytesIO(packed)) as plain:
        bounded = Bounded(plain, 1_000)
        assert len(bounded.read(900)) == 900
        with pytest.raises(ValueError, match="more than expected"):
            bounded.read(1 << 40)
        assert plain.tell() == 1_001


def test_too_many_entries(tmp_path: Path) -> None:
    files = {f"top/{number}": b"" for number in range(MOST_FILES)}
    refuse(tmp_path, pack_zip({**files, **GOOD}), "more than 10,000 entries")


@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_nothing_that_is_wanted(tmp_path: Path, pack: type) -> None:
    refuse(tmp_path, pack({"top/dev/en.txt": b"x"}), "none of the files")


def test_a_file_twice(tmp_path: Path) -> None:
    info = tarfile.TarInfo("top/README")
    refuse(tmp_path, pack_tar(GOOD, info), "'top/README' is in it twice")


@pytest.mark.parametrize("keep", [0.3, 0.7, 0.95])
@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_archives_that_are_cut_off(tmp_path: Path, pack: type, keep: float) -> None:
    data = pack({**CORPUS, "top/dev/noise.dev": os.urandom(400)})
    refuse(tmp_path, data[: int(len(data) * keep)], "")


@pytest.mark.parametrize(
    "data", [b"", b"PK\x03\x04", b"\x1f\x8b", b"\x1f\x8b\x08", b"<html>", gzip.compress(b"text", mtime=0)]
)
def test_what_is_no_archive(tmp_path: Path, data: bytes) -> None:
    refuse(tmp_path, data, "")
