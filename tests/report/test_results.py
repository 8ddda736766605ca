"""What commands found, in every format."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from helpers.commands import refuse, run
from tokbench import TokbenchError
from tokbench.report import format_results
from tokbench.report._document_model import Facts, Legend, Points, Prose, Results, Signature
from tokbench.report._table import Cell, Table, tabulate

ROWS = [
    {"name": "你好", "value": 2.5, "runs": True, "of": ["a", "b"]},
    {"name": "x", "value": None, "runs": False, "of": []},
]
RESULTS = Results(
    lambda: [
        Prose(("First.",)),
        tabulate(ROWS, "Rows", formats={"value": "{:.2f}".format}),
        Facts((("a", "1"), ("long", "2"))),
        Legend("column"),
        Points(("lost",), title="not compared:"),
        Signature("a_b|c"),
    ],
    lambda: [{"text": "\u202e\x9b\ud800 é"}],
    lambda: pl.DataFrame({"value": [2.5, None]}),
)


def test_a_terminal_gets_aligned_columns_of_what_it_shows() -> None:
    assert format_results(RESULTS, "table").splitlines() == [
        "First.",
        "",
        "Rows",
        "name  value  runs  of",
        "你好   2.50  yes   a, b",
        "x         -  no    -",
        "",
        "a     1",
        "long  2",
        "",
        "* best in column; (...) loses text, not ranked",
        "not compared:",
        "  lost",
        "a_b|c",
    ]


def test_markdown_latex_and_html_hold_the_same() -> None:
    markdown, latex, html = (format_results(RESULTS, name) for name in ("markdown", "latex", "html"))
    assert (
        "### Rows\n\n| name | value | runs | of |\n| --- | --: | --- | --- |\n| 你好 | 2.50 | yes | a, b |\n"
        in markdown
    )
    assert markdown.endswith("Not compared:\n\n- lost\n\n`a_b|c`\n")
    assert "\\begin{tabular}{lrll}" in latex
    assert "not compared:\n\nlost\n\n\\texttt{a\\_b\\textbar{}\\allowbreak{}c}" in latex
    assert '<td>2.50</td><td class="name">yes</td>' in html
    assert html.count("<table") == html.count("</table") == 1


def test_programs_get_a_document_that_no_terminal_acts_on_and_a_frame() -> None:
    text = format_results(RESULTS, "json")
    assert "\\u202e\\u009b\\ud800 é" in text
    assert json.loads(text) == RESULTS.document()
    assert format_results(RESULTS, "csv") == "value\n2.5\n\n"
    with pytest.raises(TokbenchError, match="these results are no table, so csv cannot hold them"):
        format_results(Results(list, list), "csv")


def test_columns_of_a_table_keep_their_alignment() -> None:
    table = Table("t", ("a", "b", "c", "d"), (tuple(map(Cell, "1234")),), labels=1, texts=frozenset({2}))
    chosen = table.select([0, 2, 3])
    assert [chosen.holds_text(i) for i in range(3)] == [True, True, False]
    assert [cell.text for cell in chosen.rows[0]] == ["1", "3", "4"]


@pytest.mark.smoke
def test_costs_are_written_as_a_page_and_a_wrong_format_is_refused_first(tmp_path: Path) -> None:
    common = ("cost", "utf8", "-n", "2", "-l", "en", "--offline")
    assert run(*common, "-o", str(tmp_path / "c.html"), "-o", str(tmp_path / "c.tex")).returncode == 0
    assert "GFLOP" in (tmp_path / "c.html").read_text(encoding="utf-8")
    assert "\\toprule" in (tmp_path / "c.tex").read_text(encoding="utf-8")
    refuse(*common, "-f", "xml", says="no report format is called 'xml'")
