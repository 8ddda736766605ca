"""Own corpora: the manifest is held to the last byte, and the default corpus is found."""

from __future__ import annotations

import hashlib
import shutil
import tomllib
from pathlib import Path

import pytest

import tokbench.corpora
from tokbench.corpora import (
    DEFAULT_CORPUS,
    bundled,
    bundled_corpora,
    inspect_corpus,
    load_corpus,
    read_manifest,
    verify_manifest,
    write_manifest,
)
from tokbench.errors import TokbenchError

DRAFT = """# a draft
name = "made"
title = "A corpus of \\"made\\" texts"
version = "1.0"
licence = "CC0-1.0"
source = "own"

[[language]]
tag = "zh"
name = "Chinese"
script = "Hans"
file = "zh.txt"

[[language]]
tag = "en"
name = "English"
script = "Latn"
file = "en.txt"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "made"
    made.mkdir()
    (made / "manifest.toml").write_text(DRAFT)
    (made / "en.txt").write_text("one\ntwo\n")
    (made / "zh.txt").write_bytes("一\n二\n".encode())
    (made / "segments.tsv").write_text("segment\tdocument\tregister\n1\tnews-1\tnews\n2\ttalk-1\ttalk\n")
    return made


def test_write_fills_in_what_can_be_computed(folder: Path) -> None:
    manifest = write_manifest(folder)
    chinese = hashlib.sha256("一\n二\n".encode()).hexdigest()
    english = hashlib.sha256(b"one\ntwo\n").hexdigest()
    assert tomllib.loads((folder / "manifest.toml").read_text(encoding="utf-8")) == {
        "name": "made",
        "title": 'A corpus of "made" texts',
        "version": "1.0",
        "licence": "CC0-1.0",
        "source": "own",
        "segments": 2,
        "sha256": load_corpus(folder).sha256,
        "language": [
            {"tag": "zh", "name": "Chinese", "script": "Hans", "file": "zh.txt", "sha256": chinese},
            {"tag": "en", "name": "English", "script": "Latn", "file": "en.txt", "sha256": english},
        ],
    }
    assert manifest == verify_manifest(folder) == read_manifest(folder) == write_manifest(folder)


def test_an_own_corpus_is_read_in_the_order_of_its_manifest(folder: Path) -> None:
    write_manifest(folder)
    corpus = load_corpus(folder)
    assert (corpus.name, corpus.format, corpus.source, corpus.licence) == ("made", "bundled", "own", "CC0-1.0")
    assert corpus.languages == ("zh", "en")
    assert corpus.documents is not None
    assert corpus.documents.rows() == [(0, "news-1", "news"), (1, "talk-1", "talk")]
    assert load_corpus(folder, languages=["en"]).texts("en") == ["one", "two"]
    with pytest.raises(TokbenchError, match=r"the manifest of .* names its files, but en is given"):
        load_corpus(f"{folder}:en=en.txt")


def test_a_file_that_was_changed_is_refused(folder: Path) -> None:
    write_manifest(folder)
    (folder / "en.txt").write_text("one\ntwp\n")
    for check in (verify_manifest, load_corpus):
        with pytest.raises(TokbenchError, match=r"en.txt has the sha256 [0-9a-f]{16}…, the manifest says"):
            check(folder)
    assert load_corpus(folder, languages=["zh"]).n == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "made"', 'name = "other"', "name is 'other', but the corpus has 'made'"),
        ("segments = 2", "segments = 3", "segments is 3, but the corpus has 2"),
        ("segments = 2", 'segments = "2"', "segments is '2', not a number above 0"),
        ('version = "1.0"', "", "version is missing"),
        ('version = "1.0"', 'version = "1.0"\nauthor = "x"', "author is unknown"),
        ('version = "1.0"', 'version = ""', "version is '', not a text"),
        ('script = "Latn"', "", "language 2: script is missing"),
        ('tag = "en"', 'tag = "zh"', "two languages with the tag 'zh'"),
        ('tag = "en"', 'tag = "English"', "'English' in 'en.txt' is not a language tag"),
        ('file = "en.txt"', 'file = "../en.txt"', "'en' in '../en.txt' is not a language tag with a file"),
        ('file = "en.txt"', 'file = "fr.txt"', "there is no file"),
        ('version = "1.0"', "version = 1.0.0", "manifest.toml is not valid TOML"),
    ],
)
def test_a_manifest_that_is_wrong(folder: Path, old: str, new: str, message: str) -> None:
    write_manifest(folder)
    file = folder / "manifest.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(TokbenchError) as caught:
        verify_manifest(folder)
    assert message in str(caught.value)


def test_texts_that_no_manifest_mends(folder: Path) -> None:
    (folder / "fr.txt").write_text("un\ndeux\n")
    with pytest.raises(TokbenchError, match=r"does not name the file fr.txt"):
        write_manifest(folder)
    (folder / "fr.txt").unlink()
    (folder / "en.txt").write_text("one\n \n")
    with pytest.raises(TokbenchError, match="line 2 is empty in en"):
        write_manifest(folder)


def test_segments_of_several_lines_in_columns_that_are_no_languages(folder: Path) -> None:
    file = folder / "manifest.toml"
    text = DRAFT.replace('source = "own"', 'source = "own"\ncolumns = "programming languages"\nseparator = "--"')
    file.write_text(text.replace('tag = "zh"', 'tag = "c-99"').replace('tag = "en"', 'tag = "python"'))
    (folder / "zh.txt").write_text("int a;\n--\n\nint b; --\n\tc--;\n")
    (folder / "en.txt").write_text("a = 1\n\n\n--\nb = 2\n")
    manifest = write_manifest(folder)
    assert (manifest.columns, manifest.separator, manifest.segments) == ("programming languages", "--", 2)
    assert manifest == read_manifest(folder)
    corpus = load_corpus(folder)
    assert corpus.texts("c-99") == ["int a;", "\nint b; --\n\tc--;"]
    assert corpus.texts("python") == ["a = 1\n\n", "b = 2"]
    (folder / "en.txt").write_text("a = 1\n--\n\n")
    with pytest.raises(TokbenchError, match="segment 2 is empty in python"):
        write_manifest(folder)
    file.write_text(file.read_text().replace('tag = "python"', 'tag = "C++"'))
    with pytest.raises(TokbenchError, match=r"'C\+\+' in 'en.txt' is not a lower-case name with a file"):
        read_manifest(folder)
    file.write_text(file.read_text().replace('separator = "--"', "separator = 2"))
    with pytest.raises(TokbenchError, match="separator is 2, not a text"):
        read_manifest(folder)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("1\ta\tb\n", "has 1 segments, the corpus 2"),
        ("1\ta\tb\n3\ta\tb\n", ":3: the row is not that of segment 2"),
        ("1\ta\n2\ta\n", ":2: the row is not that of segment 1"),
    ],
)
def test_segments_that_do_not_fit(folder: Path, rows: str, message: str) -> None:
    (folder / "segments.tsv").write_text(f"segment\tdocument\tregister\n{rows}")
    with pytest.raises(TokbenchError, match=message):
        write_manifest(folder)
    (folder / "segments.tsv").write_text(rows)
    with pytest.raises(TokbenchError, match=r"segments.tsv:1: the columns are not segment, document, register"):
        write_manifest(folder)


def test_bundled_corpora_of_a_wheel_come_first(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(folder)
    package = tmp_path / "site-packages" / "tokbench" / "corpora"
    shutil.copytree(folder, package / "bundled" / "made")
    monkeypatch.setattr(bundled, "__file__", str(package / "bundled.py"))
    assert bundled_corpora() == {"made": package / "bundled" / "made"}
    assert load_corpus("made").n == 2
    with pytest.raises(TokbenchError, match="there is no corpus 'mad'; did you mean 'made'"):
        load_corpus("mad")


def test_bundled_corpora_of_a_checkout(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(folder)
    shutil.copytree(folder, tmp_path / "repo" / "corpora" / "made")
    monkeypatch.setattr(bundled, "__file__", str(tmp_path / "repo" / "tokbench" / "corpora" / "bundled.py"))
    assert bundled_corpora() == {}  # a folder called corpora beside an installed package is somebody else's
    (tmp_path / "repo" / "pyproject.toml").write_text("")
    assert list(bundled_corpora()) == ["made"]


def test_the_default_corpus_is_what_its_manifest_says() -> None:
    folder = bundled_corpora()[DEFAULT_CORPUS]
    manifest = verify_manifest(folder)
    assert (manifest.licence, manifest.source) == ("CC0-1.0", "own")
    assert {"en", "zh", "ja", "ko", "ar", "he", "hi", "th", "ru", "de", "fr", "es", "tr", "sw"} <= {
        language.tag for language in manifest.languages
    }
    assert len({language.script for language in manifest.languages}) >= 8
    corpus = tokbench.corpora.load_corpus()
    assert (corpus.name, corpus.sha256, corpus.n) == (DEFAULT_CORPUS, manifest.sha256, manifest.segments)
    assert corpus.n >= 250
    assert corpus.documents is not None
    assert corpus.documents["register"].n_unique() >= 5
    report = inspect_corpus(corpus)
    dirt = {"duplicate", "not_nfc", "bom", "crlf", "replacement", "c1", "nul", "control", "inner_bom", "separator"}
    assert dirt.isdisjoint(report.nonzero_findings["finding"].to_list())
