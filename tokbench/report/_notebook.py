"""A comparison in a notebook: the tables of a view as a fragment of HTML, with notes and signature."""

from __future__ import annotations

from tokbench.comparison import Comparison
from tokbench.report._escaping import escape_html
from tokbench.report._html import write_table
from tokbench.report._numbers import lay_out_summary
from tokbench.report._significance import write_differences
from tokbench.report._table import write_notes, write_skipped
from tokbench.report._views import lay_out

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
    tables = [lay_out_summary(comparison)] if by == "summary" else lay_out(comparison, by)
    notes = [*write_notes(comparison), *write_skipped(comparison), *write_differences(comparison)]
    items = "".join(f"<li>{escape_html(note)}</li>\n" for note in notes)
    parts = [
        f'<div class="tokbench">\n<style>\n{STYLE}</style>',
        *(write_table(table, folded=True) for table in tables),
        *([f"<ul>\n{items}</ul>"] if items else []),
        f"<p><code>{escape_html(comparison.signature(long=False))}</code></p>\n</div>\n",
    ]
    return "\n".join(parts)
