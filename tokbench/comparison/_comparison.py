"""Comparison: the values of tokenizers on a corpus, saved and loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tokbench._shared.environment import Environment, Now, describe_environment, now
from tokbench._shared.files import format_document, write_whole_folder
from tokbench._shared.quantities import write_count
from tokbench.comparison._facts import (
    ComparedCorpus,
    ComparedTokenizer,
    describe_corpus,
    describe_measured,
    describe_texts,
    find_reference,
    read_weights,
)
from tokbench.comparison._frame import RESULT_SCHEMA, arrange
from tokbench.comparison._presentation import Presented
from tokbench.comparison._saved_schema import SavedComparison, convert_document
from tokbench.comparison.signature import SignedCorpus, SignedTokenizer, sign
from tokbench.comparison.worst_segments import Example
from tokbench.corpora import Corpus
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.measurement.loading import Skipped
from tokbench.measurement.saved import MEASUREMENT_FILES
from tokbench.measurement.words import Segmenter, describe_segmenter
from tokbench.metrics import (
    BUILT_IN,
    DEFAULT_METRICS,
    DIFFERENCES,
    Metric,
    Reference,
    evaluate,
    find_differences,
    find_metrics,
    find_tested,
    is_grouped,
)
from tokbench.metrics.resampling import Bootstrap

DOCUMENT = "comparison.json"

FILES = frozenset({DOCUMENT, *MEASUREMENT_FILES})
"""Everything that `Comparison.save` writes into a folder."""

TESTS = ("tokens_per_segment",)
"""Metrics tested against a baseline by default."""

BOOTSTRAP = Bootstrap()
"""The default intervals: 1,000 resamples, seed 0, 95 %."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Presented):
    """The values of tokenizers on a corpus.

    frame: tokenizer, engine, lang (null: over all languages), metric, value, low, high, unit, n; ordered by tokenizer,
        metric and language.
    differences: each tokenizer compared with the baseline, with tests (see `tokbench.metrics.find_differences`).
    skipped: tokenizers that were unavailable or failed.
    examples: the worst segments, split by each tokenizer.
    measurements: the counts behind the values; None if loaded from JSON alone.
    added_metrics: metrics in use that are not built in.
    """

    frame: pl.DataFrame
    differences: pl.DataFrame
    corpus: ComparedCorpus
    tokenizers: tuple[ComparedTokenizer, ...]
    skipped: tuple[Skipped, ...]
    environment: Environment
    examples: tuple[Example, ...] = ()
    measurements: Measurements | None = None
    added_metrics: tuple[Metric, ...] = ()

    @classmethod
    def from_measurements(
        cls,
        measurements: Measurements,
        corpus: Corpus | None = None,
        *,
        metrics: str | Metric | Sequence[str | Metric] = DEFAULT_METRICS,
        reference: str | None = None,
        baseline: str | None = None,
        bootstrap: Bootstrap | None = BOOTSTRAP,
        tests: Sequence[str | Metric] = TESTS,
        weights: Mapping[str, float] | None = None,
        segmenter: Segmenter = "whitespace",
        today: Now = now,
    ) -> Comparison:
        """Compare tokenizers from counts alone: merged, or made from ids.

        corpus: the corpus that was measured, for its name and hash.
        segmenter: the segmenter that found the words.

        The other arguments are those of `compare`. Values that require encoding (speeds, STRR, examples) are left out.
        Raises TokbenchError if the corpus is not the one that was measured.
        """
        chosen, tested = find_metrics(metrics), find_tested(tests)
        names = measurements.tokenizers["tokenizer"].cast(pl.String).to_list()
        if baseline is not None and baseline not in names:
            raise TokbenchError(f"the baseline {baseline!r} was not measured", f"measured: {', '.join(names)}")
        languages = list_languages(measurements, corpus)
        relative = Reference(find_measured_reference(measurements, corpus or languages, reference), baseline)
        mixture = read_weights(weights, languages, corpus)
        found = describe_segmenter(segmenter)
        engines = dict(measurements.tokenizers.select(pl.col("tokenizer").cast(pl.String), "engine").iter_rows())
        return cls(
            frame=arrange(
                [evaluate(measurements, chosen, relative, bootstrap, mixture)], [], engines, chosen, languages
            ),
            differences=find_differences(measurements, tested, baseline, bootstrap, mixture),
            corpus=describe_texts(measurements, languages, relative, bootstrap, found, mixture)
            if corpus is None
            else describe_corpus(corpus, relative, bootstrap, found, mixture),
            tokenizers=tuple(describe_measured(name, measurements) for name in names),
            skipped=(),
            environment=describe_environment(today),
            measurements=measurements,
            added_metrics=find_added([*chosen, *tested]),
        )

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Definitions of the built-in and added metrics, by name."""
        return {**BUILT_IN, **{metric.name: metric for metric in self.added_metrics}}

    def signature(self, metric: str | None = None, tokenizer: str | None = None, *, long: bool = True) -> str:
        """Return the signature of all values, or of those of one metric or tokenizer."""
        chosen = [t for t in self.tokenizers if tokenizer in (None, t.name)]
        if not chosen:
            raise TokbenchError(f"no tokenizer {tokenizer!r} in this comparison", f"it has: {', '.join(self.names)}")
        corpus = self.corpus
        return sign(
            [SignedTokenizer(t.name, t.sha256, t.engine, t.path) for t in chosen],
            SignedCorpus(
                corpus.name,
                corpus.sha256,
                corpus.languages,
                corpus.segments,
                corpus.aligned,
                corpus.shares,
                None if corpus.sample is None else corpus.sample.sign(),
            ),
            metric=metric,
            reference=corpus.reference,
            baseline=corpus.baseline,
            bootstrap=corpus.bootstrap,
            segmenter=corpus.segmenter,
            version=self.environment.tokbench,
            long=long,
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the tokenizers, in order."""
        return tuple(tokenizer.name for tokenizer in self.tokenizers)

    def is_lossy(self, tokenizer: str, lang: str | None = None) -> bool:
        """Return whether a tokenizer lost text in a language, or in any.

        It is then not ranked on compression and boundaries.
        """
        (lossy,) = (t.lossy_segments for t in self.tokenizers if t.name == tokenizer)
        return bool(lossy) if lang is None else lang in lossy

    def by_language(self, metric: str) -> pl.DataFrame:
        """Return the values of a metric by language; null if undefined.

        Columns: lang, and one per tokenizer.
        """
        if metric not in self.metrics:
            find_metrics([metric])
        rows = self.frame.filter((pl.col("metric") == metric) & pl.col("lang").is_not_null())
        wide = pl.DataFrame({"lang": self.corpus.languages}, schema={"lang": pl.String})
        for name in self.names:
            column = rows.filter(pl.col("tokenizer") == name).select("lang", pl.col("value").alias(name))
            wide = wide.join(column, on="lang", how="left", maintain_order="left")
        return wide

    def premiums(self, reference: str) -> pl.DataFrame:
        """Return premiums relative to any language, in the columns of `by_language`.

        They are quotients of `tokens_per_segment`, so a saved comparison needs no text. Raises TokbenchError if the
        comparison lacks that metric or the language.
        """
        lengths = self.by_language("tokens_per_segment")
        if not self.corpus.aligned:
            raise TokbenchError(f"{self.corpus.name} is not parallel: premiums need parallel text")
        if reference not in self.corpus.languages:
            known = ", ".join(self.corpus.languages)
            raise TokbenchError(f"no language {reference!r} in this comparison", f"it has: {known}")
        if "tokens_per_segment" not in set(self.frame["metric"]):
            raise TokbenchError("this comparison holds no lengths", "make it with the metric tokens_per_segment")
        of_reference = lengths.filter(pl.col("lang") == reference).row(0, named=True)
        return lengths.with_columns(pl.col(name) / of_reference[name] for name in self.names)

    def to_document(self) -> dict[str, Any]:
        """Convert to a JSON document; `from_document` is the inverse."""
        added = {"metrics": [dict(metric.describe()) for metric in self.added_metrics]} if self.added_metrics else {}
        return {
            "signature": self.signature(),
            "corpus": self.corpus.to_document(),
            "tokenizers": [asdict(tokenizer) for tokenizer in self.tokenizers],
            "skipped": [asdict(skipped) for skipped in self.skipped],
            "results": self.frame.to_dicts(),
            "differences": self.differences.to_dicts(),
            "environment": asdict(self.environment),
            "examples": [example.to_document() for example in self.examples],
            **added,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], measurements: Measurements | None = None) -> Comparison:
        """Return a comparison from its JSON form; ValueError with the place of the first fault."""
        return cls.from_saved(convert_document(document), measurements)

    @classmethod
    def from_saved(cls, saved: SavedComparison, measurements: Measurements | None = None) -> Comparison:
        """Return a comparison from its parsed JSON document."""
        return cls(
            frame=pl.DataFrame(saved.results, schema=RESULT_SCHEMA),
            differences=pl.DataFrame(saved.differences, schema=DIFFERENCES),
            corpus=saved.corpus,
            tokenizers=saved.tokenizers,
            skipped=saved.skipped,
            environment=saved.environment,
            examples=saved.examples,
            measurements=measurements,
            added_metrics=saved.metrics,
        )

    def save(self, folder: str | Path) -> None:
        """Write the comparison and its measurements into a folder: all of it or nothing.

        An earlier result in the folder is replaced. Raises TokbenchError if the folder holds anything else.
        """
        files = {} if self.measurements is None else dict(self.measurements.to_files())
        write_whole_folder(Path(folder), {**files, DOCUMENT: format_document(self.to_document()).encode()}, FILES)

    def __repr__(self) -> str:
        corpus = self.corpus
        size = corpus.describe_size()
        return f"<Comparison of {write_count(len(self.tokenizers), 'tokenizer')} on {corpus.name} ({size})>"


