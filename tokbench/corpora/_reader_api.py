"""What a corpus reader is, and what it hands back: texts as read, before any check of alignment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl


class TextColumn(Protocol):
    """The texts of one language in order: a polars series, or a file that is read in slices (`LineFile`)."""

    def len(self) -> int:
        """How many texts there are."""
        ...

    def slice(self, offset: int, length: int | None = None) -> pl.Series:
        """Some of the texts, or all from `offset` on, in memory."""
        ...

    def head(self, n: int = 10) -> TextColumn:
        """The first n texts."""
        ...

    def filter(self, predicate: pl.Series) -> TextColumn:
        """The texts where a mask is true."""
        ...

    def gather_every(self, n: int, offset: int = 0) -> pl.Series:
        """Every n-th text, in memory."""
        ...


CHUNK_TEXTS = 50_000
"""Texts that are in memory at once where a whole column is gone through."""


def iterate_chunks(column: TextColumn) -> Iterator[pl.Series]:
    """All texts of a column, `CHUNK_TEXTS` at a time."""
    for start in range(0, column.len(), CHUNK_TEXTS):
        yield column.slice(start, CHUNK_TEXTS)


class LeftOut(NamedTuple):
    """Something that lies in the corpus and is not read: a file, a column, and why."""

    what: str
    why: str


@dataclass(frozen=True)
class LanguageText:
    """The texts of one language in the order of the source, a row a segment; null where the source has none.

    `origin` names the file or column; `bom` is 1 where the file began with a byte order mark, which is not in the
    texts; `crlf` counts the lines that ended in CR LF, which is not in the texts either. Both are None where
    the format has no lines.
    """

    lang: str
    texts: TextColumn
    origin: str
    bom: int | None = None
    crlf: int | None = None


@dataclass(frozen=True)
class RawCorpus:
    """A corpus as a reader found it; `ParallelCorpus.build` checks the alignment.

    `documents` has a row a segment and the column `document`, and `register` where it is known.
    """

    name: str
    columns: Sequence[LanguageText]
    documents: pl.DataFrame | None = None
    left_out: Sequence[LeftOut] = ()
    licence: str | None = None
    source: str | None = None


class CorpusReader(Protocol):
    """A module of this package, or an entry point of the group `tokbench.corpora`, that reads one format."""

    def claims(self, path: Path) -> bool:
        """Whether what lies at `path` is of this format, by its kind, name and first bytes; no if nothing does."""
        ...

    def read(self, path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
        """Read the languages asked for, in that order, or all.

        `options` are the `key=value` pairs of the corpus argument, without `format`. TokbenchError for what cannot be
        read, with file and line, for an unknown option, and for a language that is not there.
        """
        ...


def text_series(texts: Sequence[str | None]) -> pl.Series:
    """Texts as a polars column."""
    return pl.Series("text", texts, dtype=pl.String)


def document_frame(documents: Sequence[str | None]) -> pl.DataFrame:
    """Document names as `RawCorpus.documents` has them."""
    return pl.DataFrame({"document": documents}, schema={"document": pl.String})
