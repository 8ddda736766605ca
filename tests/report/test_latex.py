"""LaTeX: long tables, labels, captions, names of languages, ties in bold; and BibTeX."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

import tokbench as tb
from helpers.commands import run
from tokbench._shared.references import escape_bibtex, find_cited, find_describing, list_references
from tokbench.comparison import Comparison
from tokbench.metrics import METRICS
from tokbench.report import render, render_all
from tokbench.report._latex_table import MOST_COLUMNS, TableWriter, split_columns
from tokbench.report._leads import find_best, find_tied
from tokbench.report._table import Cell, Table


@pytest.fixture(scope="module")
def result() -> Comparison:
    texts = {"en": [f"a plain sentence {i}" for i in range(8)], "th": [f"ประโยคธรรมดา {i}" for i in range(8)]}
    return tb.compare(["byt5", "mistral-v1", "mistral-tekken"], texts, throughput=False)


def make_table(rows: int, columns: int = 2, *, title: str = "A title", first: str = "language") -> Table:
    codes = ["tha_Thai", *(f"zxx-{i}" for i in range(rows - 1))]
    cells = tuple((Cell(code), *(Cell(f"{i}.25") for i in range(columns))) for code in codes)
    return Table(title, (first, *(f"t{i}" for i in range(columns))), cells, labels=1)


def test_tables_beyond_a_page_continue_on_the_next_with_their_headers() -> None:
    short, long = TableWriter().write(make_table(40)), TableWriter().write(make_table(41))
    assert "\\begin{table}" in short
    assert "longtable" not in short
    assert "\\begin{longtable}" in long
    assert long.count("language & t0 & t1") == 2
    assert long.count("\\raggedright") == 41


def test_rows_are_named_by_language_and_scripts_are_left_out() -> None:
    table = Table("", ("language", "script", "t"), ((Cell("tha_Thai"), Cell("Thai"), Cell("1")),), labels=2)
    written = TableWriter().write(table)
    assert r"Thai (tha\_Thai) & 1 \\" in written
    assert "script" not in written
    assert r"tha\_Thai & " in TableWriter().write(make_table(1, first="group"))


def test_labels_are_unique_and_captions_start_with_what_was_given() -> None:
    writer = TableWriter("My tables.", "mine")
    written = [writer.write(make_table(2, title="Premium ↓ [ratio]")) for _ in range(2)]
    assert [re.findall(r"\\label\{(.*?)\}", text) for text in written] == [
        ["tab:mine-premium-ratio"],
        ["tab:mine-premium-ratio-2"],
    ]
    assert r"\caption{My tables: Premium $\downarrow$ [ratio]}" in written[0]


@pytest.mark.parametrize(("rows", "columns"), [(2, 3), (2, 30), (60, 3), (60, 30)])
def test_wide_tables_are_split_into_parts_that_hold_every_column_once(rows: int, columns: int) -> None:
    parts = list(split_columns(make_table(rows, columns)))
    assert [header for part in parts for header in part.headers[1:]] == [f"t{i}" for i in range(columns)]
    assert max(len(part.headers) - 1 for part in parts) <= MOST_COLUMNS


def test_bold_are_the_best_and_all_that_the_test_does_not_separate() -> None:
    texts = {
        "en": [f"one two three {'four five ' * (i % 3)}six" for i in range(24)],
        "de": [f"eins zwei drei {'vier fünf ' * (i % 3)}sechs" for i in range(24)],
    }
    result = tb.compare(["byt5", "gpt2", "gpt-neox-20b", "mistral-v1"], texts, throughput=False, skip_missing=True)
    column = (METRICS["tokens_per_segment"], "de")
    best, tied = (
        find(result, [column]).get(("tokens_per_segment", "de"), frozenset()) for find in (find_best, find_tied)
    )
    assert best <= tied
    assert "byt5" not in tied  # a floor is never ranked
    assert len(tied) < len(result.names)


def test_notes_say_what_bold_means(result: Comparison) -> None:
    for text in (render(result, "latex"), render_all({"small": result}, "latex")):
        assert "not separate from it (p \\textless{} 0.05, Holm)" in text
        assert all(count == 1 for count in Counter(re.findall(r"\\label\{(.*?)\}", text)).values())


def test_every_citation_of_a_metric_has_its_publication() -> None:
    cited = {metric.name: metric.citation for metric in METRICS.values() if metric.citation}
    assert cited
    for name, citation in cited.items():
        assert len(find_cited([citation])) == len(citation.split(";")), name


def test_references_are_found_by_arxiv_id_and_by_name() -> None:
    assert [r.key for r in find_cited(["Singh & Strouse 2024, arXiv 2402.14903; TokEval 1.0", None])] == [
        "singh2024",
        "tokeval",
    ]
    assert find_cited(["nobody 1999, arXiv 9999.99999"]) == []
    assert [r.key for r in find_describing(["flores200-dev", "ntrex128"])] == ["nllb2022", "federmann2022"]
    assert find_describing(["my texts"]) == []


def test_bibtex_is_ascii_and_balanced() -> None:
    keys = [reference.key for reference in list_references()]
    assert len(set(keys)) == len(keys)
    for reference in list_references():
        entry = reference.format_bibtex()
        assert entry.isascii(), reference.key
        assert entry.count("{") == entry.count("}")
        assert entry.startswith(f"@{reference.kind}{{{reference.key},\n")
    assert escape_bibtex("Vulić & 5 % _x") == r"Vuli{\'c} \& 5 \% \_x"
    assert escape_bibtex("https://a.b/c_d") == "https://a.b/c_d"


def test_explain_prints_bibtex() -> None:
    done = run("explain", "premium", "--bibtex")
    assert done.returncode == 0
    assert done.stdout.startswith("@inproceedings{petrov2023,")
    none = run("explain", "tokens_per_segment", "--bibtex")
    assert none.returncode == 2
    assert "cites no publication" in none.stderr


def test_report_writes_captions_labels_and_a_bibliography(result: Comparison, tmp_path: Path) -> None:
    result.save(tmp_path / "saved")
    tex, bib = tmp_path / "r.tex", tmp_path / "r.bib"
    done = run("report", str(tmp_path / "saved"), "-o", str(tex), "-o", str(bib), "--caption", "Ours", "--label", "x:1")
    assert done.returncode == 0, done.stderr
    text = tex.read_text(encoding="utf-8")
    assert "\\caption{Ours: " in text
    assert "\\label{tab:x:1-" in text
    assert "@inproceedings{petrov2023," in bib.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("-o", "r.md", "--caption", "x"), "--caption is for LaTeX"),
        (("-o", "r.tex", "--label", "a b"), "is not a label"),
        (("-o", "r.tex", "--label", "}"), "is not a label"),
    ],
)
def test_captions_and_labels_that_nothing_can_hold_are_refused(
    result: Comparison, tmp_path: Path, options: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result.save(tmp_path / "saved")
    done = run("report", "saved", *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert not list(tmp_path.glob("r.*"))


def test_long_tables_and_bibliography_compile(tmp_path: Path) -> None:
    compiler, bibtex = shutil.which("pdflatex"), shutil.which("bibtex")
    if compiler is None or bibtex is None or shutil.which("kpsewhich") is None:
        pytest.skip("needs a TeX: pdflatex is not here")
    (tmp_path / "t.tex").write_text(TableWriter("A & B").write(make_table(204, 7)), encoding="utf-8")
    entries = "\n".join(reference.format_bibtex() for reference in list_references())
    (tmp_path / "t.bib").write_text(entries, encoding="utf-8")
    packages = r"\usepackage{booktabs,graphicx,longtable,textcomp}"
    body = r"\nocite{*}\input{t}\bibliographystyle{plain}\bibliography{t}"
    document = rf"\documentclass{{article}}{packages}\begin{{document}}{body}\end{{document}}"
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    for command in (
        [compiler, "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
        [bibtex, "all"],
        [compiler, "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
    ):
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
    assert "Overfull" not in (tmp_path / "all.log").read_text(errors="replace").split("bibliography")[0]
