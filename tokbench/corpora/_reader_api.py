"""Interface of a corpus reader, and its result: texts before alignment checks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

import polars as pl


class TextColumn(Protocol):
    """The texts of one language in order: a polars series, or a `LineFile`."""

    def len(self) -> int:
        """Return the number of texts."""
        ...

    def slice(self, offset: int, length: int | None = None) -> pl.Series:
        """Return some of the texts, or all from `offset` on, in memory."""
        ...

    def head(self, n: int = 10) -> TextColumn:
        """Return the first n texts."""
        ...

    def filter(self, predicate: pl.Series) -> TextColumn:
        """Return the texts for which the mask is true."""
        ...

    def gather_every(self, n: int, offset: int = 0) -> pl.Series:
        """Return every n-th text, in memory."""
        ...


CHUNK_TEXTS = 50_000
"""Number of texts in memory at once when iterating over a whole column."""


def iterate_chunks(column: TextColumn) -> Iterator[pl.Series]:
    """Yield all texts of a column, `CHUNK_TEXTS` at a time."""
    for start in range(0, column.len(), CHUNK_TEXTS):
        yield column.slice(start, CHUNK_TEXTS)


class LeftOut(NamedTuple):
    """A part of the corpus that is not read (a file, a column), and why."""

    what: str
    why: str


@dataclass(frozen=True)
class LanguageText:
    """The texts of one language in the order of the source, one row per segment.

    A text is null if the source has none.
    origin: the file or column.
    bom: 1 if the file started with a byte order mark, which is not in the texts; None if the format has no lines.
    crlf: number of lines that ended in CR LF, which is not in the texts either; None likewise.
    """

    lang: str
    texts: TextColumn
    origin: str
    bom: int | None = None
    crlf: int | None = None


@dataclass(frozen=True)
class RawCorpus:
    """A corpus as a reader returns it; `build_corpus` checks the alignment.

    documents: one row per segment with the column `document`, and `register` if known; if not aligned, the rows of the
    first column, then those of the second, and so on.
    aligned: whether text n of each column says the same in another language; if not, columns are groups of texts.
    """

    name: str
    columns: Sequence[LanguageText]
    documents: pl.DataFrame | None = None
    left_out: Sequence[LeftOut] = ()
    licence: str | None = None
    source: str | None = None
    aligned: bool = True


class CorpusReader(Protocol):
    """A module of this package, or an entry point of `tokbench.corpora`: one format."""

    def claims(self, path: Path) -> bool:
        """Return whether `path` has this format, judging by kind, name and first bytes.

        A path that does not exist has none.
        """
        ...

    def read(self, path: Path, options: Mapping[str, str], languages: Sequence[str] | None) -> RawCorpus:
        """Read the requested languages, in that order, or all.

        options: the `key=value` pairs of the corpus argument, without `format`.
        Raises TokbenchError for what cannot be read, with file and line, for an unknown option, and for an unknown
        language.
        """
        ...


def text_series(texts: Sequence[str | None]) -> pl.Series:
    """Return texts as a polars column."""
    return pl.Series("text", texts, dtype=pl.String)


def document_frame(documents: Sequence[str | None]) -> pl.DataFrame:
    """Return document names in the form of `RawCorpus.documents`."""
    return pl.DataFrame({"document": documents}, schema={"document": pl.String})
