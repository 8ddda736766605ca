"""Groups of texts that are not translations of each other, and several corpora as groups side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import ClassVar

import polars as pl

from tokbench.corpora._corpus import Corpus, frame_reading, hash_texts
from tokbench.corpora._in_memory import TextsByLanguage, read_texts
from tokbench.corpora._joined_texts import find_blank
from tokbench.corpora._language_choice import choose_languages
from tokbench.corpora._reader_api import LeftOut, RawCorpus, TextColumn
from tokbench.errors import TokbenchError

EXCLUDED = {"segment": pl.UInt32, "reason": pl.String}


@dataclass(frozen=True, eq=False, repr=False)
class TextGroups(Corpus):
    """Groups of texts: folders of code, prompts, documents, several corpora side by side.

    A group may have any number of segments. Whatever compares a text with its translation is undefined: premiums,
    the Gini coefficient, tests over languages. The columns are groups, and `lang` is a label.
    segments: numbers unique in the whole corpus: the groups' segments in turn, counted in the source.
    documents: the segments of all groups.
    sizes: UTF-8 bytes of each group.
    parts: names of the corpora that are side by side; empty if there is one.
    members: the groups of each of these corpora.
    """

    aligned: ClassVar[bool] = False

    sizes: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def from_texts(cls, texts: TextsByLanguage, name: str = "texts") -> TextGroups:
        """Make groups of texts in memory, given as for `ParallelCorpus.from_texts` but of any length.

        >>> TextGroups.from_texts({"code": ["x = 1\\n", "y = 2\\n"], "prose": ["One."]})
        <TextGroups texts: 2 groups, 3 segments, sha256 8a9d92382d72>
        """
        return build_groups(read_texts(texts, name, aligned=False), "memory", name)

    def number(self, lang: str) -> pl.Series:
        """Return the numbers of the segments of one group."""
        return self.segments.slice(self._starts()[lang], self.columns[lang].len())

    def select(self, languages: Sequence[str] | None = None, segments: int | None = None) -> TextGroups:
        """Return these groups, in this order, and the first segments of each.

        languages: labels; one that several corpora have chooses the groups of all, such as `a/en` and `b/en` for `en`.
        Raises TokbenchError for an unknown group.
        """
        if segments is not None and segments < 1:
            raise TokbenchError(f"{segments} segments are requested", "request at least 1")
        wanted = None if languages is None else [label for tag in languages for label in self._expand(tag)]
        chosen = choose_languages(self.languages, wanted, self.name, kind="group")
        lengths = {label: self.columns[label].len() for label in chosen}
        if segments is not None:
            lengths = {label: min(length, segments) for label, length in lengths.items()}
        return self.shorten(lengths)

    def shorten(self, lengths: Mapping[str, int]) -> TextGroups:
        """Return the first segments of each named group: as many as `lengths` says."""
        lengths = {label: length for label, length in lengths.items() if length}
        if list(lengths.items()) == [(label, column.len()) for label, column in self.columns.items()]:
            return self
        columns = {label: self.columns[label].head(length) for label, length in lengths.items()}
        sha256, sizes = hash_texts(columns)
        numbers = pl.concat([self.number(label).head(length) for label, length in lengths.items()])
        documents = self.documents
        return replace(
            self,
            columns=columns,
            segments=numbers,
            documents=None if documents is None else documents.join(numbers.to_frame(), on="segment", how="semi"),
            sha256=sha256,
            size=sum(sizes.values()),
            reading=pl.DataFrame({"lang": [*columns]}).join(self.reading, on="lang", how="left", maintain_order="left"),
            sizes=sizes,
        )

    def _expand(self, tag: str) -> list[str]:
        """Return the labels that a tag stands for; an unknown one stands for itself."""
        return [tag] if tag in self.columns else [c for c in self.columns if c.endswith(f"/{tag}")] or [tag]

    def _starts(self) -> dict[str, int]:
        """Return the place in `segments` of each group's first one."""
        lengths = [column.len() for column in self.columns.values()]
        return dict(zip(self.columns, accumulate(lengths, initial=0), strict=False))

    def __repr__(self) -> str:
        groups = "1 group" if len(self.columns) == 1 else f"{len(self.columns)} groups"
        return f"<TextGroups {self.name}: {groups}, {self.n} segments, sha256 {self.sha256[:12]}>"


def build_groups(raw: RawCorpus, reader: str, source: str) -> TextGroups:
    """Exclude empty texts, each in its own group, leave out groups without any, and hash the rest.

    raw: its documents, if any, have a row for each text of the first column, then of the second, and so on.
    A text is empty if it contains only characters with the Unicode property White_Space. Raises TokbenchError if no
    text is left.
    """
    index = pl.int_range(sum(c.texts.len() for c in raw.columns), dtype=pl.UInt32, eager=True).alias("segment")
    columns: dict[str, TextColumn] = {}
    numbers, excluded, left_out = [], [pl.DataFrame(schema=EXCLUDED)], list(raw.left_out)
    start = 0
    for column in raw.columns:
        own = index.slice(start, column.texts.len())
        start += len(own)
        filled = pl.concat([pl.Series([], dtype=pl.Boolean), *map(_find_filled, find_blank(column.texts))])
        if not filled.any():
            left_out.append(LeftOut(column.origin, "no text in it"))
            continue
        columns[column.lang] = column.texts if filled.all() else column.texts.filter(filled)
        numbers.append(own.filter(filled))
        reason = pl.lit(f"empty in {column.lang}").alias("reason")
        excluded.append(own.filter(~filled).to_frame().with_columns(reason))
    if not columns:
        raise TokbenchError(f"{source} contains no text", "give a file or folder that does")
    segments = pl.concat(numbers)
    documents = None if raw.documents is None else raw.documents.with_columns(index)
    sha256, sizes = hash_texts(columns)
    return TextGroups(
        name=raw.name,
        columns=columns,
        segments=segments,
        documents=None
        if documents is None
        else documents.select("segment", pl.exclude("segment")).join(segments.to_frame(), on="segment", how="semi"),
        excluded=pl.concat(excluded),
        sha256=sha256,
        size=sum(sizes.values()),
        format=reader,
        source=raw.source or source,
        licence=raw.licence,
        reading=frame_reading([column for column in raw.columns if column.lang in columns]),
        left_out=tuple(left_out),
        sizes=sizes,
    )


