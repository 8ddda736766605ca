"""Results in a notebook: tables and charts as a fragment of HTML, with notes and signature."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType
from typing import Literal

from tokbench._shared.extras import EXTRAS, is_there
from tokbench.comparison import Comparison
from tokbench.report._document_model import Plain, Results
from tokbench.report._escaping import escape_html
from tokbench.report._heat_map import HeatMap
from tokbench.report._html import write_part
from tokbench.report._numbers import lay_out_summary
from tokbench.report._plot import plot, read_values
from tokbench.report._svg import Drawing, draw_svg, specify
from tokbench.report._views import list_parts

SHOWING: Mapping[str, str] = MappingProxyType(
    {
        "CodeReport": "_code",
        "Costs": "_cost_results",
        "MorphologyScores": "_morphology",
        "NgramReport": "_ngrams",
        "Overlap": "_overlap",
        "Requests": "_requests",
        "Robustness": "_robustness",
        "Sweep": "_sweep",
    }
)
"""The module of this package that shows the results of a class."""

MOST_DOTS = 60
"""Values up to which a chart of a comparison has a dot for each language and tokenizer."""

STYLE = """.tokbench { --ink: currentColor; --faint: #8888; --accent: #3584c8; --page: transparent; }
.tokbench .chart { overflow-x: auto; }
.tokbench figure { margin: .75em 0; }
.tokbench table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.tokbench .scroll { overflow-x: auto; }
.tokbench caption { text-align: left; padding-top: .75em; }
.tokbench th, .tokbench td { text-align: right; white-space: nowrap; padding: .3em .6em; }
.tokbench thead th { white-space: normal; vertical-align: bottom; }
.tokbench.tokbench .name { text-align: left; }
.tokbench small { opacity: .7; }
.tokbench .best { font-weight: bold; }
.tokbench .best small { font-weight: normal; }
.tokbench .unranked { font-style: italic; opacity: .7; }
.tokbench .hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.tokbench code { font-size: .8em; overflow-wrap: anywhere; white-space: normal; }
"""
"""Everything is inside one element, so that nothing else on the page changes; colours are the notebook's."""


def write_notebook(comparison: Comparison, by: str) -> str:
    """Return the tables of a view: the best with a star, unranked values in brackets."""
    parts = list_parts(comparison, by)
    if by == "summary":
        parts[0] = lay_out_summary(comparison)  # with intervals
    return write_fragment(parts)


def show_comparison(comparison: Comparison) -> str:
    """Return the summary, and below it a chart of premiums by language, or of lengths."""
    parts = list_parts(comparison, "summary")
    parts[0] = lay_out_summary(comparison)  # with intervals
    return write_fragment(parts, list_charts(comparison), after=1)


def list_charts(comparison: Comparison) -> list[tuple[Drawing, str]]:
    """Return the chart of a comparison with its label; none without the values for one, or the libraries."""
    if not has_charts():
        return []
    charts: tuple[tuple[str, Literal["language", "tokenizer"]], ...]
    charts = (("premium", "language"), ("tokens_per_segment", "tokenizer"))
    for metric, by in charts:
        values = read_values(comparison, metric, by) if metric in comparison.metrics else None
        if values is not None and values["group"].n_unique() > 1 and values.height <= MOST_DOTS:
            drawn = plot(comparison, metric, by)
            title = comparison.metrics[metric].title
            return [(specify(drawn.chart), f"{title} by {by}, with intervals; pale where it is not ranked.")]
    return []


def show_found(found: object) -> str:
    """Return what the command line prints of a result, and its charts."""
    results: Results = import_module(f"tokbench.report.{SHOWING[type(found).__name__]}").show(found)
    figures = results.figures() if results.figures is not None and has_charts() else ()
    return write_fragment(results.parts(), [(figure.draw(), figure.caption) for figure in figures])


def has_charts() -> bool:
    """Return whether the libraries that draw charts are installed."""
    return all(map(is_there, EXTRAS["html"].values()))


def write_fragment(
    parts: Sequence[Plain], charts: Iterable[tuple[Drawing, str]] = (), *, after: int | None = None
) -> str:
    """Return parts and charts with their captions as a fragment of HTML with a style of its own.

    after: how many parts stand before the charts; all by default.
    """
    written = [*map(write_part, parts[:after]), *(write_chart(*chart) for chart in charts)]
    written += map(write_part, () if after is None else parts[after:])
    body = "\n".join(filter(None, written))
    return f'<div class="tokbench">\n<style>\n{STYLE}</style>\n{body}\n</div>\n'


def write_chart(drawing: Drawing, caption: str) -> str:
    """Draw a chart with its caption.

    Identifiers inside are named by what is drawn: a notebook is one page of many fragments.
    """
    content = repr(drawing) if isinstance(drawing, HeatMap) else json.dumps(drawing, sort_keys=True)
    name = f"tokbench-{hashlib.sha256(content.encode()).hexdigest()[:8]}"
    svg = draw_svg(drawing, name, f"Chart. {caption}")
    return f'<figure><div class="chart">{svg}</div>\n<figcaption>{escape_html(caption)}</figcaption></figure>'
