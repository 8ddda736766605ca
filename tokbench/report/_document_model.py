"""The structure of a report, independent of format.

Sections of prose, tables, figures and split texts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import polars as pl

from tokbench.report._svg import Drawing
from tokbench.report._table import Table


@dataclass(frozen=True)
class Prose:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Points:
    """A list of statements; `warning` if they must not be overlooked."""

    items: tuple[str, ...]
    warning: bool = False
    title: str = ""


@dataclass(frozen=True)
class Facts:
    """Terms and their descriptions; those with a title may be folded."""

    items: tuple[tuple[str, str], ...]
    title: str = ""


@dataclass(frozen=True)
class Tiles:
    """Terms and what a reader wants to know first of them, which a page shows side by side."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Legend:
    """What the marks in tables mean, in formats that use marks.

    best: where the marked values are the best: "column" or "row".
    """

    best: str


@dataclass(frozen=True)
class Signature:
    """What the values depend on, in a line to be cited."""

    text: str


@dataclass(frozen=True)
class Figure:
    """A chart with its caption, and the same numbers as a table.

    name: unique within its section, for file names and anchors.
    draw: creates the chart, for formats that show charts.
    """

    name: str
    caption: str
    draw: Callable[[], Drawing]
    table: Table


@dataclass(frozen=True)
class Piece:
    """The shortest run of tokens that is whole characters: one token, or several that share a character.

    ids: of the tokens.
    """

    ids: tuple[int, ...]
    text: str


@dataclass(frozen=True)
class SegmentedText:
    """A text as split by a tokenizer.

    tokens: number of tokens.
    pieces: the tokens shown.
    """

    tokenizer: str
    tokens: int
    pieces: tuple[Piece, ...]

    @property
    def left_out(self) -> int:
        """Return the number of tokens not shown."""
        return self.tokens - sum(len(piece.ids) for piece in self.pieces)


@dataclass(frozen=True)
class Segmentations:
    """One text as split by each tokenizer.

    text: the whole text; translation: the same in `reference`, a language. Empty where they are not known.
    """

    title: str
    lang: str
    cuts: tuple[SegmentedText, ...]
    text: str = ""
    reference: str = ""
    translation: str = ""


Plain: TypeAlias = Prose | Points | Facts | Legend | Signature | Table
"""A part that every format writes."""

Part: TypeAlias = Plain | Figure | Segmentations | Tiles


@dataclass(frozen=True)
class Results:
    """What a command found: parts for readers, a document and a frame for programs.

    Each is a function, since a format needs only one of them.

    figures: charts, for pages; what they show is in `parts` as well.
    page: a document with sections, for formats that have them (HTML, Markdown); by default only the parts.
    """

    parts: Callable[[], Sequence[Plain]]
    document: Callable[[], Any]
    frame: Callable[[], pl.DataFrame] | None = None
    figures: Callable[[], Sequence[Figure]] | None = None
    page: Callable[[], Document] | None = None


@dataclass(frozen=True)
class Section:
    """A section of a report, with a heading."""

    name: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Chapter:
    """The sections on one result; its title is shown if a report has several."""

    name: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Document:
    """A whole report; subtitle: what was measured, when, and how many."""

    title: str
    chapters: tuple[Chapter, ...]
    subtitle: str = ""

    @property
    def figures(self) -> dict[str, Figure]:
        """Return all figures by file name."""
        return {
            figure_name(self, chapter, part): part
            for chapter in self.chapters
            for section in chapter.sections
            for part in section.parts
            if isinstance(part, Figure)
        }


def figure_name(document: Document, chapter: Chapter, figure: Figure) -> str:
    """Return a figure's name in a report.

    With the chapter's name if there are several.
    """
    return figure.name if len(document.chapters) == 1 else f"{chapter.name}-{figure.name}"
