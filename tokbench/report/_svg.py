"""Charts as SVG, drawn when a report is written.

Reading them needs no script.

Vega-Lite draws in this process; nothing is downloaded. Colours of text and lines are CSS variables, so that one drawing
works on light and dark pages.
"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from tokbench.errors import MissingExtraError
from tokbench.report._heat_map import HeatMap, draw_heat_map, list_colours

Specification: TypeAlias = dict[str, Any]
"""A Vega-Lite chart specification."""

Drawing: TypeAlias = Specification | HeatMap
"""What can be drawn."""

INK, FAINT, ACCENT, PAGE = "var(--ink)", "var(--faint)", "var(--accent)", "var(--page)"
FONT = "Arial, 'Liberation Sans', Helvetica, sans-serif"
STYLE = (
    f"<style>svg{{--ink:#1b1f24;--faint:#c9ced6;--accent:#0b62a8;--page:#fff;{list_colours(dark=False)}"
    f"background:var(--page)}}@media(prefers-color-scheme:dark){{svg{{--ink:#e6e9ee;--faint:#4a525e;--accent:#6cb6ff;"
    f"--page:#14171b;{list_colours(dark=True)}}}}}</style>"
)

_IDENTIFIER = re.compile(r'(\bid="|url\(#|href="#)((?:gradient|clip)_?\d+)')


def load_altair() -> Any:
    """Import the chart library.

    Raises MissingExtraError if it or its renderer is not installed.
    """
    try:
        import altair
        import vl_convert  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("altair", "html", "drawing charts") from error
    return altair


def specify(chart: Any) -> Specification:
    """Return the specification of an Altair chart, with the common style."""
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
        **chart.to_dict(validate=False),  # a tenth of a second per chart; tests validate all of them
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


def draw_svg(chart: Drawing, name: str, label: str) -> str:
    """Draw a chart as a scalable SVG element.

    With unique identifiers and a text for screen readers.

    Raises MissingExtraError if vl-convert is not installed.
    """
    if isinstance(chart, HeatMap):
        return draw_heat_map(chart, name, label)
    load_altair()
    import vl_convert

    from tokbench.report._escaping import escape_html

    svg: str = vl_convert.vegalite_to_svg(chart)
    numbers: dict[str, int] = {}

    def renumber(found: re.Match[str]) -> str:
        # The library numbers identifiers per process, and a page holds many drawings.
        return f"{found[1]}{name}-{numbers.setdefault(found[2], len(numbers))}"

    body = _IDENTIFIER.sub(renumber, svg).removeprefix("<svg")
    return f'<svg role="img" aria-label="{escape_html(label)}"{body}'


def draw_file(chart: Drawing, name: str, label: str) -> str:
    """Draw a chart as a standalone file that follows the viewer's colour scheme."""
    return add_style(draw_svg(chart, name, label))


def add_style(svg: str) -> str:
    """Return an SVG element of a page as a standalone file."""
    opening, closing, rest = svg.partition(">")
    return f"{opening}{closing}{STYLE}{rest}\n"
