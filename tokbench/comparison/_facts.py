"""Facts about the tokenizers and the corpus of a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.adapters import COUNTS, CountedTokenizer, Tokenizer
from tokbench.catalog.rebuilding import AS_IN
from tokbench.corpora import Corpus, TextGroups, choose_reference, spread_weights
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.measurement.drawn import Sample
from tokbench.measurement.round_trip import Loss
from tokbench.measurement.units import MOST_UNITS
from tokbench.metrics import Mixture, Reference, is_grouped
from tokbench.metrics.resampling import Bootstrap


@dataclass(frozen=True)
class ComparedTokenizer:
    """Facts about a tokenizer of a comparison; None if unknown.

    lossy_segments: number of segments that lost text, by language.
    decoded: whether losses are known; they are not for ids without the bytes of their tokens, for counts without ids,
        and where no metric needed them.
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
    vocab_base: int | None
    vocab_total: int | None
    vocab_rows: int | None
    lossy_segments: Mapping[str, int]
    decoded: bool = True

    @property
    def counted(self) -> bool:
        """Return whether there are counts of a counting API only; `origin` then says when they were made."""
        return self.format == COUNTS

    @property
    def id_space(self) -> int:
        """Size of the id space; TokbenchError if unknown."""
        if self.vocab_total is None:
            raise TokbenchError(f"the size of the vocabulary of {self.name} is not known", "give vocab_total")
        return self.vocab_total

    @property
    def ids_as_in(self) -> str | None:
        """The package, with version, that the ids are taken from if the original file is not known by its hash."""
        return self.origin.removeprefix(AS_IN) if self.origin.startswith(AS_IN) else None


@dataclass(frozen=True)
class ComparedCorpus:
    """Facts about the corpus of a comparison.

    excluded: number of excluded segments by reason.
    bootstrap: how intervals were computed, for example `1000/percentile/documents/seed0`: resamples, method, resampling
        unit, seed.
    segmenter: the word segmenter, with its version.
    aligned: whether the languages have the same segments; if not, they are labels of groups.
    sizes: segments by group; empty if the languages have the same.
    parts: the corpora that are side by side; empty if there is one.
    shares: of the mixture that values over all languages are of, by language; empty without one.
    shards: of a stream, number of shards that were read; 0 for anything else. missing: those that could not be
        measured, which values do not cover, with the reason. sample: how much was drawn; None if all was read.
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
    aligned: bool = True
    sizes: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[str, ...] = ()
    shares: Mapping[str, float] = field(default_factory=dict)
    shards: int = 0
    missing: Mapping[str, str] = field(default_factory=dict)
    sample: Sample | None = None

    @property
    def texts(self) -> int:
        """Number of texts in all languages."""
        return self.segments * len(self.languages) if self.aligned else self.segments

    def count_segments(self, lang: str) -> int:
        """Return the number of segments of one language."""
        return self.sizes.get(lang, self.segments)

    def describe_size(self, times: str = "x") -> str:
        """Return the size in words: languages and segments in each, or groups and segments in all."""
        segments = write_count(self.segments, "segment")
        if self.aligned:
            return f"{write_count(len(self.languages), 'language')} {times} {segments}"
        return f"{write_count(len(self.languages), 'group')}, {segments}"

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON document: what only groups, mixtures or streams have is left out elsewhere."""
        document = asdict(self)
        absent = [*(("aligned", "sizes", "parts") if self.aligned else ()), *(() if self.shares else ("shares",))]
        absent += () if self.shards else ("shards", "missing")
        absent += () if self.sample else ("sample",)
        return {name: value for name, value in document.items() if name not in absent}

    def describe_mixture(self) -> str:
        """Return the shares in words, such as `en 60 %, zh 40 %`."""
        return ", ".join(f"{label} {100 * share:.3g} %" for label, share in self.shares.items())


def read_weights(
    weights: Mapping[str, float] | None, languages: Sequence[str], corpus: Corpus | None = None
) -> Mixture | None:
    """Return the mixture with these weights; a weight of one of several corpora is that of all its groups.

    Raises TokbenchError for one of a language that is not in the corpus.
    """
    if weights is None:
        return None
    mixture = Mixture(weights)
    if corpus is not None:
        mixture = Mixture(spread_weights(weights, corpus))
    mixture.check(languages, "texts" if corpus is None else corpus.name)
    return mixture


def find_reference(corpus: Corpus | Sequence[str], reference: str | None) -> str | None:
    """Return the reference language: the named one, else English, else the first; None for groups of texts.

    Raises TokbenchError for an unknown one, and for groups if one is named.
    """
    if isinstance(corpus, Corpus) and not corpus.aligned:
        if reference is not None:
            raise TokbenchError(
                f"{corpus.name} is not parallel: there is no reference language", "leave out the reference"
            )
        return None
    name, languages = (corpus.name, corpus.languages) if isinstance(corpus, Corpus) else ("texts", corpus)
    return choose_reference(languages, reference, name)


