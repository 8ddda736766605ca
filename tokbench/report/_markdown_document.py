"""A full report in GitHub Markdown.

Charts are linked images if they were drawn, else tables.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from tokbench.report._document_model import (
    Chapter,
    Document,
    Facts,
    Figure,
    Legend,
    Part,
    Points,
    Prose,
    Segmentations,
    SegmentedText,
    Signature,
    Tiles,
    figure_name,
)
from tokbench.report._escaping import escape_markdown, reveal
from tokbench.report._markdown_table import write_table
from tokbench.report._table import Table


def write_document(document: Document, pictures: Mapping[str, str]) -> str:
    """Format the report.

    pictures: paths of the drawn figures, by name.
    """
    parts = [f"# {escape_markdown(document.title)}\n"]
    if document.subtitle:
        parts.append(f"{escape_markdown(document.subtitle)}\n")
    for chapter in document.chapters:
        parts += write_chapter(document, chapter, pictures)
    return "\n".join(parts)


def write_chapter(document: Document, chapter: Chapter, pictures: Mapping[str, str]) -> list[str]:
    """Format the sections on one result."""
    single = len(document.chapters) == 1
    parts = [] if single else [f"## {escape_markdown(chapter.title)}\n"]
    for section in chapter.sections:
        parts.append(f"{'##' if single else '###'} {escape_markdown(section.title)}\n")
        for part in section.parts:
            picture = pictures.get(figure_name(document, chapter, part)) if isinstance(part, Figure) else None
            parts.append(write_part(part, picture))
    return parts


def write_part(part: Part, picture: str | None = None) -> str:
    """Format any part of a section, ending with a line feed."""
    match part:
        case Prose():
            return "\n".join(f"{escape_markdown(paragraph)}\n" for paragraph in part.paragraphs)
        case Points():
            items = "".join(f"- {escape_markdown(item)}\n" for item in part.items)
            if part.warning:
                return "> [!WARNING]\n" + "".join(f"> {line}\n" for line in items.splitlines())
            return f"{escape_markdown(part.title.capitalize())}\n\n{items}" if part.title else items
        case Legend():
            return f"**Bold**: best in {part.best}; (...) loses text, not ranked.\n"
        case Signature():
            return f"{write_code(part.text)}\n"
        case Facts() | Tiles():
            return "".join(f"- **{escape_markdown(term)}**: {escape_markdown(text)}\n" for term, text in part.items)
        case Table():
            return write_table(part)
        case Figure():
            return write_figure(part, picture)
        case Segmentations():
            return write_cuts(part)


def write_code(text: str) -> str:
    r"""Format a text as code, between more backticks than it has in a row.

    >>> write_code("a|b"), write_code("a``b`")
    ('`a|b`', '``` a``b` ```')
    """
    shown = reveal(text)
    fence = "`" * (1 + max(map(len, re.findall(r"`+", shown)), default=0))
    return f"{fence}{shown}{fence}" if len(fence) == 1 else f"{fence} {shown} {fence}"


def write_figure(figure: Figure, picture: str | None) -> str:
    """Format the image, its caption and a collapsed table.

    Without an image, table and caption.
    """
    caption = escape_markdown(figure.caption)
    table = write_table(figure.table)
    if picture is None:
        return f"{table}\n{caption}\n"
    folded = f"<details><summary>The same as a table</summary>\n\n{table}\n</details>\n"
    return f"![{caption}]({picture})\n\n{caption}\n\n{folded}"


def write_cuts(cuts: Segmentations) -> str:
    """Format one text as split by each tokenizer, with bars at token boundaries."""
    texts = [f"> {escape_markdown(cuts.text)}\n"] if cuts.text else []
    if cuts.translation:
        texts.append(f"> {escape_markdown(cuts.reference)}: {escape_markdown(cuts.translation)}\n")
    quoted = ">\n".join(texts) + "\n" if texts else ""
    return f"### {escape_markdown(cuts.title)}\n\n{quoted}" + "".join(map(write_cut, cuts.cuts))


def write_cut(cut: SegmentedText) -> str:
    """Format one list item."""
    pieces = "".join(
        f"{escape_markdown(piece.text)}{f'<sub>{len(piece.ids)}</sub>' if len(piece.ids) > 1 else ''}&#124;"
        for piece in cut.pieces
    )
    rest = f" and {cut.left_out:,} more" if cut.left_out else ""
    return f"- **{escape_markdown(cut.tokenizer)}**, {cut.tokens:,} tokens: &#124;{pieces}{rest}\n"
