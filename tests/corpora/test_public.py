"""Public corpora by name: downloaded, found again, listed, and never taken from elsewhere than said."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import tokbench as tb
from helpers.archives import CORPUS, offer_corpus, pack_tar, pack_zip
from helpers.commands import refuse, run
from helpers.corpora import write_corpus
from helpers.web import Web, digest, read_record
from helpers.web import web as web
from tokbench.corpora import bundled_corpora, load_corpus, public_corpora
from tokbench.corpora._public import public_names
from tokbench.errors import CorpusWarning, UnavailableError


@pytest.fixture(autouse=True)
def no_folders(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TOKBENCH_CORPORA", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("pack", [pack_tar, pack_zip])
def test_pull_says_the_licence_and_the_name_works_from_then_on(
    web: Web, monkeypatch: pytest.MonkeyPatch, pack: type
) -> None:
    data = pack(CORPUS)
    offer_corpus(web, monkeypatch, data)
    done = run("pull", "two")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "two: Two languages",
        "  licence CC0-1.0, http://example.org/two",
        f"  downloading about 0 MB from {web.address}/two.tar.gz",
    ]
    dev = load_corpus("two/dev")
    assert lines[3] == f"  -c two/dev: 2 languages x 2 segments, sha256 {dev.sha256}"
    assert lines[4].startswith("  -c two/devtest: 2 languages x 1 segments, sha256 ")
    assert (dev.name, dev.licence, dev.n, dev.languages) == ("two-dev", "CC0-1.0", 2, ("eng_Latn", "tha_Thai"))
    assert load_corpus("two/devtest", languages=["tha_Thai"]).texts("tha_Thai") == ["สาม"]
    folder = Path(os.environ["TOKBENCH_CACHE"]) / "corpora" / "two"
    assert sorted(path.name for path in folder.iterdir()) == ["README", "dev", "devtest", "tokbench-hashes"]
    assert read_record()[f"{web.address}/two.tar.gz"]["sha256"] == digest(data)
    asked = list(web.asked)
    again = run("pull", "TWO/dev")
    assert again.stdout == f"two/dev: here already, in {folder / 'dev'}\n"
    assert web.asked == asked


def test_several_names_and_one_that_fails(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_corpus(web, monkeypatch, b"no archive")
    done = run("pull", "utf8", "two")
    assert done.returncode == 1
    assert "utf8: here already: bytes from built in" in done.stdout
    assert done.stderr == (
        "tokbench: the archive of two cannot be unpacked: it is neither .tar.gz nor .zip; it may have changed: "
        "report it\n"
    )
    refuse("pull", "two/test", says="two/test")


def test_a_changed_archive_is_refused_and_nothing_is_left(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_corpus(web, monkeypatch, pack_tar(CORPUS))
    assert run("pull", "two").returncode == 0
    folder = Path(os.environ["TOKBENCH_CACHE"]) / "corpora" / "two"
    (folder / "dev" / "eng_Latn.dev").write_bytes(b"one\nTWO\n")
    damaged = run("corpus", "two/dev")
    assert damaged.returncode == 2
    assert "dev/eng_Latn.dev differs from the one recorded" in damaged.stderr
    assert "the corpus two/dev is not here; run `tokbench pull two`" in damaged.stderr
    web.files["/two.tar.gz"] = pack_tar({**CORPUS, "top/dev/eng_Latn.dev": b"one\nother\n"})
    changed = run("pull", "two")
    assert changed.returncode == 2
    assert "is not the known file" in changed.stderr
    assert not folder.exists()
    assert list(folder.parent.iterdir()) == []


def test_a_known_hash_is_held_to(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_corpus(web, monkeypatch, pack_tar(CORPUS), f'sha256 = "{"0" * 64}"')
    done = run("pull", "two")
    assert done.returncode == 2
    assert f"{web.address}/two.tar.gz is not the known file" in done.stderr
    offer_corpus(web, monkeypatch, (data := pack_tar(CORPUS)), f'sha256 = "{digest(data)}"')
    assert run("pull", "two").returncode == 0
    assert read_record() == {}


def test_an_archive_whose_corpus_cannot_be_read_is_not_kept(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_corpus(web, monkeypatch, pack_tar({**CORPUS, "top/dev/tha_Thai.dev": b"only one\n"}))
    done = run("pull", "two")
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert "tha_Thai" in done.stderr
    assert read_record() == {}
    assert not (Path(os.environ["TOKBENCH_CACHE"]) / "corpora" / "two").exists()


def test_offline_and_unreachable(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    offer_corpus(web, monkeypatch, pack_tar(CORPUS))
    done = run("pull", "two", HF_HUB_OFFLINE="1")
    assert done.returncode == 2
    assert done.stderr.startswith("tokbench: two cannot be downloaded: offline; unset HF_HUB_OFFLINE")
    assert web.asked == []
    del web.files["/two.tar.gz"]
    done = run("pull", "two")
    assert done.returncode == 2
    assert "could not be downloaded: status 404" in done.stderr


def test_a_cache_that_cannot_be_written(web: Web, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    offer_corpus(web, monkeypatch, pack_tar(CORPUS))
    (tmp_path / "file").touch()
    done = run("pull", "two", TOKBENCH_CACHE=str(tmp_path / "file"))
    assert done.returncode == 2
    assert "two was downloaded, but cannot be cached; set TOKBENCH_CACHE to a writable folder" in done.stderr


# ---- where a name leads


def test_folders_listed_in_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_corpus(tmp_path / "mine" / "flores200_dataset" / "dev", eng_Latn=["a"], tha_Thai=["b"])
    write_corpus(tmp_path / "mine" / "NTREX" / "NTREX-128", eng=["c"], tha=["d"])
    write_corpus(tmp_path / "mine" / "own" / "de", en=["e"], de=["f"])
    monkeypatch.setenv("TOKBENCH_CORPORA", os.pathsep.join(["/nowhere", str(tmp_path / "mine"), ""]))
    assert load_corpus("flores200/dev").name == "flores200_dataset-dev"
    assert load_corpus("FLORES-200/dev").licence == "CC BY-SA 4.0"
    assert load_corpus("flores200").languages == ("eng_Latn", "tha_Thai")  # the only part that is here
    assert load_corpus("ntrex128").languages == ("eng", "tha")
    assert load_corpus("own/de").licence is None
    refuse(
        "corpus", "flores200/devtest", says="the corpus flores200/devtest is not here; run `tokbench pull flores200`"
    )
    refuse("corpus", "flores200/dav", says="flores200 has no part 'dav'; it has: flores200/dev, flores200/devtest")
    refuse("corpus", "../mine/own/de/x", says="there is no corpus")


def test_folders_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_CORPORA", "/" + "a" * 300)
    refuse("corpus", "ntrex128", says="cannot access")
    refuse("list", "corpora", says="cannot access")
    monkeypatch.setenv("TOKBENCH_CORPORA", "~nosuchuser")
    refuse("list", "corpora", says="there is no such home folder")
    monkeypatch.setenv("TOKBENCH_CORPORA", os.pathsep.join(["/dev/null", "relative", ""]))
    refuse("corpus", "ntrex128", says="run `tokbench pull ntrex128`")


def test_a_corpus_that_is_not_here_says_how_to_get_it() -> None:
    with pytest.raises(UnavailableError, match="run `tokbench pull ntrex128`"):
        tb.load_corpus("ntrex128")
    refuse("corpus", "ntrex12", says="did you mean 'ntrex128'?")


def test_a_path_is_read_where_the_named_corpus_is_not_here(tmp_path: Path) -> None:
    write_corpus(tmp_path / "flores200" / "dev", en=["a"], de=["b"])
    assert load_corpus("flores200/dev").languages == ("de", "en")
    assert load_corpus("flores200/dev").licence is None


def test_names_come_before_paths_with_a_note(tmp_path: Path) -> None:
    write_corpus(tmp_path / "numbers", en=["a"], de=["b"])
    with pytest.warns(CorpusWarning, match=r"the corpus numbers is read from .*; write \./numbers for the file or fol"):
        assert load_corpus("numbers").n == 292
    assert load_corpus("./numbers").languages == ("de", "en")
    done = run("corpus", "numbers")
    assert done.returncode == 0
    assert done.stderr.startswith("tokbench: the corpus numbers is read from ")
    (tmp_path / "code").symlink_to(bundled_corpora()["code"])
    assert load_corpus("code").n == 24  # the same folder: no note


# ---- what is listed


def test_the_list_says_what_is_here_and_how_to_get_the_rest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_corpus(tmp_path / "ntrex128", eng=["c"], tha=["d"])
    write_corpus(tmp_path / "flores200" / "dev", eng_Latn=["a"], tha_Thai=["b"])
    rows = {row["name"]: row for row in json.loads(run("list", "corpora", "--json").stdout)}
    assert [*rows][:3] == ["code", "numbers", "tokbench14"]
    assert rows["flores200/dev"]["here"] == "not here: tokbench pull flores200"
    assert rows["flores200/dev"]["licence"] == "CC BY-SA 4.0"
    monkeypatch.setenv("TOKBENCH_CORPORA", str(tmp_path))
    rows = {row["name"]: row for row in json.loads(run("list", "corpora", "--json").stdout)}
    assert rows["flores200/dev"]["here"] == "yes"
    assert rows["flores200/devtest"]["here"] == "not here: tokbench pull flores200"
    assert rows["code"]["here"] == "built in"


def test_the_shipped_descriptions() -> None:
    assert public_names() == ["flores200/dev", "flores200/devtest", "ntrex128"]
    assert not set(public_names()) & set(bundled_corpora())
    for corpus in public_corpora().values():
        assert corpus.url.startswith("https://")
        assert corpus.url.endswith(".tar.gz")
        assert corpus.licence
        folders = {pattern.partition("/")[0] for pattern in corpus.files if "/" in pattern}
        assert folders == {part.folder for part in corpus.parts}


def test_the_real_corpora_are_what_the_descriptions_say(shared_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKBENCH_CORPORA", str(shared_data / "corpora"))
    for name, corpus in public_corpora().items():
        for part in corpus.parts:
            if (shared_data / "corpora" / name / part.folder).is_dir():
                texts = load_corpus(corpus.spell(part), languages=["eng_Latn" if name == "flores200" else "eng"])
                assert texts.n == part.segments
