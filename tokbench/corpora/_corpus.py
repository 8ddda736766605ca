"""What parallel corpora and groups of texts have in common."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import ClassVar

import numpy as np
import polars as pl

from tokbench.corpora._joined_texts import iterate_bytes, measure_bytes
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._reader_api import LanguageText, LeftOut, TextColumn, iterate_chunks


@dataclass(frozen=True, eq=False, repr=False)
class Corpus(ABC):
    """Texts by language: a `ParallelCorpus`, or `TextGroups`, whose texts are not translations of each other.

    aligned: whether every language has the same segments.
    name: of the file or folder, or of the bundled corpus.
    columns: the texts of each language or group, exactly as in the source, in their order; large files are read in
    slices, on demand.
    segments: numbers of the segments in use (UInt32): once for all languages if aligned, else of each group in turn.
    documents: segment, document, and register if known; or None.
    excluded: segment, reason ("empty in zh,ja", "missing in de").
    sha256: of the languages and texts in use, independent of format and path.
    size: UTF-8 bytes of all texts.
    format, source, licence: the reader, the origin, the licence (None if the corpus does not say).
    reading: lang, origin, bom, crlf: what reading removed from the lines.
    left_out: files, columns and variants that exist but are not used.
    """

    aligned: ClassVar[bool]

    name: str
    columns: Mapping[str, TextColumn]
    segments: pl.Series
    documents: pl.DataFrame | None
    excluded: pl.DataFrame
    sha256: str
    size: int
    format: str
    source: str
    licence: str | None
    reading: pl.DataFrame
    left_out: tuple[LeftOut, ...] = ()

    @property
    def languages(self) -> tuple[str, ...]:
        """Language tags, or labels of groups, in the order of the corpus."""
        return tuple(self.columns)

    @property
    def n(self) -> int:
        """Number of segments: in each language if aligned, else in all groups together."""
        return len(self.segments)

    @property
    def count(self) -> int:
        """Number of texts in all languages."""
        return sum(column.len() for column in self.columns.values())

    @abstractmethod
    def number(self, lang: str) -> pl.Series:
        """Return the numbers of the segments of one language or group."""

    @abstractmethod
    def select(self, languages: Sequence[str] | None = None, segments: int | None = None) -> Corpus:
        """Return the corpus with these languages or groups, and the first segments of each."""

    @abstractmethod
    def shorten(self, lengths: Mapping[str, int]) -> Corpus:
        """Return the first segments of each language: as many as `lengths` says."""

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The whole corpus in memory: segment, lang (Enum), text; by lang, then segment.

        The Enum is in the order of `languages`.
        """
        lang = pl.Enum(list(self.languages))
        parts = [
            pl.DataFrame(
                [
                    self.number(tag).alias("segment"),
                    pl.repeat(tag, column.len(), dtype=lang, eager=True).alias("lang"),
                    column.slice(0).alias("text"),
                ]
            )
            for tag, column in self.columns.items()
        ]
        return pl.concat(parts)

    def texts(self, lang: str) -> list[str]:
        """Return the texts of one language in the order of the segments.

        Raises TokbenchError for an unknown language.
        """
        return self.columns[choose_languages(self.languages, [lang], self.name)[0]].slice(0).to_list()

    def iterate_texts(self) -> Iterator[str]:
        """Yield all texts with part of the corpus in memory; languages take turns while they have any."""
        columns = [chain.from_iterable(map(pl.Series.to_list, iterate_chunks(c))) for c in self.columns.values()]
        while columns:
            left = []
            for texts in columns:
                text = next(texts, None)
                if text is not None:
                    left.append(texts)
                    yield text
            columns = left


def frame_reading(columns: Sequence[LanguageText]) -> pl.DataFrame:
    """Return the frame `reading` of a corpus."""
    return pl.DataFrame(
        [(column.lang, column.origin, column.bom, column.crlf) for column in columns],
        schema={"lang": pl.String, "origin": pl.String, "bom": pl.UInt32, "crlf": pl.UInt32},
        orient="row",
    )


def hash_texts(columns: Mapping[str, TextColumn]) -> tuple[str, dict[str, int]]:
    """Compute the SHA-256 (hexadecimal) of languages and texts, and the bytes of each language.

    Hashed, for each language in the order of the tags: the tag's length in bytes and the number of texts (8 bytes each,
    little endian), the tag, the texts' lengths in bytes (8 bytes each), the texts in UTF-8. Because the lengths come
    first, no two corpora share an encoding. File format, order of languages and indices of segments do not matter.
    """
    digest = hashlib.sha256(b"tokbench corpus 1\n")
    sizes = dict.fromkeys(columns, 0)
    for lang, column in sorted(columns.items()):
        tag = lang.encode()
        digest.update(np.array([len(tag), column.len()], dtype="<u8").tobytes())
        digest.update(tag)
        for lengths in measure_bytes(column):
            sizes[lang] += int(lengths.sum())
            digest.update(lengths.astype("<u8").tobytes())
        for content in iterate_bytes(column):
            digest.update(content)
    return digest.hexdigest(), sizes
