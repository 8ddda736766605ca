"""`compare` and `plan` on streams: the same output whatever runs it, and what is missing is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from helpers.commands import refuse, run
from helpers.made import make_tokenizer_json
from helpers.streams import write_stream

QUICK = ("--no-throughput", "--resamples", "20")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_stream(tmp_path_factory.mktemp("source")).source


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_tokenizer_json(tmp_path_factory.mktemp("made")))


def compare(*arguments: str) -> dict[str, object]:
    """The JSON of a comparison, without its date."""
    done = run("compare", *arguments, *QUICK, "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    document["environment"]["date"] = ""
    return dict(document)


def test_any_executor_gives_the_same_output(source: str, made: str, tmp_path: Path) -> None:
    here = compare("utf8", made, "-c", source)
    local = compare(
        "utf8", made, "-c", source, "--executor", "local", "--workers", "2", "--resume", str(tmp_path / "r")
    )
    assert local == here
    again = compare("utf8", made, "-c", source, "--resume", str(tmp_path / "r"))
    assert again == here
    corpus = here["corpus"]
    assert isinstance(corpus, dict)
    assert corpus["sizes"] == {"a": 120, "b": 120}
    assert (corpus["shards"], corpus["missing"]) == (6, {})


def test_a_shard_that_cannot_be_read_is_named(made: str, tmp_path: Path) -> None:
    stream = write_stream(tmp_path / "texts", files=4)
    Path(stream.shards[2].file).write_bytes(b"fine\n" * 9 + b"\xff\xfe\n")
    for executor in ((), ("--executor", "local", "--workers", "1")):
        spec = stream.source
        done = run("compare", "utf8", made, "-c", spec, *QUICK, *executor, "-o", str(tmp_path / "found.json"))
        assert done.returncode == 1
        assert "part02/a.txt is not measured" in done.stdout
        assert done.stderr.startswith("tokbench: not measured: part02/a.txt: ")
        corpus = json.loads((tmp_path / "found.json").read_text(encoding="utf-8"))["corpus"]
        assert corpus["shards"] == 3
        assert list(corpus["missing"]) == ["part02/a.txt"]
        assert corpus["segments"] == 120


def test_what_does_not_fit_is_refused(source: str, tmp_path: Path) -> None:
    refuse("compare", "utf8", "--executor", "local", says="executor is for streams, and tokbench14 is read as a whole")
    refuse("compare", "utf8", "--resume", str(tmp_path), says="resume is for streams")
    refuse("compare", "utf8", "-c", source, "--workers", "2", says="workers belong to an executor")
    refuse("compare", "utf8", "-c", source, "--executor", "nowhere", says="no executor is called 'nowhere'")
    refuse("compare", "utf8", "-c", source, "-c", "tokbench14", says="is a stream, and cannot be beside other corpora")
    refuse("compare", "utf8", "-c", source, "-n", "5", says="whose segments are not numbered")
    refuse("compare", "utf8", "-c", source, "--reference", "a", says="is not parallel: there is no reference language")
    refuse("compare", "utf8", "-c", source, "-m", "strr_top1000", says="strr_top1000")
    refuse("compare", "utf8", "-c", source, "--weights", "a=1,c=2", says="c")
    refuse("plan", "utf8", says="no source is given; add -c SOURCE")


def test_a_plan_says_what_is_read(source: str, made: str) -> None:
    done = run("plan", "utf8", made, "-c", source, "--executor", "local", "--workers", "3", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)
    size = sum(path.stat().st_size for path in Path(source.partition("/*")[0]).rglob("*.txt"))
    assert (plan["files"], plan["shards"], plan["bytes"], plan["workers"]) == (6, 6, size, 3)
    assert plan["text_bytes"] <= size  # without line ends
    assert [one["name"] for one in plan["tokenizers"]] == ["utf8", "made"] or len(plan["tokenizers"]) == 2
    assert plan["cpu_hours"] > 0
    assert plan["assumptions"]
    shown = run("plan", "utf8", "-c", source)
    assert "core second" in shown.stdout
    assert "6 files, 6 shards" in shown.stdout
