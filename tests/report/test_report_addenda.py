"""Robustness and checks in a report: where their files are given, and only for the tokenizers compared."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from helpers.commands import refuse, run
from helpers.comparisons import make_comparison
from tokbench.analysis.robustness import read_robustness
from tokbench.analysis.soundness import Severity, read_checks
from tokbench.pythia.cost import Prices, cost
from tokbench.report._addenda import Addenda
from tokbench.report._cost_verdict import write_basis
from tokbench.report._document import compose
from tokbench.report._heat_map import HeatMap
from tokbench.report._model_runs import name_columns
from tokbench.report._table import Table

Document = dict[str, Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison, the robustness of both of its tokenizers, and checks of one."""
    place = tmp_path_factory.mktemp("addenda")
    result = make_comparison(place)
    result.save(place / "saved")
    wordpiece = str(place / "made" / "vocab.txt")
    asked = ("-c", str(place / "small"), "-p", "upper,double_space,zero_width_space", "--resamples", "20", "-q")
    done = run("robust", "utf8", wordpiece, *asked, "-o", str(place / "typed.json"))
    assert done.returncode == 0, done.stderr
    done = run("check", "utf8", "--select", "loads,bytes,ids,digits", "-q", "-o", str(place / "sound.json"))
    assert done.returncode == 0, done.stderr
    return place


def read(path: Path) -> Document:
    document: Document = json.loads(path.read_text(encoding="utf-8"))
    return document


def test_saved_results_are_read_as_they_were(folder: Path) -> None:
    document = read(folder / "typed.json")
    found = read_robustness(document)
    assert document["format"] == "tokbench-robustness/1"
    assert found.values.to_dicts() == document["values"]
    assert (found.by, found.languages, len(found.tokenizers)) == ("language", ("en", "zh"), 2)
    checks = read_checks(read(folder / "sound.json"))
    assert [verdict.check for verdict in checks.reports[0].verdicts] == ["loads", "bytes", "digits", "ids"]
    assert checks.reports[0].count(Severity.PASSED) == 3
    assert checks.demands["bytes"] == "all bytes survive"


def test_a_report_shows_robustness_and_checks(folder: Path) -> None:
    paths = [str(folder / name) for name in ("saved", "typed.json", "sound.json")]
    outputs = [folder / f"r.{ending}" for ending in ("md", "html", "tex")]
    done = run("report", *paths, *(word for path in outputs for word in ("-o", str(path))))
    assert done.returncode == 0, done.stderr
    markdown, page, latex = (path.read_text(encoding="utf-8") for path in outputs)
    for text in (markdown, page):
        assert "Robustness: typed" in text
        assert "Checks: sound" in text
    assert r"\caption{small: share of tokens unchanged, in order}" in latex
    assert r"\caption{verdicts}" in latex
    row = next(line for line in markdown.splitlines() if line.startswith("| double spaces | 1 |"))
    assert row.startswith("| double spaces | 1 | 1.15 [")  # 20 bytes, 3 spaces
    assert "| utf8 | 0 | 0 | 0 | 3 | 1 |" in markdown
    assert "Neither errors nor warnings: utf8." in markdown
    assert 'id="robustness-1"' in page
    assert page.index("Robustness: typed") < page.index("Worst segments")


def test_several_results_have_one_chapter_for_the_others(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "again").symlink_to(folder / "saved")
    again = make_comparison(tmp_path)
    again.save(tmp_path / "other")
    page = tmp_path / "r.md"
    done = run("report", *map(str, (folder / "saved", tmp_path / "other", folder / "sound.json", "-o", page)))
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert text.count("Checks: sound") == 1
    assert "## Besides the comparisons" in text


@pytest.mark.parametrize("name", ["typed.json", "sound.json", "money.json"])
def test_files_of_other_tokenizers_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    report = ("report", str(folder / "saved"), str(tmp_path / name), "-o", str(tmp_path / "r.md"))
    if name == "money.json":
        text = json.dumps(cost(make_comparison(tmp_path), model=None, offline=True).to_document())
    else:
        text = (folder / name).read_text(encoding="utf-8")
    (tmp_path / name).write_text(text.replace("utf8", "gpt-5"), encoding="utf-8")
    refuse(*report, says=f"{name.removesuffix('.json')} has values of gpt-5, which is not compared")
    document = json.loads(text)
    if name == "sound.json":
        document["reports"][0]["sha256"] = "0" * 64
    else:
        hashed = document["signature"].split("utf8@sha256:")[1][:8]
        document["signature"] = document["signature"].replace(f"utf8@sha256:{hashed}", "utf8@sha256:00000000")
    (tmp_path / name).write_text(json.dumps(document), encoding="utf-8")
    refuse(*report, says="has values of utf8 with other files than those compared")
    assert not (tmp_path / "r.md").exists()


def forget_row(document: Document) -> None:
    document["values"].pop()


def grow(document: Document) -> None:
    document["format"] = "tokbench-robustness/2"


def redefine(document: Document) -> None:
    document["perturbations"][0]["definition"] = "something else"


