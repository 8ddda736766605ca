"""A corpus whose segments are translations of each other in every language."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.corpora._in_memory import TextsByLanguage, read_texts
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._reader_api import LeftOut, RawCorpus, TextColumn, iterate_chunks
from tokbench.errors import TokbenchError


@dataclass(frozen=True, eq=False, repr=False)
class ParallelCorpus:
    """Aligned segments in several languages.

    Every language has the same segments, none of them empty.
    name: of the file or folder, or of the bundled corpus.
    columns: the texts of each language, exactly as in the source, in the order of the segments; large files are read in
    slices, on demand.
    segments: 0-based indices in the source of the segments in use, ascending (UInt32, length n).
    documents: segment, document, and register if known; or None.
    excluded: segment, reason ("empty in zh,ja", "missing in de").
    sha256: of the languages and texts in use, independent of format and path.
    size: UTF-8 bytes of all texts.
    format, source, licence: the reader, the origin, the licence (None if the corpus does not say).
    reading: lang, origin, bom, crlf: what reading removed from the lines.
    left_out: files, columns and variants that exist but are not used.
    """

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

    @classmethod
    def from_texts(cls, texts: TextsByLanguage, name: str = "texts") -> ParallelCorpus:
        """Make a corpus of texts in memory: text n of each language says the same.

        texts: a dict of texts by language, or a polars or pandas frame or a `datasets.Dataset` whose columns are
        languages. name: what tables and signatures call the corpus. Texts of white space alone are excluded in all
        languages, as in files.
        Raises TokbenchError for unequal lengths, missing values and values that are not text.

        >>> ParallelCorpus.from_texts({"en": ["one", "two"], "de": ["eins", "zwei"]})
        <ParallelCorpus texts: 2 languages x 2 segments, sha256 6ac4e7792515>
        """
        return build_corpus(read_texts(texts, name), "memory", name)

    @property
    def languages(self) -> tuple[str, ...]:
        """Language tags in the order of the corpus."""
        return tuple(self.columns)

    @property
    def n(self) -> int:
        """Number of segments in each language."""
        return len(self.segments)

    @cached_property
    def frame(self) -> pl.DataFrame:
        """The whole corpus in memory: segment, lang (Enum), text; by lang, then segment.

        The Enum is in the order of `languages`.
        """
        lang = pl.Enum(list(self.languages))
        index = self.segments.alias("segment")
        parts = [
            pl.DataFrame(
                [index, pl.repeat(tag, self.n, dtype=lang, eager=True).alias("lang"), column.slice(0).alias("text")]
            )
            for tag, column in self.columns.items()
        ]
        return pl.concat(parts)

    def texts(self, lang: str) -> list[str]:
        """Return the texts of one language in the order of the segments.

        Raises TokbenchError for an unknown language.
        """
        return self.columns[choose_languages(self.languages, [lang], self.name)[0]].slice(0).to_list()

    def iterate_rows(self) -> Iterator[tuple[str, ...]]:
        """Yield the texts of all languages by segment, with part of the corpus in memory."""
        for chunks in zip(*map(iterate_chunks, self.columns.values()), strict=True):
            yield from zip(*(chunk.to_list() for chunk in chunks), strict=True)

    def select(self, languages: Sequence[str] | None = None, segments: int | None = None) -> ParallelCorpus:
        """Return the corpus with these languages, in this order, and fewer segments.

        segments: keep this many of the first; by default all.
        Segments excluded because of a language that is no longer selected stay excluded; to include them, read the
        corpus again with `load_corpus(..., languages=...)`. Raises TokbenchError for an unknown language.
        """
        if segments is not None and segments < 1:
            raise TokbenchError(f"{segments} segments are requested", "request at least 1")
        chosen = choose_languages(self.languages, languages, self.name)
        index = self.segments if segments is None else self.segments.head(segments)
        whole = len(index) == self.n
        if whole and chosen == self.languages:
            return self
        columns = {lang: self.columns[lang] if whole else self.columns[lang].head(len(index)) for lang in chosen}
        end = pl.col("segment") <= index[-1]
        sha256, size = hash_texts(columns)
        return replace(
            self,
            columns=columns,
            segments=index,
            documents=self.documents if self.documents is None or whole else self.documents.filter(end),
            excluded=self.excluded if whole else self.excluded.filter(end),
            sha256=sha256,
            size=size,
            reading=pl.DataFrame({"lang": chosen}).join(self.reading, on="lang", how="left", maintain_order="left"),
        )

    def __repr__(self) -> str:
        size = f"{write_count(len(self.languages), 'language')} x {write_count(self.n, 'segment')}"
        return f"<ParallelCorpus {self.name}: {size}, sha256 {self.sha256[:12]}>"


def build_corpus(raw: RawCorpus, reader: str, source: str) -> ParallelCorpus:
    """Check alignment, exclude segments empty in any language, and hash the rest.

    A text is empty if it contains only characters with the Unicode property White_Space. Raises TokbenchError for
    languages of unequal length, and if no segment is left.
    """
    if not raw.columns:
        raise TokbenchError(f"{source} contains no language", "give a corpus with at least one")
    _check_lengths(raw)
    index = pl.int_range(raw.columns[0].texts.len(), dtype=pl.UInt32, eager=True).alias("segment")
    excluded, mask = _exclusions(raw, index)
    if not mask.any():
        raise TokbenchError(
            f"{source}: none of {len(index)} segments is left: {_first_reason(excluded)}",
            _suggest_languages(raw),
        )
    complete = bool(mask.all())
    columns = {column.lang: column.texts if complete else column.texts.filter(mask) for column in raw.columns}
    documents = None if raw.documents is None else raw.documents.with_columns(index).filter(mask)
    sha256, size = hash_texts(columns)
    return ParallelCorpus(
        name=raw.name,
        columns=columns,
        segments=index.filter(mask),
        documents=None if documents is None else documents.select("segment", pl.exclude("segment")),
        excluded=excluded,
        sha256=sha256,
        size=size,
        format=reader,
        source=raw.source or source,
        licence=raw.licence,
        reading=pl.DataFrame(
            [(column.lang, column.origin, column.bom, column.crlf) for column in raw.columns],
            schema={"lang": pl.String, "origin": pl.String, "bom": pl.UInt32, "crlf": pl.UInt32},
            orient="row",
        ),
        left_out=tuple(raw.left_out),
    )


def hash_texts(columns: Mapping[str, TextColumn]) -> tuple[str, int]:
    """Compute the SHA-256 (hexadecimal) of languages and texts, and the texts' bytes.

    Hashed, for each language in the order of the tags: the tag's length in bytes and the number of texts (8 bytes each,
    little endian), the tag, the texts' lengths in bytes (8 bytes each), the texts in UTF-8. Because the lengths come
    first, no two corpora share an encoding. File format, order of languages and indices of segments do not matter.
    """
    digest = hashlib.sha256(b"tokbench corpus 1\n")
    size = 0
    for lang, column in sorted(columns.items()):
        tag = lang.encode()
        digest.update(np.array([len(tag), column.len()], dtype="<u8").tobytes())
        digest.update(tag)
        for chunk in iterate_chunks(column):
            lengths = chunk.str.len_bytes().to_numpy().astype("<u8")
            size += int(lengths.sum())
            digest.update(lengths.tobytes())
        for chunk in iterate_chunks(column):
            digest.update(chunk.str.join("").cast(pl.Binary).item())
    return digest.hexdigest(), size


def _check_lengths(raw: RawCorpus) -> None:
    lengths = [column.texts.len() for column in raw.columns]
    usual = Counter(lengths).most_common(1)[0][0]
    if len(set(lengths)) > 1:
        right = raw.columns[lengths.index(usual)]
        wrong, count = next((c, k) for c, k in zip(raw.columns, lengths, strict=True) if k != usual)
        others = sum(k != usual for k in lengths) - 1
        more = f" ({others} more files deviate)" if others else ""
        raise TokbenchError(
            f"the corpus is ragged: {wrong.origin} has {count} segments, {right.origin} has {usual}{more}",
            "line n of each file must be the translation of line n of the others",
        )


def _exclusions(raw: RawCorpus, index: pl.Series) -> tuple[pl.DataFrame, pl.Series]:
    """Return segments missing or empty in a language, with reason; mask the others."""
    lacking: dict[int, dict[str, list[str]]] = {}
    mask = np.ones(len(index), np.bool_)
    for column in raw.columns:
        start = 0
        for chunk in iterate_chunks(column.texts):
            missing = chunk.is_null()
            empty = (chunk.str.strip_chars() == "").fill_null(False)
            mask[start : start + len(chunk)] &= ~(missing | empty).to_numpy()
            for word, lacks in (("missing", missing), ("empty", empty)):
                for position in lacks.arg_true():
                    lacking.setdefault(start + position, {}).setdefault(word, []).append(column.lang)
            start += len(chunk)
    rows = [
        (segment, "; ".join(f"{word} in {','.join(tags)}" for word, tags in lacking[segment].items()))
        for segment in sorted(lacking)
    ]
    return pl.DataFrame(rows, schema={"segment": pl.UInt32, "reason": pl.String}, orient="row"), pl.Series(mask)


def _first_reason(excluded: pl.DataFrame) -> str:
    if excluded.height == 0:
        return "the source is empty"
    return f"segment {excluded['segment'][0]} is {excluded['reason'][0]}"


def _suggest_languages(raw: RawCorpus) -> str:
    """Suggest what to do if no segment is complete, with the texts per language."""
    counts = [
        (column.lang, sum(int((chunk.str.strip_chars() != "").sum()) for chunk in iterate_chunks(column.texts)))
        for column in raw.columns
    ]
    counts.sort(key=lambda item: -item[1])
    shown = ", ".join(f"{lang} {count}" for lang, count in counts[:12])
    return f"choose languages that share segments, or another corpus; texts per language: {shown}"
