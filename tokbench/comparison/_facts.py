"""Facts about the tokenizers and the corpus of a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.corpora import ParallelCorpus, same_language
from tokbench.measurement import Measurements
from tokbench.measurement.round_trip import Loss
from tokbench.metrics import Reference
from tokbench.metrics.resampling import MOST_UNITS, Bootstrap


@dataclass(frozen=True)
class ComparedTokenizer:
    """Facts about a tokenizer in a comparison.

    path: the function that encoded the texts.
    lossy_segments: number of lossy segments per language, for languages that have any.
    """

    name: str
    engine: str
    path: str
    sha256: str
    origin: str
    format: str
    family: str | None
    algorithm: str | None
    licence: str | None
    vocab_base: int
    vocab_total: int
    vocab_rows: int | None
    lossy_segments: Mapping[str, int]


@dataclass(frozen=True)
class ComparedCorpus:
    """Facts about the corpus of a comparison.

    excluded: number of excluded segments by reason.
    bootstrap: how intervals were computed, for example `1000/percentile/documents/seed0`: resamples, method, resampling
        unit, seed.
    segmenter: the word segmenter, with its version.
    """

    name: str
    sha256: str
    format: str
    licence: str | None
    languages: tuple[str, ...]
    segments: int
    excluded: Mapping[str, int]
    reference: str | None
    baseline: str | None
    bootstrap: str | None
    segmenter: str


def find_reference(corpus: ParallelCorpus, reference: str | None) -> str:
    """Return the reference language: the one named, else English, else the first.

    Raises TokbenchError for an unknown language.
    """
    if reference is not None:
        return corpus.select([reference]).languages[0]
    english = same_language("en", corpus.languages)
    return english[0] if english else corpus.languages[0]


def describe_corpus(
    corpus: ParallelCorpus, reference: Reference, bootstrap: Bootstrap | None, segmenter: str
) -> ComparedCorpus:
    """Collect the facts of a corpus.

    Its location is not one of them, since it differs between machines.
    """
    reasons = corpus.excluded.group_by("reason").len().sort("reason")
    return ComparedCorpus(
        name=corpus.name,
        sha256=corpus.sha256,
        format=corpus.format,
        licence=corpus.licence,
        languages=corpus.languages,
        segments=corpus.n,
        excluded=dict(reasons.iter_rows()),
        reference=reference.language,
        baseline=reference.tokenizer,
        bootstrap=describe_bootstrap(corpus, bootstrap),
        segmenter=segmenter,
    )


def describe_bootstrap(corpus: ParallelCorpus, bootstrap: Bootstrap | None) -> str | None:
    """Describe in a few characters, for signatures, how intervals were computed."""
    if bootstrap is None:
        return None
    drawn = "segments" if corpus.documents is None else bootstrap.draw
    units = corpus.n if corpus.documents is None or drawn == "segments" else corpus.documents["document"].n_unique()
    if units > MOST_UNITS:
        return f"{bootstrap.resamples}/{bootstrap.method}/{MOST_UNITS} runs of {drawn}/seed{bootstrap.seed}"
    return f"{bootstrap.resamples}/{bootstrap.method}/{drawn}/seed{bootstrap.seed}"


def describe_tokenizer(tokenizer: Tokenizer, measurements: Measurements) -> ComparedTokenizer:
    """Collect the facts of a tokenizer, and count its lossy segments."""
    asset, entry = tokenizer.asset, tokenizer.asset.entry
    lost = measurements.counts.filter((pl.col("tokenizer") == tokenizer.name) & (pl.col("loss") == Loss.LOSSY))
    by_language = lost.group_by(pl.col("lang").cast(pl.String)).len().sort("lang")
    return ComparedTokenizer(
        name=tokenizer.name,
        engine=tokenizer.engine,
        path=tokenizer.call,
        sha256=asset.sha256,
        origin=asset.origin,
        format=asset.format,
        family=entry.family if entry else None,
        algorithm=entry.algorithm if entry else None,
        licence=entry.licence if entry else None,
        vocab_base=tokenizer.vocab_base,
        vocab_total=tokenizer.vocab_total,
        vocab_rows=entry.vocab_rows if entry else None,
        lossy_segments=dict(by_language.iter_rows()),
    )
