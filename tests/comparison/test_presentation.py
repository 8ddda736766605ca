"""A comparison shows itself as the report shows it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import tokbench as tb
from helpers.comparisons import make_comparison
from tokbench.report import render, render_all


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tb.Comparison:
    return make_comparison(tmp_path_factory.mktemp("presentation"))


def test_a_notebook_shows_what_the_report_shows(result: tb.Comparison) -> None:
    html = result._repr_html_()
    assert html == result.to_html()
    assert result.signature(long=False).replace("&", "&amp;") in html
    assert "tokens/segment en ↓" in html
    assert '<td class="unranked">(' in html
    assert '<span aria-hidden="true">★</span>' not in html  # one loses text, the other is the floor
    assert "is lossy, not ranked on compression" in html
    assert html.count("<table") == html.count("</table") == 1
    assert "tokens/segment ↓ [tokens]" in result.to_html("language")


def test_formats_are_those_of_the_report(result: tb.Comparison, tmp_path: Path) -> None:
    assert result.to_markdown("language") == render(result, "markdown", "language")
    assert result.to_latex() == render(result, "latex")
    result.report(tmp_path / "x.md")
    assert (tmp_path / "x.md").read_text() == render_all({"small": result}, "markdown")
    with pytest.raises(tb.TokbenchError, match="cannot tell the format"):
        result.report(tmp_path / "x.doc")
    with pytest.raises(tb.TokbenchError, match="there is no view 'languages'; views: summary, language"):
        result.to_html("languages")  # type: ignore[arg-type]


def test_pandas_gets_the_figures(result: tb.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pandas")
    frame = result.to_pandas()
    assert list(frame.columns) == result.frame.columns
    assert len(frame) == result.frame.height
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(tb.TokbenchError, match="pip install pandas"):
        result.to_pandas()


@pytest.mark.parametrize(("by", "groups"), [("language", {"en", "zh"}), ("tokenizer", None)])
def test_a_plot_holds_the_values(result: tb.Comparison, by: str, groups: set[str] | None) -> None:
    plot = result.plot("tokens_per_segment", by=by)  # type: ignore[arg-type]
    chart = plot.chart.to_dict()
    (rows,) = chart["datasets"].values() if "datasets" in chart else [chart["data"]["values"]]
    assert {row["group"] for row in rows} == (groups or set(result.names))
    assert not all(row["ranked"] for row in rows)
    assert plot._repr_svg_().startswith('<svg role="img" aria-label="tokens/segment by ')


def test_a_plot_says_what_is_missing(result: tb.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(tb.TokbenchError, match="did you mean 'fertility'"):
        result.plot("fertilty")
    with pytest.raises(tb.TokbenchError, match="no values of gini by language"):
        result.plot("gini")
    monkeypatch.setitem(sys.modules, "altair", None)
    with pytest.raises(tb.MissingExtraError, match=r"tokbench\[html\]"):
        result.plot()