def describe_corpus(
    corpus: Corpus,
    reference: Reference,
    bootstrap: Bootstrap | None,
    segmenter: str,
    mixture: Mixture | None = None,
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
        bootstrap=describe_bootstrap(max(map(len, map(corpus.number, corpus.languages))), corpus.documents, bootstrap),
        segmenter=segmenter,
        aligned=corpus.aligned,
        sizes={} if corpus.aligned else {lang: column.len() for lang, column in corpus.columns.items()},
        parts=corpus.parts if isinstance(corpus, TextGroups) else (),
        shares={} if mixture is None else mixture.shares,
    )


def describe_texts(
    measurements: Measurements,
    languages: Sequence[str],
    reference: Reference,
    bootstrap: Bootstrap | None,
    segmenter: str,
    mixture: Mixture | None = None,
) -> ComparedCorpus:
    """Collect the facts of texts known only by their counts: no name, no hash."""
    documents = None if measurements.documents.is_empty() else measurements.documents
    rows = measurements.texts.with_columns(
        pl.col("lang").cast(pl.String),
        number=pl.col("segments").cast(pl.Int64) if measurements.pooled else pl.lit(1, pl.Int64),
    )
    sizes = dict(rows.group_by("lang").agg(pl.col("number").sum()).sort("lang").iter_rows())
    segments = int(rows.unique("segment")["number"].sum())
    sizes = sizes if is_grouped(measurements) else {}
    return ComparedCorpus(
        name="texts",
        sha256="",
        format="measurements",
        licence=None,
        languages=tuple(languages),
        segments=segments,
        excluded={},
        reference=reference.language,
        baseline=reference.tokenizer,
        bootstrap=describe_bootstrap(max(sizes.values(), default=segments), documents, bootstrap),
        segmenter=segmenter,
        aligned=not sizes,
        sizes=sizes,
        shares={} if mixture is None else mixture.shares,
    )


def describe_bootstrap(segments: int, documents: pl.DataFrame | None, bootstrap: Bootstrap | None) -> str | None:
    """Describe how intervals are computed, in a few characters for signatures."""
    if bootstrap is None:
        return None
    drawn = "segments" if documents is None else bootstrap.draw
    units = segments if documents is None or drawn == "segments" else documents["document"].n_unique()
    if units > MOST_UNITS:
        return f"{bootstrap.resamples}/{bootstrap.method}/{MOST_UNITS} runs of {drawn}/seed{bootstrap.seed}"
    return f"{bootstrap.resamples}/{bootstrap.method}/{drawn}/seed{bootstrap.seed}"


def describe_tokenizer(tokenizer: Tokenizer, measurements: Measurements) -> ComparedTokenizer:
    """Collect the facts of a tokenizer, and count its lossy segments."""
    asset, entry = tokenizer.asset, tokenizer.asset.entry
    has_ids = not isinstance(tokenizer, CountedTokenizer)
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
        vocab_base=tokenizer.vocab_base if has_ids else None,
        vocab_total=tokenizer.vocab_total if has_ids else None,
        vocab_rows=entry.vocab_rows if entry else None,
        lossy_segments=count_losses(tokenizer.name, measurements),
        decoded=has_ids and knows_losses(tokenizer.name, measurements),
    )


def describe_measured(name: str, measurements: Measurements) -> ComparedTokenizer:
    """Collect the facts of a tokenizer known only by its counts."""
    (facts,) = measurements.tokenizers.filter(pl.col("tokenizer") == name).to_dicts()
    return ComparedTokenizer(
        name=name,
        engine=facts["engine"],
        path=facts["path"],
        sha256=facts["sha256"],
        origin="measurements",
        format="measurements",
        family=None,
        algorithm=None,
        licence=None,
        vocab_base=facts["vocab_base"],
        vocab_total=facts["vocab_total"],
        vocab_rows=facts["vocab_rows"],
        lossy_segments=count_losses(name, measurements),
        decoded=knows_losses(name, measurements),
    )


def knows_losses(tokenizer: str, measurements: Measurements) -> bool:
    """Return whether the losses of a tokenizer are known in every segment."""
    column = "lossy" if measurements.pooled else "loss"
    return measurements.counts.filter(pl.col("tokenizer") == tokenizer)[column].null_count() == 0


def count_losses(tokenizer: str, measurements: Measurements) -> Mapping[str, int]:
    """Count the segments in which a tokenizer lost text, by language.

    Languages without losses are omitted.
    """
    lossy = pl.col("lossy") if measurements.pooled else (pl.col("loss") == Loss.LOSSY)
    counted = measurements.counts.filter((pl.col("tokenizer") == tokenizer) & (lossy > 0))
    by_language = counted.group_by(pl.col("lang").cast(pl.String)).agg(lossy.cast(pl.Int64).sum()).sort("lang")
    return dict(by_language.iter_rows())
