"""A full report as a single HTML file.

It requests nothing and is readable without scripts.

Charts are drawn when the file is written. The only script sorts tables and filters languages; the content
security policy names its hash, so that no other script can run, whatever the data contain.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
from collections.abc import Mapping
from importlib.resources import files
from typing import TYPE_CHECKING

import msgspec

from tokbench.comparison import Comparison
from tokbench.report._document_model import Chapter, Document, Figure, Results, Section, figure_name
from tokbench.report._escaping import escape_html
from tokbench.report._heat_map import list_colours
from tokbench.report._html import write_part
from tokbench.report._svg import load_altair

if TYPE_CHECKING:
    from tokbench.report._addenda import Addenda

DIGITS = 7
"""Significant digits of the figures that a page carries."""

LEVEL = 7
"""Level of compression of these figures: 9 takes twice as long for 2 % less."""

SUFFIXES = frozenset({".html", ".htm"})


def check() -> None:
    """Check that charts can be drawn; MissingExtraError if not."""
    load_altair()


def render(comparison: Comparison, by: str) -> str:
    """Format the full report, whatever the view.

    Raises MissingExtraError without the extra `html`.
    """
    return render_several({comparison.corpus.name: comparison})


def render_several(results: Mapping[str, Comparison], *, addenda: Addenda | None = None) -> str:
    """Format the report on named results.

    In full on a single one, several side by side.

    addenda: results of other commands that were asked for.
    """
    # Imported here, because it imports everything shown, which listing formats by extension does not need.
    from tokbench.report._document import compose

    document = compose(results, addenda=addenda)
    body = "\n".join(write_chapter(document, chapter) for chapter in document.chapters)
    contents = f'<p class="subtitle">{escape_html(document.subtitle)}</p>\n{write_contents(document)}'
    return write_page(document.title, body, contents, write_downloads(results))


def format_results(results: Results) -> str:
    """Format parts as a page, then charts; or the page of sections that the results have."""
    if results.page is not None:
        document = results.page()
        body = "\n".join(write_chapter(document, chapter) for chapter in document.chapters)
        return write_page(document.title, body, write_contents(document))
    figures = results.figures() if results.figures else ()
    written = [*map(write_part, results.parts()), *(write_part(figure, f"figure-{figure.name}") for figure in figures)]
    return write_page("tokbench", "\n".join(filter(None, written)))


def write_page(title: str, body: str, contents: str = "", footer: str = "") -> str:
    """Format a page around its content."""
    colours = (
        f":root{{{list_colours(dark=False)}}}@media(prefers-color-scheme:dark){{:root{{{list_colours(dark=True)}}}}}"
    )
    style = f"{colours}\n{read_resource('page.css')}@media print{{:root{{{list_colours(dark=False)}}}}}\n"
    script = read_resource("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{escape_html(title)}</title>
<style>
{style}</style>
</head>
<body>
<a class="skip" href="#content">Skip to content</a>
<header>
<h1>{escape_html(title)}</h1>
{contents}
</header>
<main id="content">
{body}
</main>
<footer>
{footer}
</footer>
<script>{script}</script>
</body>
</html>
"""


def read_resource(name: str) -> str:
    """Read a file of this folder."""
    return files("tokbench.report").joinpath(name).read_text(encoding="utf-8")


def anchor_of(document: Document, chapter: Chapter, section: Section) -> str:
    """Return the anchor of a section."""
    return section.name if len(document.chapters) == 1 else f"{chapter.name}-{section.name}"


def write_contents(document: Document) -> str:
    """Link to the sections, or to the chapters if there are several."""
    if len(document.chapters) == 1:
        (chapter,) = document.chapters
        links = [(section.name, section.title) for section in chapter.sections]
    else:
        links = [(chapter.name, chapter.title) for chapter in document.chapters]
    items = "".join(f'<li><a href="#{name}">{escape_html(title)}</a></li>\n' for name, title in links)
    return f'<nav aria-label="Contents"><ul>\n{items}</ul></nav>'


def write_chapter(document: Document, chapter: Chapter) -> str:
    """Format the sections on one result."""
    single = len(document.chapters) == 1
    parts = [] if single else [f'<h2 id="{chapter.name}">{escape_html(chapter.title)}</h2>']
    for section in chapter.sections:
        anchor = anchor_of(document, chapter, section)
        heading = "h2" if single else "h3"
        parts.append(f'<section aria-labelledby="{anchor}" class="{section.name}">')
        parts.append(f'<{heading} id="{anchor}">{escape_html(section.title)}</{heading}>')
        for part in section.parts:
            name = f"figure-{figure_name(document, chapter, part)}" if isinstance(part, Figure) else ""
            parts.append(write_part(part, name))
        parts.append("</section>")
    return "\n".join(parts)


def write_downloads(results: Mapping[str, Comparison]) -> str:
    """Embed each comparison as compressed JSON behind a link, its values to `DIGITS` significant digits."""
    links = []
    for name, result in results.items():
        document = result.to_document()
        document |= {key: list(map(round_values, document[key])) for key in ("results", "differences")}
        packed = base64.b64encode(gzip.compress(msgspec.json.encode(document), LEVEL, mtime=0)).decode()
        links.append(
            f'<p class="download">All figures of {escape_html(name)}, to {DIGITS} digits: '
            f'<a download="comparison.json.gz" href="data:application/gzip;base64,{packed}">comparison.json.gz</a></p>'
        )
    versions = ", ".join(dict.fromkeys(result.environment.tokbench for result in results.values()))
    return "\n".join([*links, f"<p>Made by tokbench {escape_html(versions)}.</p>"])


def round_values(row: Mapping[str, object]) -> dict[str, object]:
    """Return a row with its fractions rounded: the rest of their digits would be half of the page."""
    return {key: float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value for key, value in row.items()}