def find_measured_reference(
    measurements: Measurements, corpus: Corpus | Sequence[str], reference: str | None
) -> str | None:
    """Return the reference language as `find_reference` does; None also for counts of groups."""
    if is_grouped(measurements) and not isinstance(corpus, Corpus):
        return None
    return find_reference(corpus, reference)


def find_added(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Return the metrics that are not built in, without duplicates."""
    return tuple({metric.name: metric for metric in metrics if metric.name not in BUILT_IN}.values())


def list_languages(measurements: Measurements, corpus: Corpus | None) -> tuple[str, ...]:
    """Return the measured languages, in corpus order.

    Raises TokbenchError if another corpus was measured.
    """
    measured = measurements.texts["lang"].cast(pl.String).unique().sort().to_list()
    if corpus is None:
        return tuple(measured)
    pooled = measurements.pooled
    texts = int(measurements.texts["segments"].cast(pl.Int64).sum()) if pooled else measurements.texts.height
    if set(measured) != set(corpus.languages) or texts != corpus.count:
        raise TokbenchError(
            f"the measurements hold {texts:,} texts in {', '.join(measured)}, {corpus.name} holds "
            f"{corpus.count:,} in {', '.join(corpus.languages)}",
            "give the corpus that was measured, or none",
        )
    return corpus.languages
