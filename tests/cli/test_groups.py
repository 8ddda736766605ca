"""Several corpora, --split and --weights on the command line; what reports say of groups."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest

from helpers.commands import USAGE, refuse, run
from helpers.corpora import write_corpus
from tokbench.corpora import LanguageText, RawCorpus, _loading
from tokbench.corpora._text_groups import build_groups

QUICK = ("--no-throughput", "--resamples", "20", "-q")


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    monkeypatch.chdir(tmp_path)
    write_corpus(tmp_path / "news", en=["one", "two", "three"], de=["eins", "zwei", "drei"])
    write_corpus(tmp_path / "talks", en=["hello there"])
    return "-c", "news", "-c", "talks"


def compare(*arguments: str) -> dict[str, object]:
    result = run("compare", "utf8", "byt5", *arguments, *QUICK, "-f", "json")
    assert result.returncode == 0, result.stderr
    document: dict[str, object] = json.loads(result.stdout)
    return document


def test_a_corpus_is_described_as_it_is_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a.txt").write_text("one\ntwo\n\nthree\n", encoding="utf-8")
    sizes = {}
    for split in ("lines", "documents", "none"):
        described = json.loads(run("corpus", "a.txt", "--split", split, "--json").stdout)
        corpus = compare("-c", "a.txt", "--split", split)["corpus"]
        assert isinstance(corpus, dict)
        assert described["segments"] == corpus["segments"]
        sizes[split] = described["segments"]
    assert sizes == {"lines": 3, "documents": 2, "none": 1}


def test_the_files_of_a_bundled_corpus_are_named_without_their_folder() -> None:
    shown = run("corpus", "code", "-l", "go,php", COLUMNS="80").stdout
    assert "\ngo    go.txt         24" in shown


def test_several_corpora_are_groups(folders: tuple[str, ...]) -> None:
    corpus = compare(*folders)["corpus"]
    assert isinstance(corpus, dict)
    assert corpus["languages"] == ["de", "news/en", "talks/en"]
    assert corpus["sizes"] == {"de": 3, "news/en": 3, "talks/en": 1}
    assert corpus["name"] == "news+talks"
    chosen = compare(*folders, "-l", "talks/en,de", "-n", "2")["corpus"]
    assert isinstance(chosen, dict)
    assert chosen["sizes"] == {"talks/en": 1, "de": 2}
    one = compare("-c", "news")["corpus"]
    assert isinstance(one, dict)
    assert "aligned" not in one  # a single corpus stays parallel
    both = compare(*folders, "-l", "en")["corpus"]
    assert isinstance(both, dict)
    assert both["languages"] == ["news/en", "talks/en"]
    unknown = run("compare", "utf8", *folders, "-l", "fr")
    assert unknown.returncode == USAGE
    assert "news+talks has no group 'fr'" in unknown.stderr


def test_tables_name_groups_and_say_once_what_is_undefined(folders: tuple[str, ...]) -> None:
    shown = run("compare", "utf8", "byt5", *folders, *QUICK, COLUMNS="200").stdout
    assert "3 groups, 7 segments" in shown
    assert shown.count("since it needs parallel text: premium, gini and 8 more") == 1
    by_group = run("compare", "utf8", "byt5", *folders, *QUICK, "--by", "language").stdout
    assert "group" in by_group
    assert "language" not in by_group
    assert "premium  " not in by_group
    assert "bytes/token" in by_group


@pytest.mark.parametrize("ending", ["md", "tex", "csv", "txt"])
def test_every_report_is_written(folders: tuple[str, ...], ending: str) -> None:
    result = run("compare", "utf8", "byt5", *folders, *QUICK, "--baseline", "utf8", "--save", "saved")
    assert result.returncode == 0, result.stderr
    written = run("report", "saved", "-o", f"out.{ending}")
    assert written.returncode == 0, written.stderr
    text = Path(f"out.{ending}").read_text(encoding="utf-8")
    if ending == "md":
        assert "-c news -c talks" in text
        assert "What each language pays" not in text
        assert "Worst segments" not in text


def test_weights_make_the_values_over_all_those_of_a_mixture(folders: tuple[str, ...]) -> None:
    plain, mixed = compare(*folders), compare(*folders, "--weights", "news/en=3,talks/en=1")
    values = {}
    for name, document in (("plain", plain), ("mixed", mixed)):
        rows = document["results"]
        assert isinstance(rows, list)
        values[name] = next(
            row["value"] for row in rows
            if (row["tokenizer"], row["metric"], row["lang"]) == ("utf8", "tokens_per_segment", None)
        )  # fmt: skip
    assert values["plain"] == (11 + 12 + 11) / 7
    # Segments per byte: 3 in 11 bytes of the news, 1 in 11 of the talk.
    assert values["mixed"] == pytest.approx(1 / (0.75 * 3 / 11 + 0.25 * 1 / 11), rel=1e-12)
    shown = run("compare", "utf8", "byt5", *folders, *QUICK, "--weights", "news/en=3", "--weights", "talks/en=1").stdout
    assert "over all: the mixture of news/en 75 %, talks/en 25 % of the bytes" in " ".join(shown.split())
    markdown = run("compare", "utf8", "byt5", *folders, *QUICK, "--weights", "de=1", "--save", "s")
    assert markdown.returncode == 0
    run("report", "s", "-o", "s.md")
    assert "--weights de=1" in Path("s.md").read_text(encoding="utf-8")


def test_a_weight_of_a_corpus_is_spread_over_its_groups_by_their_bytes(folders: tuple[str, ...]) -> None:
    whole = compare(*folders, "--weights", "news=3,talks/en=1")["corpus"]
    assert isinstance(whole, dict)
    # The news has 12 bytes in German and 11 in English: 3/4 of the text, so 3/4 * 12/23 and 3/4 * 11/23.
    assert whole["shares"] == pytest.approx({"de": 9 / 23, "news/en": 33 / 92, "talks/en": 1 / 4}, rel=1e-12)
    chosen = compare(*folders, "-l", "en", "--weights", "news=1,talks=1")["corpus"]
    assert isinstance(chosen, dict)
    assert chosen["shares"] == pytest.approx({"news/en": 0.5, "talks/en": 0.5}, rel=1e-12)
    twice = run("compare", "utf8", *folders, "--weights", "news=1,de=1", *QUICK)
    assert (twice.returncode, twice.stderr.count("\n")) == (USAGE, 1)
    assert "the weights give de twice" in twice.stderr
    absent = run("compare", "utf8", *folders, "-l", "talks/en", "--weights", "news=1", *QUICK)
    assert (absent.returncode, absent.stderr.count("\n")) == (USAGE, 1)
    assert "has no 'news' to weigh" in absent.stderr


@pytest.mark.parametrize(
    ("weights", "fault"),
    [
        ("en", "which is not LABEL=WEIGHT"),
        ("=1", "which is not LABEL=WEIGHT"),
        ("en=1,en=2", "gives en twice"),
        ("en=0", "the weight of en is 0"),
        ("en=-1", "the weight of en is '-1'"),
        ("en=nan", "the weight of en is 'nan'"),
        ("fr=1", "has no 'fr' to weigh; it has: de, en"),
    ],
)
def test_wrong_weights_are_refused_in_one_line(folders: tuple[str, ...], weights: str, fault: str) -> None:
    result = run("compare", "utf8", "-c", "news", "--weights", weights, *QUICK)
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (USAGE, "", 1)
    assert fault in result.stderr


class SplitReader:
    """A reader of groups that returns the option `split` as its text."""

    def claims(self, path: Path) -> bool:
        return path.suffix == ".txt"

    def read(self, path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
        return RawCorpus(path.stem, [LanguageText("text", pl.Series([str(dict(options))]), str(path))], aligned=False)


def test_split_reaches_the_reader(folders: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_loading, "READERS", {"text": SplitReader()})
    Path("a.txt").write_text("a")
    assert _loading.load_corpus("a.txt", split="none").texts("text") == ["{'split': 'none'}"]
    assert _loading.load_corpus("a.txt").texts("text") == ["{}"]
    shown = run("compare", "utf8", "-c", "a.txt", "--split", "documents", *QUICK)
    assert "1 group, 1 segment" in shown.stdout
    assert run("compare", "utf8", "-c", "a.txt", "--split", "words").returncode == USAGE
    assert build_groups(SplitReader().read(Path("a.txt"), {}, None), "text", "a.txt").languages == ("text",)


def test_corpus_report_and_cost_of_groups(folders: tuple[str, ...]) -> None:
    costs = run("cost", "utf8", *folders, "--model", "pythia-70m", "-q", COLUMNS="200")
    assert costs.returncode == 0, costs.stderr
    assert "no premiums: they need parallel text" in costs.stdout
    refused = run("compare", "utf8", *folders, "--reference", "de", *QUICK)
    assert (refused.returncode, "there is no reference language" in refused.stderr) == (USAGE, True)


def test_rows_of_whole_texts_have_no_mixture() -> None:
    refuse(
        "compare", "utf8", "-l", "en,de", "--weights", "en=1,de=2", "--by", "register",
        says="values by register are of whole texts, not of a mixture; leave one of them out",
    )  # fmt: skip