def write_infinity(document: Document) -> None:
    document["values"][0]["ratio"] = float("inf")


def write_large(document: Document) -> None:
    document["values"][0]["tokens"] = 10**30


def write_text(document: Document) -> None:
    document["values"][0]["tokens"] = "many\x1b[31m"


@pytest.mark.parametrize("damage", [forget_row, grow, redefine, write_infinity, write_large, write_text])
def test_damaged_robustness_is_one_line(folder: Path, tmp_path: Path, damage: Callable[[Document], None]) -> None:
    document = read(folder / "typed.json")
    damage(document)
    (tmp_path / "typed.json").write_text(json.dumps(document), encoding="utf-8")
    refuse(
        *("report", str(folder / "saved"), str(tmp_path / "typed.json"), "-o", str(tmp_path / "r.md")), says="damaged"
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [("tokbench-check/1", "tokbench-check/2"), ('"passed"', '"splendid"'), ('"verdicts"', '"opinions"')],
)
def test_damaged_checks_are_one_line(folder: Path, tmp_path: Path, old: str, new: str) -> None:
    text = (folder / "sound.json").read_text(encoding="utf-8")
    (tmp_path / "sound.json").write_text(text.replace(old, new), encoding="utf-8")
    refuse(
        *("report", str(folder / "saved"), str(tmp_path / "sound.json"), "-o", str(tmp_path / "r.md")), says="damaged"
    )


def test_a_format_without_chapters_names_what_it_cannot_hold(folder: Path, tmp_path: Path) -> None:
    for name, kind in (("typed", "robustness"), ("sound", "checks")):
        files = (str(folder / "saved"), str(folder / f"{name}.json"), "-o", str(tmp_path / "x.csv"))
        refuse("report", *files, says=f"csv holds comparisons, not {kind}")


def test_texts_of_a_file_are_inert(folder: Path, tmp_path: Path) -> None:
    document = read(folder / "sound.json")
    document["reports"][0]["verdicts"][0] |= {
        "severity": "error",
        "evidence": "<script>\x1b[31m",
        "example": "\u202e<b>",
    }
    (tmp_path / "sound.json").write_text(json.dumps(document), encoding="utf-8")
    page = tmp_path / "r.html"
    done = run("report", str(folder / "saved"), str(tmp_path / "sound.json"), "-o", str(page))
    assert done.returncode == 0, done.stderr
    text = page.read_text(encoding="utf-8")
    assert "Errors: utf8." in text
    assert "&lt;script&gt;" in text
    assert not {"\x1b", "\u202e"} & set(text)


def test_seconds_of_costs_say_whether_they_are_measured(tmp_path: Path) -> None:
    costs = cost(make_comparison(tmp_path), model="pythia-70m", offline=True)
    assert write_basis(costs) == []
    said = {}
    for basis in ("measured", "estimated"):
        row = costs.frame.filter(quantity="flops").with_columns(quantity=pl.lit("seconds"), basis=pl.lit(basis))
        timed = replace(costs, frame=pl.concat([costs.frame, row]), backend="ctranslate2")
        (said[basis],) = write_basis(timed)
        (said[f"{basis} money"],) = write_basis(replace(timed, prices=Prices(per_hour=2.0)))
    assert said == {
        "measured": "Seconds are measured: pythia-70m ran on ctranslate2, int8.",
        "measured money": "Seconds, and the money that they cost, are measured: pythia-70m ran on ctranslate2, int8.",
        "estimated": "Seconds are estimated, not measured.",
        "estimated money": "Seconds, and the money that they cost, are estimated, not measured.",
    }


def test_costs_are_shown_once(tmp_path: Path) -> None:
    result = make_comparison(tmp_path)
    costs = cost(result, model="pythia-70m", offline=True)
    document = compose({"small": result}, addenda=Addenda({"asked": costs}))
    headers = [
        part.headers for section in document.chapters[0].sections for part in section.parts if isinstance(part, Table)
    ]
    assert len(headers) == len(set(headers))


def test_columns_of_measured_models_that_hold_nothing_are_left_out() -> None:
    frame = pl.DataFrame({"model": ["a", "b"], "tokens_per_second": [1.0, None], "initial_2023": [None, None]})
    assert name_columns(frame) == [{"model": "a", "tokens/s": 1.0}, {"model": "b", "tokens/s": None}]


def test_charts_are_valid_vega_lite(tmp_path: Path) -> None:
    """The report leaves this check out, which takes a tenth of a second per chart."""
    altair = pytest.importorskip("altair")
    result = make_comparison(tmp_path)
    costs = cost(result, model="pythia-70m", offline=True)
    figures = compose({"small": result}, addenda=Addenda({"asked": costs})).figures
    charts = {name: drawn for name, figure in figures.items() if not isinstance(drawn := figure.draw(), HeatMap)}
    assert {"compression", "throughput", "composition", "reading", "break-even"} <= charts.keys()
    for chart in charts.values():
        altair.Chart.from_dict(chart, validate=True)
        with pytest.raises(Exception, match="is not"):
            altair.Chart.from_dict({**chart, "config": {"background": ["transparent"]}}, validate=True)
