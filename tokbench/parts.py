"""A corpus in parts that are measured one by one: ranges of segments, each in all languages before the next."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tokbench.corpora import ParallelCorpus
from tokbench.environment import count_cores

PART_BYTES = 2_000_000
"""UTF-8 bytes of the texts of a part, about: what a part needs in memory is some thirty times that."""

_PARTS_A_THREAD = 4
"""So many at least, where the corpus is not too small for it, that no thread waits long for another at the end."""

_SMALLEST = 50_000


@dataclass(frozen=True)
class Part:
    """A range of segments in one language. `stripe` numbers the range."""

    stripe: int
    lang: str
    start: int
    length: int

    def read(self, corpus: ParallelCorpus) -> list[str]:
        """Its texts."""
        return column(corpus, self.lang).slice(self.start, self.length).to_list()


def column(corpus: ParallelCorpus, lang: str) -> pl.Series:
    """The texts of one language of a corpus, not copied: its frame is sorted by language."""
    return corpus.frame["text"].slice(corpus.languages.index(lang) * corpus.n, corpus.n)


def cut_parts(corpus: ParallelCorpus, threads: int | None = None) -> list[Part]:
    """The parts of a corpus, range after range, of about equal size."""
    total = int(corpus.frame["text"].str.len_bytes().sum())
    languages = corpus.languages
    wanted = max(total / PART_BYTES, min(_PARTS_A_THREAD * (threads or count_cores()), total / _SMALLEST))
    stripes = min(max(1, round(wanted / len(languages))), corpus.n)
    bounds = [stripe * corpus.n // stripes for stripe in range(stripes + 1)]
    return [
        Part(stripe, lang, bounds[stripe], bounds[stripe + 1] - bounds[stripe])
        for stripe in range(stripes)
        for lang in languages
    ]
