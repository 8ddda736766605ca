"""A comparison shows itself as the report shows it."""

from __future__ import annotations

import re
import sys
from html import escape
from importlib import import_module
from pathlib import Path

import pytest

import tokbench as tb
from helpers import made
from helpers.comparisons import make_comparison
from tokbench._shared.notebook import Presented
from tokbench.analysis.sweep import sweep
from tokbench.pythia.cost import cost
from tokbench.pythia.model.resolution import resolve_model
from tokbench.report import render, render_all
from tokbench.report._cost_verdict import write_verdict
from tokbench.report._notebook import SHOWING


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> tb.Comparison:
    return make_comparison(tmp_path_factory.mktemp("presentation"))


def test_a_notebook_shows_what_the_report_shows(result: tb.Comparison) -> None:
    html = result._repr_html_()
    svg = re.search(r"<figure>.*</figure>\n", html, re.DOTALL)
    assert svg is not None
    assert html.replace(svg[0], "") == result.to_html()
    assert 'aria-label="Chart. premium by language' in svg[0]
    assert html.index("</table>") < svg.start() < html.index("is lossy, not ranked")
    assert "<script" not in html
    assert not re.search(r'(?:href|src)="[^#]', html)  # nothing is asked for
    assert result._repr_html_() == html
    assert result.signature(long=False).replace("&", "&amp;") in html
    assert "tokens/segment en ↓" in html
    assert '<td class="unranked">(' in html
    assert '<span aria-hidden="true">★</span>' not in html  # one loses text, the other is the floor
    assert "is lossy, not ranked on compression and boundaries" in html
    assert html.count("<table") == html.count("</table") == 1
    assert "tokens/segment ↓ [tokens]" in result.to_html("language")


def test_a_notebook_has_no_chart_without_its_libraries(result: tb.Comparison, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "altair", None)
    assert result._repr_html_() == result.to_html()


@pytest.mark.parametrize(
    ("texts", "title"),
    [({"en": ["a b", "c"]}, "tokens/segment by tokenizer"), ({f"l{n}": ["a"] for n in range(40)}, "")],
)
def test_a_notebook_charts_what_there_is(texts: dict[str, list[str]], title: str) -> None:
    """One language has no premiums; 40 languages with 2 tokenizers would be a chart of 80 dots."""
    html = tb.compare(["utf8", "byt5"], texts, throughput=False, bootstrap=None)._repr_html_()
    assert f'aria-label="Chart. {title}' in html


def test_other_results_show_what_the_command_line_prints(result: tb.Comparison) -> None:
    """`SHOWING` names classes, which are not imported for it."""
    for module in ("code", "morphology", "ngrams", "overlap", "requests", "robustness", "sweep"):
        import_module(f"tokbench.analysis.{module}")
    found = cost(result, model="70m", offline=True)
    html = found._repr_html_()
    assert {kind.__name__ for kind in Presented.__subclasses__()} == {*SHOWING}
    for module in SHOWING.values():
        assert callable(import_module(f"tokbench.report.{module}").show)
    assert all(escape(sentence, quote=False) in html.replace("&#x27;", "'") for sentence in write_verdict(found))
    assert "per request" in html


def test_a_sweep_is_shown_with_its_chart() -> None:
    corpus = tb.load_corpus(languages=["en"], segments=20)
    found = sweep([tb.load_tokenizer(made.train_byte_level())], corpus, resolve_model("70m"), [270, 290], resamples=50)
    html = found._repr_html_()
    assert html.count("<svg") == 1
    assert html.count("<table") >= 1


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
