"""A comparison in a notebook: the tables of a view as a fragment of HTML, with notes and signature."""

from __future__ import annotations

from collections.abc import Sequence

from tokbench.comparison import Comparison
from tokbench.report._document_model import Plain
from tokbench.report._html import write_part
from tokbench.report._numbers import lay_out_summary
from tokbench.report._views import list_parts

STYLE = """.tokbench table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.tokbench .scroll { overflow-x: auto; }
.tokbench caption { text-align: left; }
.tokbench th, .tokbench td { text-align: right; white-space: nowrap; padding: .3em .6em; }
.tokbench thead th { white-space: normal; vertical-align: bottom; }
.tokbench .name { text-align: left; }
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


def write_fragment(parts: Sequence[Plain]) -> str:
    """Return parts as a fragment of HTML with a style of its own."""
    body = "\n".join(filter(None, map(write_part, parts)))
    return f'<div class="tokbench">\n<style>\n{STYLE}</style>\n{body}\n</div>\n'
