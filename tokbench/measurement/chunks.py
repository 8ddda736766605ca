"""A corpus in parts that are measured one by one: stripes of segments, in each the texts of all languages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tokbench._shared.environment import count_cores
from tokbench.corpora import ParallelCorpus

STRIPE_BYTES = 4_000_000
"""UTF-8 bytes of a stripe, about: its texts are in memory, with the places of their words some ten times that."""

WHOLE_BYTES = 16_000_000
"""A corpus of up to so many is one stripe."""

LANGUAGE_BYTES = 50_000
"""And of each of its languages at least, where there are many: a part takes its time, however small it is."""

PART_BYTES = 2_000_000
"""UTF-8 bytes of a part at most, about: what a part needs in memory is some thirty times that."""

_PARTS_A_THREAD = 4
"""So many at least, where the stripe is not too small for it, that no thread waits long for another at the end."""

_SMALLEST = 50_000


@dataclass(frozen=True)
class Part:
    """A range of segments in one language."""

    lang: str
    start: int
    length: int

    def read(self, corpus: ParallelCorpus) -> list[str]:
        """Its texts."""
        return corpus.columns[self.lang].slice(self.start, self.length).to_list()


@dataclass(frozen=True)
class Stripe:
    """A range of segments in all languages."""

    start: int
    length: int
    parts: tuple[Part, ...]


def cut_stripes(corpus: ParallelCorpus, threads: int | None = None) -> Iterator[Stripe]:
    """The stripes of a corpus, one after the other, of about equal size, and so are their parts."""
    languages = corpus.languages
    stripe_bytes = WHOLE_BYTES if corpus.size <= WHOLE_BYTES else max(STRIPE_BYTES, LANGUAGE_BYTES * len(languages))
    for start, length in _cut(0, corpus.n, corpus.size / stripe_bytes):
        each = corpus.size * length / corpus.n / len(languages)
        wanted = max(
            each / PART_BYTES, min(_PARTS_A_THREAD * (threads or count_cores()) / len(languages), each / _SMALLEST)
        )
        ranges = list(_cut(start, length, wanted))
        yield Stripe(start, length, tuple(Part(lang, *part) for lang in languages for part in ranges))


def _cut(start: int, length: int, wanted: float) -> Iterator[tuple[int, int]]:
    """A range of segments in about so many of equal length: start and length of each."""
    pieces = min(max(1, round(wanted)), length)
    bounds = [start + piece * length // pieces for piece in range(pieces + 1)]
    return ((low, high - low) for low, high in pairwise(bounds))
