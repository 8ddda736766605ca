"""Split a corpus into stripes of segments, and stripes into parts.

A stripe has the texts of all languages; a part is measured at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from tokbench._shared.environment import count_cores
from tokbench.corpora import Corpus, JoinedTexts, TextGroups, read_joined

STRIPE_BYTES = 12_000_000
"""Approximate UTF-8 bytes per stripe; texts in memory with the positions of their words take about ten times that."""

WHOLE_BYTES = 16_000_000
"""A corpus of at most this many bytes is one stripe."""

LANGUAGE_BYTES = 50_000
"""Minimum bytes per language in a stripe, if there are many languages: each part has a fixed cost."""

PART_BYTES = 2_000_000
"""Approximate maximum of UTF-8 bytes per part; measuring a part takes about thirty times that in memory."""

_PARTS_A_THREAD = 4
"""Minimum parts per thread, unless the stripe is too small, so that no thread idles while another finishes."""

_SMALLEST = 50_000


@dataclass(frozen=True)
class Part:
    """A range of segments in one language."""

    lang: str
    start: int
    length: int

    def read(self, corpus: Corpus) -> JoinedTexts:
        """Return the texts of the part."""
        return read_joined(corpus.columns[self.lang], self.start, self.length)


@dataclass(frozen=True)
class Stripe:
    """A range of segments in all languages; of groups, a range in each.

    start: the first segment (of the first group). length: segments per language, or of all groups together.
    """

    start: int
    length: int
    parts: tuple[Part, ...]


def cut_stripes(corpus: Corpus, threads: int | None = None) -> Iterator[Stripe]:
    """Yield the stripes of a corpus in order, of about equal size, as are parts."""
    if isinstance(corpus, TextGroups):
        yield from _cut_groups(corpus, threads)
        return
    languages = corpus.languages
    stripe_bytes = WHOLE_BYTES if corpus.size <= WHOLE_BYTES else max(STRIPE_BYTES, LANGUAGE_BYTES * len(languages))
    for start, length in _cut(0, corpus.n, corpus.size / stripe_bytes):
        each = corpus.size * length / corpus.n / len(languages)
        wanted = max(
            each / PART_BYTES, min(_PARTS_A_THREAD * (threads or count_cores()) / len(languages), each / _SMALLEST)
        )
        ranges = list(_cut(start, length, wanted))
        yield Stripe(start, length, tuple(Part(lang, *part) for lang in languages for part in ranges))


def _cut_groups(corpus: TextGroups, threads: int | None) -> Iterator[Stripe]:
    """Yield stripes with the same share of every group.

    A group with fewer segments than there are stripes is missing in some of them.
    """
    wanted = corpus.size / max(STRIPE_BYTES, LANGUAGE_BYTES * len(corpus.sizes))
    stripes = 1 if corpus.size <= WHOLE_BYTES else min(corpus.n, max(1, round(wanted)))
    lengths = {label: column.len() for label, column in corpus.columns.items()}
    for i in range(stripes):
        parts: list[Part] = []
        for label, length in lengths.items():
            start, end = i * length // stripes, (i + 1) * length // stripes
            each = corpus.sizes[label] * (end - start) / length
            # As many parts of all groups together as keep the threads busy, by their share of the text.
            share = corpus.sizes[label] / corpus.size
            wanted = max(each / PART_BYTES, min(_PARTS_A_THREAD * (threads or count_cores()) * share, each / _SMALLEST))
            if end > start:
                parts += [Part(label, *part) for part in _cut(start, end - start, wanted)]
        yield Stripe(sum(part.start for part in parts[:1]), sum(part.length for part in parts), tuple(parts))


def _cut(start: int, length: int, wanted: float) -> Iterator[tuple[int, int]]:
    """Split a range of segments into about `wanted` equal pieces.

    Yield start and length of each.
    """
    pieces = min(max(1, round(wanted)), length)
    bounds = [start + piece * length // pieces for piece in range(pieces + 1)]
    return ((low, high - low) for low, high in pairwise(bounds))
