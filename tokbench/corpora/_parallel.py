"""A corpus whose segments are translations of each other in every language."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.corpora._corpus import Corpus, frame_reading, hash_texts
from tokbench.corpora._in_memory import TextsByLanguage, read_texts
from tokbench.corpora._joined_texts import find_blank
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._reader_api import RawCorpus, iterate_chunks
from tokbench.corpora._text_groups import build_groups
from tokbench.errors import TokbenchError


@dataclass(frozen=True, eq=False, repr=False)
class ParallelCorpus(Corpus):
    """Aligned segments in several languages.

    Every language has the same segments, none of them empty; `segments` holds their 0-based indices in the source,
    ascending. The other fields are those of `Corpus`.
    """

    aligned: ClassVar[bool] = True

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
        return build_parallel(read_texts(texts, name), "memory", name)

    def number(self, lang: str) -> pl.Series:
        """Return the numbers of the segments, which are those of every language."""
        return self.segments

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
        sha256, sizes = hash_texts(columns)
        return replace(
            self,
            columns=columns,
            segments=index,
            documents=self.documents if self.documents is None or whole else self.documents.filter(end),
            excluded=self.excluded if whole else self.excluded.filter(end),
            sha256=sha256,
            size=sum(sizes.values()),
            reading=pl.DataFrame({"lang": chosen}).join(self.reading, on="lang", how="left", maintain_order="left"),
        )

    def shorten(self, lengths: Mapping[str, int]) -> ParallelCorpus:
        """Return the first segments; every language has as many."""
        return self.select(segments=min(lengths.values()))

    def __repr__(self) -> str:
        size = f"{write_count(len(self.languages), 'language')} x {write_count(self.n, 'segment')}"
        return f"<ParallelCorpus {self.name}: {size}, sha256 {self.sha256[:12]}>"


def build_corpus(raw: RawCorpus, reader: str, source: str) -> Corpus:
    """Return the corpus of what a reader has read: parallel, or groups of texts."""
    return build_parallel(raw, reader, source) if raw.aligned else build_groups(raw, reader, source)


def build_parallel(raw: RawCorpus, reader: str, source: str) -> ParallelCorpus:
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
    sha256, sizes = hash_texts(columns)
    return ParallelCorpus(
        name=raw.name,
        columns=columns,
        segments=index.filter(mask),
        documents=None if documents is None else documents.select("segment", pl.exclude("segment")),
        excluded=excluded,
        sha256=sha256,
        size=sum(sizes.values()),
        format=reader,
        source=raw.source or source,
        licence=raw.licence,
        reading=frame_reading(raw.columns),
        left_out=tuple(raw.left_out),
    )


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
        for blank in find_blank(column.texts):
            missing, empty = blank.is_null(), blank.fill_null(value=False)
            mask[start : start + len(blank)] &= ~(missing | empty).to_numpy()
            for word, lacks in (("missing", missing), ("empty", empty)):
                for position in lacks.arg_true():
                    lacking.setdefault(start + position, {}).setdefault(word, []).append(column.lang)
            start += len(blank)
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
