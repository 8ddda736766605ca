"""Damaged results are one line that names the place."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import tokbench as tb
from helpers.commands import refuse, run
from helpers.comparisons import make_comparison
from helpers.corpora import write_corpus
from tokbench.comparison import load

Document = dict[str, Any]


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    folder = tmp_path / "saved"
    make_comparison(tmp_path).save(folder)
    return folder


def set_row(document: Document) -> None:
    document["results"][3]["value"] = "7"


DAMAGES: dict[str, Callable[[Document], object]] = {
    "corpus is missing": lambda d: d.pop("corpus"),
    "corpus.segments is a list, not a whole number": lambda d: d["corpus"].update(segments=[]),
    "corpus.segments is -1": lambda d: d["corpus"].update(segments=-1),
    "corpus.segments needs more than 64 bits": lambda d: d["corpus"].update(segments=2**64),
    "corpus.languages is empty": lambda d: d["corpus"].update(languages=[]),
    "corpus.languages has one name twice": lambda d: d["corpus"].update(languages=["en", "en"]),
    "corpus.languages[1] is null, not a text": lambda d: d["corpus"].update(languages=["en", None]),
    "corpus.reference holds 'de'": lambda d: d["corpus"].update(reference="de"),
    "corpus.bootstrap is not RESAMPLES": lambda d: d["corpus"].update(bootstrap="x"),
    "corpus has 'x'": lambda d: d["corpus"].update(x=1),
    "corpus.name is not Unicode": lambda d: d["corpus"].update(name="\ud800"),
    "tokenizers is an object, not a list": lambda d: d.update(tokenizers={}),
    "there are no tokenizers": lambda d: d.update(tokenizers=[]),
    "tokenizers[0].vocab_total is a number, not a whole number": lambda d: d["tokenizers"][0].update(vocab_total=1.5),
    "tokenizers[1].sha256 is missing": lambda d: d["tokenizers"][1].pop("sha256"),
    "results[3].value is a text, not a number": set_row,
    "results[0].value is not finite": lambda d: d["results"][0].update(value=float("nan")),
    "results[0] has no 'unit'": lambda d: d["results"][0].pop("unit"),
    "results.metric holds 'x'": lambda d: d["results"][0].update(metric="x"),
    "results.tokenizer holds null": lambda d: d["results"][0].update(tokenizer=None),
    "twice": lambda d: d["results"].append(d["results"][0]),
    "environment.cores is a text, not a whole number": lambda d: d["environment"].update(cores="8"),
    "examples[0].cuts": lambda d: d["examples"][0]["cuts"][0].update(ids=[1] * 1000),
}


@pytest.mark.parametrize("says", DAMAGES)
def test_what_does_not_fit_is_named(saved: Path, says: str) -> None:
    file = saved / "comparison.json"
    document = json.loads(file.read_bytes())
    DAMAGES[says](document)
    file.write_text(json.dumps(document))
    refuse("report", str(file), "-o", str(saved / "r.md"), says=says)
    assert not (saved / "r.md").exists()


@pytest.mark.parametrize("content", ["[" * 100_000, '{"results": ' + "[" * 100_000, "[]", "7", "null", "", "\x00"])
def test_what_is_no_result_is_one_line(tmp_path: Path, content: str) -> None:
    file = tmp_path / "r.json"
    file.write_text(content)
    refuse("report", str(file), "-o", str(tmp_path / "r.md"), says="not a saved comparison")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_without_a_writer_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "r.json")
    refuse("diff", str(tmp_path / "r.json"), str(tmp_path / "r.json"), says="no regular file")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names")
def test_a_pipe_among_the_counts_is_not_waited_for(saved: Path) -> None:
    (saved / "ids.parquet").unlink()
    os.mkfifo(saved / "ids.parquet")
    refuse("diff", str(saved), str(saved), says="ids.parquet is no regular file")


def test_a_link_to_itself_is_one_line(tmp_path: Path) -> None:
    link = tmp_path / "r.json"
    link.symlink_to(link)
    refuse("report", str(link), "-o", str(tmp_path / "r.md"), says="cannot read")


def test_timings_nested_too_deeply_are_one_line(tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    file.write_text('{"timings": ' + "[" * 100_000)
    refuse("cost", "utf8", "-n", "1", "--timings", str(file), says="no timings")


def test_counts_of_another_kind_are_named(saved: Path) -> None:
    pl.DataFrame({"lang": ["en"]}).write_parquet(saved / "texts.parquet")
    with pytest.raises(tb.TokbenchError, match=r"texts\.parquet: the column segment is missing"):
        load(saved)


def test_what_was_saved_is_loaded_as_it_was(saved: Path) -> None:
    again = saved.parent / "again"
    load(saved).save(again)
    assert (again / "comparison.json").read_bytes() == (saved / "comparison.json").read_bytes()


def test_results_on_other_texts_are_compared_only_by_force(tmp_path: Path) -> None:
    corpora = {
        "first": write_corpus(tmp_path / "a", en=["ab cd", "e"], zh=["\u4f60", "\u597d"]),
        "other": write_corpus(tmp_path / "b", en=["ab cd", "f"], zh=["\u4f60", "\u597d"]),
        "longer": write_corpus(tmp_path / "c", en=["ab cd", "e", "f"], zh=["\u4f60", "\u597d", "\u597d"]),
        "english": write_corpus(tmp_path / "d", en=["ab cd", "e"]),
    }
    for name, corpus in corpora.items():
        tb.compare(["utf8"], corpus, throughput=False, bootstrap=None).save(tmp_path / name)
    says = {"other": "different texts", "longer": "2 and 3 segments", "english": "languages en, zh and en"}
    for name, reason in says.items():
        refuse("diff", str(tmp_path / "first"), str(tmp_path / name), says=f"not comparable: {reason}")
        assert run("diff", str(tmp_path / "first"), str(tmp_path / name), "--force").returncode == 0
