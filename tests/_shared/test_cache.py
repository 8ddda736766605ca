"""The cache: what is damaged is made anew with a note, and one that cannot be written stops nothing."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers import cache_damage, made
from tokbench._shared.cache import cache_path, keep_folder, read_arrays, read_json, write_arrays, write_json
from tokbench._shared.files import create_folder_beside, write_whole
from tokbench._shared.hashes import Record
from tokbench.errors import CacheWarning, TokbenchError

NAMES = frozenset({"ids", "empty"})
ARRAYS = {"ids": np.arange(100, dtype=np.int32), "empty": np.zeros(0, np.uint8)}


@pytest.mark.smoke
def test_arrays_and_documents_come_back() -> None:
    place = cache_path("kind", 1, "two")
    assert read_arrays(place, NAMES) is None
    assert read_json(place) is None
    write_arrays(place, ARRAYS)
    write_json(place, {"reason": None})
    found = read_arrays(place, NAMES)
    assert found is not None
    assert found["ids"].tolist() == [*range(100)]
    assert len(found["empty"]) == 0
    assert read_json(place) == {"reason": None}


def test_no_bit_of_what_is_kept_can_change_unnoticed() -> None:
    place = cache_path("kind", "document")
    write_json(place, {"engine": "x==1", "reason": None})
    path = place.with_suffix(".document")
    whole = path.read_bytes()
    for bit in range(8 * len(whole)):
        path.write_bytes(cache_damage.flip(whole, bit))
        with pytest.warns(CacheWarning, match="is damaged"):
            assert read_json(place) is None


def test_a_kept_file_in_the_place_of_another_is_damage() -> None:
    first, second = cache_path("kind", "first"), cache_path("kind", "second")
    write_arrays(first, ARRAYS)
    shutil.copy(first.with_suffix(".arrays"), second.with_suffix(".arrays"))
    with pytest.warns(CacheWarning, match="is damaged"):
        assert read_arrays(second, NAMES) is None


def test_arrays_of_another_layout_are_made_anew() -> None:
    place = cache_path("kind", "layout")
    write_arrays(place, ARRAYS)
    with pytest.warns(CacheWarning, match="is damaged"):
        assert read_arrays(place, NAMES | {"other"}) is None


def fill(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / "sub" / "model.bin").write_bytes(bytes(1000))
    (folder / "config.json").write_text("{}")


def test_a_folder_is_filled_once_and_again_where_it_is_damaged() -> None:
    target = cache_path("models", "one")
    filled: list[Path] = []

    def count(folder: Path) -> None:
        filled.append(folder)
        fill(folder)

    assert keep_folder(target, count) == keep_folder(target, count) == target
    assert len(filled) == 1
    for name in ("sub/model.bin", "config.json", "tokbench-hashes"):
        file = target / name
        whole = file.read_bytes()
        for damage in (cache_damage.flip(whole, 9), whole[:-1], b""):
            file.write_bytes(damage)
            with pytest.warns(CacheWarning, match="is damaged"):
                keep_folder(target, count)
            assert file.read_bytes() == whole
    file.parent.joinpath("config.json").unlink()
    with pytest.warns(CacheWarning, match="No such file"):
        keep_folder(target, count)
    assert len(filled) == 11
    assert [path.name for path in target.parent.iterdir()] == [target.name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_in_the_cache_is_not_waited_for() -> None:
    place, target = cache_path("trials", "one"), cache_path("models", "pipe")
    write_json(place, {"a": 1})
    place.with_suffix(".document").unlink()
    os.mkfifo(place.with_suffix(".document"))
    with pytest.warns(CacheWarning, match=r"is damaged \(it is a pipe\)"):
        assert read_json(place) is None
    write_json(place, {"a": 2})
    assert read_json(place) == {"a": 2}
    for name in ("config.json", "tokbench-hashes"):
        keep_folder(target, fill)
        (target / name).unlink()
        os.mkfifo(target / name)
        with pytest.warns(CacheWarning, match="is damaged"):
            assert (keep_folder(target, fill) / "config.json").read_text() == "{}"
    os.mkfifo(place.with_name("hashes.json"))
    with pytest.raises(TokbenchError, match="is damaged: it is a pipe"):
        Record(place.with_name("hashes.json")).commit("key")


def test_a_folder_without_hashes_is_filled_again() -> None:
    """As an older version left it."""
    target = cache_path("models", "old")
    target.mkdir(parents=True)
    (target / "config.json").write_text("old")
    with pytest.warns(CacheWarning, match="the hashes of its files are missing"):
        keep_folder(target, fill)
    assert (target / "config.json").read_text() == "{}"


def test_a_failure_while_a_folder_is_filled_leaves_nothing() -> None:
    target = cache_path("models", "failed")

    def fail(folder: Path) -> None:
        (folder / "config.json").write_text("{}")
        raise ValueError("no such tensor")

    with pytest.raises(ValueError, match="no such tensor"):
        keep_folder(target, fail)
    assert not list(target.parent.iterdir())


def test_a_folder_without_a_cache_is_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TOKBENCH_CACHE", str(tmp_path / "file"))
    target = cache_path("models", "one")
    with pytest.warns(CacheWarning, match="cannot be written") as caught:
        folder = keep_folder(target, fill)
    assert len(caught) == 1
    assert (folder / "config.json").read_text() == "{}"
    assert keep_folder(target, fill) == folder  # and no second note


# ---- modes of files


@pytest.mark.skipif(os.name != "posix", reason="modes of files are those of POSIX")
@pytest.mark.parametrize(("umask", "file_mode", "folder_mode"), [(0o022, 0o644, 0o755), (0o027, 0o640, 0o750)])
def test_the_system_applies_the_umask(tmp_path: Path, umask: int, file_mode: int, folder_mode: int) -> None:
    before = os.umask(umask)
    try:
        write_whole(tmp_path / "report.json", b"{}")
        folder = create_folder_beside(tmp_path / "models")
        write_json(cache_path("kind", umask), {})
        kept = keep_folder(cache_path("models", umask), fill)
    finally:
        os.umask(before)
    for path in (tmp_path / "report.json", cache_path("kind", umask).with_suffix(".document"), kept / "config.json"):
        assert stat.S_IMODE(path.stat().st_mode) == file_mode
    assert stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(kept.stat().st_mode) == folder_mode


def test_a_name_as_long_as_the_system_allows_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / f"{'x' * 250}.json"
    write_whole(path, b"{}")
    assert [*tmp_path.iterdir()] == [path]


# ---- a cache that cannot be written, in a process of its own

RUN = """
import sys
if {limit}:  # a file may have no more bytes than this, as on a full disk
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit}))
from tokbench.__main__ import main
main()
"""


def compare(folder: Path, cache: Path, limit: int = 0) -> tuple[str, list[str]]:
    """Figures of two tokenizers on a named engine, and the lines on standard error."""
    command = [sys.executable, "-c", RUN.format(limit=limit)]
    arguments = ["compare", str(folder / "tokenizer.json"), str(folder / "rwkv_vocab.txt"), "-l", "en,zh", "-n", "20"]
    done = subprocess.run(
        [*command, *arguments, "--no-throughput", "--resamples", "0", "-f", "csv"],
        env={**os.environ, "TOKBENCH_CACHE": str(cache)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, done.stderr.splitlines()


@pytest.fixture(scope="module")
def tokenizers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizers")
    made.make_tokenizer_json(folder)
    made.make_rwkv(folder)
    return folder


@pytest.fixture(scope="module")
def figures(tokenizers: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TOKBENCH_TOKENIZERS", raising=False)
        out, notes = compare(tokenizers, tmp_path_factory.mktemp("cache"))
    assert notes == []
    return out


@pytest.mark.parametrize(
    ("cache", "limit", "reason"),
    [
        ("/dev/null/x", 0, "Not a directory"),
        ("file", 0, "File exists|Not a directory"),
        ("closed", 0, "Permission denied"),
        ("full", 60, "File too large"),
    ],
)
@pytest.mark.skipif(os.name != "posix", reason="devices, modes and limits are those of POSIX")
def test_a_cache_that_cannot_be_written_is_one_note(
    tokenizers: Path, figures: str, tmp_path: Path, cache: str, limit: int, reason: str
) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "closed").mkdir(mode=0o500)
    if cache == "closed" and os.access(tmp_path / "closed", os.W_OK):
        pytest.skip("this user may write everywhere")
    out, notes = compare(tokenizers, tmp_path / cache, limit)
    assert out == figures
    (note,) = notes
    folder, _, rest = note.removeprefix("tokbench: the cache folder ").partition(" cannot be written (")
    assert folder == str(tmp_path / cache)
    assert rest.partition(")")[0] in reason.split("|")
    assert rest.endswith("): continuing without it; set TOKBENCH_CACHE to another folder")
    assert not list((tmp_path / "full").rglob("*.part"))


def test_a_damaged_cache_is_a_note_for_each_file(tokenizers: Path, figures: str, tmp_path: Path) -> None:
    compare(tokenizers, tmp_path)
    # One after the other: a trial that is repeated mends what it reads, in its own process.
    for kinds in ({"trials"}, {"rwkv", "engines"}):
        kept = [path for path in tmp_path.rglob("*") if path.is_file() and path.parent.name in kinds]
        assert {path.parent.name for path in kept} == kinds
        for path in kept:
            path.write_bytes(cache_damage.flip(path.read_bytes(), 4000))
        out, notes = compare(tokenizers, tmp_path)
        assert out == figures
        assert len(notes) == len(kept)
        assert all(note.startswith("tokbench: ") and "is damaged" in note for note in notes)
        assert compare(tokenizers, tmp_path) == (figures, [])


# ---- bits flipped at random


def test_a_flipped_bit_never_gives_another_figure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty-four of the 2,000 that `helpers.cache_damage` flips."""
    monkeypatch.setenv("TOKBENCH_CACHE", "")  # put back afterwards
    outcome = cache_damage.run_campaign(tmp_path, flips=24, seed=7)
    assert outcome.changed == ()
    assert outcome.silent == ()
    assert len(outcome.noted) + len(outcome.refused) == 24
