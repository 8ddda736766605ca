"""What a comparison says of its tokenizers and its corpus."""

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
    """What a comparison says of a tokenizer. `lossy_segments`: languages in which text was lost, how often."""

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
    """What a comparison says of its corpus. `excluded`: how many segments, by reason.

    bootstrap: how intervals were made, as `1000/percentile/documents/seed0`: resamples, method, what was drawn, seed.
    segmenter: what found the words, with its version.
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
    """The reference language: the one named, else English, else the first; TokbenchError for an unknown one."""
    if reference is not None:
        return corpus.select([reference]).languages[0]
    english = same_language("en", corpus.languages)
    return english[0] if english else corpus.languages[0]


def describe_corpus(
    corpus: ParallelCorpus, reference: Reference, bootstrap: Bootstrap | None, segmenter: str
) -> ComparedCorpus:
    """The facts of a corpus; not where it lies, which differs between machines."""
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
    """How intervals were made, in a few characters for signatures."""
    if bootstrap is None:
        return None
    drawn = "segments" if corpus.documents is None else bootstrap.draw
    units = corpus.n if corpus.documents is None or drawn == "segments" else corpus.documents["document"].n_unique()
    if units > MOST_UNITS:
        return f"{bootstrap.resamples}/{bootstrap.method}/{MOST_UNITS} runs of {drawn}/seed{bootstrap.seed}"
    return f"{bootstrap.resamples}/{bootstrap.method}/{drawn}/seed{bootstrap.seed}"


def describe_tokenizer(tokenizer: Tokenizer, measurements: Measurements) -> ComparedTokenizer:
    """The facts of a tokenizer, and where it lost text."""
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
