"""Parts that pages of the atlas share: tables with bars and links, facts, the source of the figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from tokbench.analysis.atlas import Atlas, CorpusFigures
from tokbench.analysis.ranking import FLOOR
from tokbench.report._escaping import escape_html
from tokbench.report._ranking import LOSSES, Row
from tokbench.report._table import ABSENT
from tokbench.report.atlas._page import DEFINITIONS, width_of, write_link

TITLES = {"flores200/dev": "FLORES-200 dev", "ntrex128": "NTREX-128"}
"""Corpora as their publications spell them."""

Head = tuple[str, bool]
"""The title of a column, and whether it holds text."""


def title_corpus(name: str) -> str:
    """Return the name of a corpus as it is usually spelled."""
    return TITLES.get(name, name)


def write_table(title: str, heads: Sequence[Head], rows: Iterable[str], anchor: str = "") -> str:
    """Return a table that scrolls, also by keyboard, if it is too wide.

    rows: cells, as the functions below write them; HTML lets their closing tags be left out.
    """
    named = "".join(f'<th scope="col"{" class=name" if text else ""}>{escape_html(head)}' for head, text in heads)
    label = escape_html(title)
    body = "\n".join(f"<tr>{row}" for row in rows)
    place = f' id="{anchor}"' if anchor else ""
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{label}"{place}>'
        f"<table><caption>{label}</caption>\n"
        f"<thead><tr>{named}</thead>\n<tbody>\n{body}\n</tbody></table></div>\n"
    )


def write_head(file: str, text: str, more: str = "") -> str:
    """Return the first cell of a row: a link, with further text."""
    small = f" <small>{escape_html(more)}</small>" if more else ""
    return f'<th scope="row" class="name">{write_link(file, text)}{small}'


def write_text(text: str | None) -> str:
    """Return a cell of text."""
    return f'<td class="name">{escape_html(ABSENT if text is None else text)}'


def write_licence(text: str) -> str:
    """Return a cell of a licence, which may take several lines."""
    return f'<td class="name licence">{escape_html(text)}'


def write_linked(file: str, text: str) -> str:
    """Return a cell with a link."""
    return f'<td class="name">{write_link(file, text)}'


def write_number(text: str | None) -> str:
    """Return a cell of a number."""
    return f"<td>{escape_html(ABSENT if text is None else text)}"


def write_value(
    row: Row, column: str, digits: int, *, longest: float | None = None, best: bool = False, ranked: bool = True
) -> str:
    """Return a cell of a value with its interval, and a bar if `longest` is given.

    best: mark it as the best. ranked: False puts it in brackets.
    """
    text = f"{row[column]:,.{digits}f}"
    if not ranked:
        text = f"({text})"
    low, high = row[f"{column}_low"], row[f"{column}_high"]
    if low is not None and high is not None:
        text += f" <small>[{low:,.{digits}f}, {high:,.{digits}f}]</small>"
    if best:
        text += ' <span aria-hidden="true">★</span><span class="hidden">fewest</span>'
    classes = [*(["best"] if best else []), *([] if ranked else ["unranked"])]
    if longest is not None:
        classes.append(width_of(row[column], longest))
    return f'<td class="{" ".join(classes)}">{text}' if classes else f"<td>{text}"


def write_loss(row: Row) -> str:
    """Return the cell of what comes back from decoding."""
    return write_text(LOSSES[row["loss"]])


def write_share(value: float | None, *, sign: bool = False) -> str | None:
    """Format a share in per cent; None stays."""
    if value is None:
        return None
    return f"{100 * value:{'+' if sign else ''}.0f} %" if value else "0 %"


def write_facts(items: Iterable[tuple[str, str]]) -> str:
    """Return terms and their descriptions, the latter as HTML."""
    listed = "".join(f"<dt>{escape_html(term)}</dt><dd>{text}</dd>\n" for term, text in items)
    return f'<dl class="facts">\n{listed}</dl>\n'


def name_reference(corpus: CorpusFigures) -> str:
    """Return the English name of the language that premiums of a corpus are relative to."""
    known = corpus.fares.filter(pl.col("lang") == pl.col("reference"))["language"]
    return str(known[0] if known.len() else corpus.fares["reference"][0])


def is_floor(row: Row) -> bool:
    """Whether a row is of a byte vocabulary."""
    return bool(row["family"] == FLOOR)


def write_source(atlas: Atlas) -> str:
    """Say what the figures are of, when they were measured and how to cite them, as HTML."""
    sources = "; ".join(map(describe_source, atlas.corpora))
    return (
        f"<p>Figures: {escape_html(sources)}. {write_link(DEFINITIONS, 'Definitions')}, "
        f"{write_link(f'{DEFINITIONS}#cite', 'citation')}.</p>"
    )


def describe_source(corpus: CorpusFigures) -> str:
    """Name a corpus, the date and the version of its figures."""
    first = corpus.languages.row(0, named=True)
    versions = ", ".join(corpus.languages["version"].unique(maintain_order=True))
    return (
        f"{title_corpus(corpus.name)} ({first['segments']:,} segments, sha256 {first['corpus_sha256'][:8]}), "
        f"measured {describe_dates(corpus)} with tokbench {versions}"
    )


def describe_dates(corpus: CorpusFigures) -> str:
    """Return the date of the figures, or the first and the last of several."""
    dates = sorted(corpus.languages["measured"].unique())
    return dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
