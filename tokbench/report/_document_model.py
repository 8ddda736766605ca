"""A report before any format: sections of prose, tables, figures and cut texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from tokbench.report._svg import Specification
from tokbench.report._table import Table


@dataclass(frozen=True)
class Prose:
    """Paragraphs."""

    paragraphs: tuple[str, ...]


@dataclass(frozen=True)
class Points:
    """A list of statements; `warning` where they must not be overlooked."""

    items: tuple[str, ...]
    warning: bool = False


@dataclass(frozen=True)
class Facts:
    """Terms and what they are here."""

    items: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Figure:
    """A chart with its caption and the same numbers as a table.

    name: unique in its section, for file names and anchors. draw: makes the chart, when a format shows charts.
    """

    name: str
    caption: str
    draw: Callable[[], Specification]
    table: Table


@dataclass(frozen=True)
class SegmentedText:
    """A text as a tokenizer cuts it: its pieces with their ids, and how many more there are."""

    tokenizer: str
    tokens: int
    pieces: tuple[tuple[int, str], ...]

    @property
    def left_out(self) -> int:
        """Tokens that are not shown."""
        return self.tokens - len(self.pieces)


@dataclass(frozen=True)
class Segmentations:
    """One text as each tokenizer cuts it."""

    title: str
    lang: str
    cuts: tuple[SegmentedText, ...]


Part: TypeAlias = Prose | Points | Facts | Table | Figure | Segmentations


@dataclass(frozen=True)
class Section:
    """A headed part of a report."""

    name: str
    title: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Chapter:
    """The sections of one result; its title is shown where a report holds several."""

    name: str
    title: str
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Document:
    """A whole report."""

    title: str
    chapters: tuple[Chapter, ...]

    @property
    def figures(self) -> dict[str, Figure]:
        """All figures by the name of their file."""
        return {
            figure_name(self, chapter, part): part
            for chapter in self.chapters
            for section in chapter.sections
            for part in section.parts
            if isinstance(part, Figure)
        }


def figure_name(document: Document, chapter: Chapter, figure: Figure) -> str:
    """The name of a figure in a report: with its chapter's where there are several."""
    return figure.name if len(document.chapters) == 1 else f"{chapter.name}-{figure.name}"
