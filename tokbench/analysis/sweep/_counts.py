"""Tokens of a corpus at several vocabulary sizes, by language and segment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench.adapters import EncodedBatch, Tokenizer
from tokbench.corpora import Corpus
from tokbench.errors import EngineError
from tokbench.metrics.resampling import Floats

CHUNK = 2_000
"""Texts that are encoded at a time."""


@dataclass(frozen=True, eq=False)
class LanguageCounts:
    """Counts of one language.

    bytes: UTF-8 bytes per segment, (segments,).
    tokens: per segment and size, (segments, sizes).
    entropy: bits per token by size, of the ids of this language, (sizes,).
    """

    bytes: Floats
    tokens: Floats
    entropy: Floats


class Histograms:
    """How often each id occurs, by size: of one language, or of a mixture with weights per token."""

    def __init__(self, sizes: Sequence[int]) -> None:
        self.counts = [np.zeros(size) for size in sizes]

    def add(self, place: int, ids: npt.NDArray[np.int32]) -> None:
        """Count ids at a size."""
        found = np.bincount(ids, minlength=len(self.counts[place]))
        if len(found) > len(self.counts[place]):  # ids with holes, beyond the number of ids
            self.counts[place] = np.pad(self.counts[place], (0, len(found) - len(self.counts[place])))
        self.counts[place] += found

    def blend(self, other: Histograms, weight: float) -> None:
        """Add the counts of another language, times a weight."""
        for place, counts in enumerate(other.counts):
            own = self.counts[place]
            if len(counts) > len(own):
                own = np.pad(own, (0, len(counts) - len(own)))
            own[: len(counts)] += weight * counts
            self.counts[place] = own

    def entropies(self) -> Floats:
        """Return the entropy of the ids at each size, in bits per token; 0 without any."""
        return np.array([compute_entropy(counts) for counts in self.counts])


def compute_entropy(counts: Floats) -> float:
    """Return the Shannon entropy of counts in bits (plug-in estimate), 0 without any.

    >>> compute_entropy(np.array([2.0, 1.0, 1.0, 0.0]))
    1.5
    """
    total = counts.sum()
    if not total:
        return 0.0
    shares = counts[counts > 0] / total
    return abs(float((shares * np.log2(shares)).sum()))


def count_bytes(texts: Sequence[str]) -> Floats:
    """Return the UTF-8 bytes of each text."""
    return np.fromiter((len(text.encode()) for text in texts), np.float64, len(texts))


def encode_chunks(tokenizer: Tokenizer, texts: Sequence[str], place: str) -> Iterator[EncodedBatch]:
    """Encode texts, some thousand at a time; EngineError says at which place an engine fails."""
    for start in range(0, len(texts), CHUNK):
        try:
            yield tokenizer.encode_batch(texts[start : start + CHUNK])
        except EngineError as error:
            raise error.locate(place) from error


def count_language(cuts: Sequence[Tokenizer], texts: Sequence[str], lang: str) -> tuple[LanguageCounts, Histograms]:
    """Count the tokens of the texts of a language with each tokenizer."""
    histograms = Histograms([tokenizer.vocab_total for tokenizer in cuts])
    tokens = np.zeros((len(texts), len(cuts)))
    for place, tokenizer in enumerate(cuts):
        start = 0
        for batch in encode_chunks(tokenizer, texts, lang):
            tokens[start : start + len(batch), place] = batch.counts
            histograms.add(place, batch.ids)
            start += len(batch)
    return LanguageCounts(count_bytes(texts), tokens, histograms.entropies()), histograms


def count_corpus(
    cuts: Sequence[Tokenizer], corpus: Corpus, shares: Mapping[str, float] | None
) -> Iterator[tuple[str, LanguageCounts | None, Floats]]:
    """Yield each language with its counts; at last None, with the entropies of all languages together.

    shares: of the bytes by language, if the languages are a mixture.
    """
    together = Histograms([tokenizer.vocab_total for tokenizer in cuts])
    for lang in corpus.languages:
        counts, histograms = count_language(cuts, corpus.texts(lang), lang)
        size = float(counts.bytes.sum())
        together.blend(histograms, 1.0 if shares is None else shares.get(lang, 0.0) / size if size else 0.0)
        yield lang, counts, counts.entropy
    yield "", None, together.entropies()
