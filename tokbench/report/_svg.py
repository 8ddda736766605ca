"""Charts as SVG: drawn once when a report is written, so that it needs no script to be read.

Vega-Lite draws, in this process; nothing is fetched. Colours of text and lines are CSS variables, so that one drawing
serves a light and a dark page.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from tokbench.errors import MissingExtraError

Specification: TypeAlias = dict[str, Any]
"""A chart as Vega-Lite reads it."""

INK, FAINT, ACCENT, PAGE = "var(--ink)", "var(--faint)", "var(--accent)", "var(--page)"
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
STYLE = (
    "<style>svg{--ink:#1b1f24;--faint:#c9ced6;--accent:#0b62a8;--page:#fff}"
    "@media(prefers-color-scheme:dark){svg{--ink:#e6e9ee;--faint:#4a525e;--accent:#6cb6ff;--page:#14171b}}</style>"
)

_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)((?:gradient|clip)_?\d+)')


def load_altair() -> Any:
    """The chart library; MissingExtraError where it, or what draws its charts, is not installed."""
    try:
        import altair
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("altair", "html", "drawing charts") from error
    return altair


def specify(chart: Any) -> Specification:
    """The specification of a chart of Altair, with the look of all charts."""
    axis = {
        "labelColor": INK,
        "titleColor": INK,
        "tickColor": FAINT,
        "domainColor": FAINT,
        "gridColor": FAINT,
        "labelFontSize": 11,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "labelLimit": 220,
    }
    text = {"labelColor": INK, "titleColor": INK, "labelFontSize": 11, "titleFontSize": 12}
    return {
        **chart.to_dict(),
        "config": {
            "background": "transparent",
            "font": FONT,
            "view": {"stroke": None},
            "axis": axis,
            "legend": {**text, "titleFontWeight": "normal", "labelLimit": 220, "titleLimit": 400},
            "header": {**text, "titleFontWeight": "normal"},
            "bar": {"color": ACCENT},
            "text": {"fontSize": 11},
        },
    }


def draw_svg(chart: Specification, name: str, label: str) -> str:
    """A chart as an SVG element that scales, with identifiers of its own and a text for screen readers.

    Raises MissingExtraError where vl-convert is not installed.
    """
    load_altair()
    import vl_convert

    from tokbench.report._escaping import escape_html

    svg: str = vl_convert.vegalite_to_svg(chart)
    numbers: dict[str, int] = {}

    def renumber(found: re.Match[str]) -> str:
        # The library counts through the life of the process, and a page holds many drawings.
        return f"{found[1]}{name}-{numbers.setdefault(found[2], len(numbers))}"

    body = _IDENTIFIER.sub(renumber, svg).removeprefix("<svg")
    return f'<svg role="img" aria-label="{escape_html(label)}"{body}'


def draw_file(chart: Specification, name: str, label: str) -> str:
    """A chart as a file of its own, which follows the viewer's colours."""
    svg = draw_svg(chart, name, label)
    opening, closing, rest = svg.partition(">")
    return f"{opening}{closing}{STYLE}{rest}\n"
