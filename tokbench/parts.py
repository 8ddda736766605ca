"""A corpus in parts that are measured one by one: ranges of segments, each in all languages before the next."""

from __future__ import annotations

from dataclasses import dataclass

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
        return corpus.columns[self.lang].slice(self.start, self.length).to_list()


def cut_parts(corpus: ParallelCorpus, threads: int | None = None) -> list[Part]:
    """The parts of a corpus, range after range, of about equal size."""
    languages = corpus.languages
    wanted = max(corpus.size / PART_BYTES, min(_PARTS_A_THREAD * (threads or count_cores()), corpus.size / _SMALLEST))
    stripes = min(max(1, round(wanted / len(languages))), corpus.n)
    bounds = [stripe * corpus.n // stripes for stripe in range(stripes + 1)]
    return [
        Part(stripe, lang, bounds[stripe], bounds[stripe + 1] - bounds[stripe])
        for stripe in range(stripes)
        for lang in languages
    ]