def _find_filled(blank: pl.Series) -> pl.Series:
    return ~blank.fill_null(value=True)


def join_corpora(corpora: Sequence[Corpus]) -> Corpus:
    """Return several corpora as groups side by side; a single one as it is.

    A label that only one corpus has stays as it is, another becomes `CORPUS/LABEL`. The segments are numbered anew,
    and documents are named by their corpus, so that none belongs to two.
    Raises TokbenchError for a corpus that is given twice.
    """
    if len(corpora) == 1:
        return corpora[0]
    _refuse_repeated(corpora)
    names = _name_apart(corpora)
    shared = Counter(label for corpus in corpora for label in corpus.languages)
    columns: dict[str, TextColumn] = {}
    numbers, documents, excluded, reading = [], [], [], []
    members: dict[str, tuple[str, ...]] = {}
    start = 0
    for name, corpus in zip(names, corpora, strict=True):
        labels = {tag: tag if shared[tag] == 1 else f"{name}/{tag}" for tag in corpus.languages}
        members[name] = tuple(labels.values())
        columns |= {labels[tag]: column for tag, column in corpus.columns.items()}
        for own in map(corpus.number, corpus.languages):
            numbers.append(pl.int_range(start, start + len(own), dtype=pl.UInt32, eager=True).alias("segment"))
            documents.append(_name_documents(corpus, own, numbers[-1], name))
            start += len(own)
        excluded.append(corpus.excluded.with_columns(reason=pl.lit(f"{name}: ") + pl.col("reason")))
        reading.append(corpus.reading.with_columns(pl.col("lang").replace_strict(labels, return_dtype=pl.String)))
    named = pl.concat(documents)
    sha256, sizes = hash_texts(columns)
    licences = dict.fromkeys(corpus.licence or "not stated" for corpus in corpora)
    return TextGroups(
        name="+".join(names),
        columns=columns,
        segments=pl.concat(numbers),
        documents=named if any(corpus.documents is not None for corpus in corpora) else None,
        excluded=pl.concat(excluded),
        sha256=sha256,
        size=sum(sizes.values()),
        format=", ".join(dict.fromkeys(corpus.format for corpus in corpora)),
        source=", ".join(corpus.source for corpus in corpora),
        licence=None if all(corpus.licence is None for corpus in corpora) else "; ".join(licences),
        reading=pl.concat(reading),
        left_out=tuple(part for corpus in corpora for part in corpus.left_out),
        sizes=sizes,
        parts=tuple(names),
        members=members,
    )


def spread_weights(weights: Mapping[str, float], corpus: Corpus) -> dict[str, float]:
    """Return weights of groups: that of one of several corpora is spread over its groups by their bytes.

    A group with the name of a corpus comes first. Raises TokbenchError for a group that is also part of such a corpus.
    """
    members = corpus.members if isinstance(corpus, TextGroups) else {}
    spread: dict[str, float] = {}
    for label, weight in weights.items():
        if not isinstance(corpus, TextGroups) or label in corpus.languages or label not in members:
            shares = {label: weight}
        else:
            sizes = {group: corpus.sizes[group] for group in members[label] if group in corpus.languages}
            shares = {group: weight * size / sum(sizes.values()) for group, size in sizes.items()}
        twice = next((group for group in shares if group in spread), None)
        if twice is not None:
            raise TokbenchError(f"the weights give {twice} twice: alone and with its corpus", "give one of them")
        spread |= shares or {label: weight}
    return spread


def _refuse_repeated(corpora: Sequence[Corpus]) -> None:
    seen: dict[str, str] = {}
    for corpus in corpora:
        if corpus.sha256 in seen:
            raise TokbenchError(f"the corpora {seen[corpus.sha256]} and {corpus.name} hold the same texts", "give one")
        seen[corpus.sha256] = corpus.name


def _name_apart(corpora: Sequence[Corpus]) -> list[str]:
    """Return the names of corpora; those that several have are told apart by their number."""
    times = Counter(corpus.name for corpus in corpora)
    names: list[str] = []
    for corpus in corpora:
        name, number = corpus.name, 1
        while name in names or (number == 1 and times[name] > 1):
            name, number = f"{corpus.name}-{number}", number + 1
        names.append(name)
    return names


def _name_documents(corpus: Corpus, old: pl.Series, new: pl.Series, name: str) -> pl.DataFrame:
    """Return the documents of one group under new numbers; a segment without one is a document of its own."""
    pair = pl.DataFrame({"segment": new, "old": old})
    if corpus.documents is None:
        number = pl.col("old").cast(pl.String)
        return pair.select("segment", document=pl.lit(f"{name}#") + number)
    joined = pair.join(corpus.documents, left_on="old", right_on="segment", how="left", maintain_order="left")
    return joined.select("segment", document=pl.lit(f"{name}/") + pl.col("document"))
