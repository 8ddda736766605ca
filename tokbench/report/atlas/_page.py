"""The frame of a page of the atlas, and the names of its files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from tokbench.analysis.atlas import Atlas
from tokbench.report._escaping import escape_html
from tokbench.report.html import read_resource

INDEX, DEFINITIONS, BIBLIOGRAPHY = "index.html", "definitions.html", "atlas.bib"
STYLE, SCRIPT = "atlas.css", "atlas.js"

_BARS = 100
_POLICY = "default-src 'none'; style-src 'self' file:; script-src 'self' file:"


@dataclass(frozen=True)
class Names:
    """The file of each page: of languages by English name, of tokenizers by name."""

    languages: Mapping[str, str]
    tokenizers: Mapping[str, str]


def name_pages(atlas: Atlas) -> Names:
    """Return file names that are unique on every file system, from tags of languages and names of tokenizers."""
    languages = {language.name: language.tag for language in atlas.languages}
    return Names(name_files("language", languages), name_files("tokenizer", {name: name for name in atlas.tokenizers}))


def name_files(kind: str, titles: Mapping[str, str]) -> dict[str, str]:
    """Return a file name per key: letters and digits of its title in lower case, numbered where that is not unique.

    >>> name_files("tokenizer", {"a": "gpt2", "b": "../GPT2"})
    {'a': 'tokenizer-gpt2.html', 'b': 'tokenizer-gpt2-2.html'}
    """
    named: dict[str, str] = {}
    taken: set[str] = set()
    for key, title in titles.items():
        plain = re.sub(r"[^a-z0-9_.]+", "-", title.lower()[:80]).strip("-.") or "x"
        number, name = 1, f"{kind}-{plain}.html"
        while name in taken:
            number += 1
            name = f"{kind}-{plain}-{number}.html"
        taken.add(name)
        named[key] = name
    return named


def read_shared(kind: str) -> str:
    """Return the style sheet (css) or script (js) of all pages: those of reports, then those of the atlas."""
    own = files("tokbench.report.atlas").joinpath(f"atlas.{kind}").read_text(encoding="utf-8")
    parts = [read_resource(f"page.{kind}"), own]
    if kind == "css":
        parts += [f".w{width}{{--w:{width}%}}\n" for width in range(_BARS + 1)]
    return "".join(parts)


def width_of(value: float, longest: float) -> str:
    """Return the class of a bar, as long as its value; one beyond the longest is cut there."""
    return f"bar w{min(_BARS, max(1, round(_BARS * value / longest)))}"


def write_link(file: str, text: str) -> str:
    """Return a link to a page or an anchor."""
    return f'<a href="{escape_html(file)}">{escape_html(text)}</a>'


def write_page(title: str, body: str, *, trail: Sequence[tuple[str, str]], footer: str, introduction: str = "") -> str:
    """Return a page.

    trail: files and titles of the pages above this one. footer, introduction: HTML.
    """
    above = "".join(f"<li>{write_link(file, text)}</li>" for file, text in trail)
    crumbs = f'<nav aria-label="Atlas"><ul>{above}</ul></nav>\n' if trail else ""
    heading = title if trail else "Atlas of tokenizers"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape_html(title)}</title>
<link rel="stylesheet" href="{STYLE}">
<script src="{SCRIPT}" defer></script>
</head>
<body class="atlas">
<a class="skip" href="#content">Skip to content</a>
<header>
{crumbs}<h1>{escape_html(heading)}</h1>
{introduction}</header>
<main id="content">
{body}
</main>
<footer>
{footer}
</footer>
</body>
</html>
"""
