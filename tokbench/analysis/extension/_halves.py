"""Two halves of a corpus: one to train on, one to measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import number_clusters

MOST_RUNS = 100
"""Runs of neighbouring segments that are drawn where a corpus names no documents: neighbours are often alike."""


@dataclass(frozen=True, eq=False)
class Halves:
    """Which segments of a language are for training.

    training: (segments,). order: the numbers of the training segments as they are read, in random order by unit.
    clusters: document of each segment; None if none is named.
    units: `documents` or `runs of N segments`. number: of units in the training half, and in all.
    """

    training: npt.NDArray[np.bool_]
    order: npt.NDArray[np.int64]
    clusters: npt.NDArray[np.int64] | None
    units: str
    number: tuple[int, int]


def halve(corpus: Corpus, lang: str, seed: int) -> Halves:
    """Draw half of the documents of a language for training; runs of neighbours where none is named.

    Raises TokbenchError for a single document or segment.
    """
    numbers = corpus.number(lang)
    documents = corpus.documents
    named = documents is not None and numbers.is_in(documents["segment"].implode()).all()
    clusters = number_clusters(documents, numbers) if documents is not None and named else None
    size = len(numbers)
    if clusters is None:
        count = min(MOST_RUNS, size)
        unit_of, units = np.arange(size) * count // max(size, 1), f"runs of {-(-size // max(count, 1)):,} segments"
    else:
        unit_of, units = clusters, "documents"
    count = int(unit_of.max()) + 1 if size else 0
    if count < 2:
        raise TokbenchError(
            f"{lang} has {'one document' if count else 'no text'}: there is none to train on and none to measure",
            "give more documents, or segments without document names",
        )
    drawn = np.random.default_rng(seed).permutation(count)[: count // 2]
    rank = np.full(count, count)
    rank[drawn] = np.arange(len(drawn))
    training = rank[unit_of] < count
    order = np.flatnonzero(training)
    order = order[np.argsort(rank[unit_of][order], kind="stable")]
    return Halves(training, order, clusters, units, (len(drawn), count))
