"""Comparison: the figures of tokenizers on a corpus, every one with its signature, saved and loaded again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tokbench._shared.environment import Environment, Now, describe_environment, now
from tokbench._shared.files import format_document, write_whole
from tokbench.comparison._consistency import check_consistent
from tokbench.comparison._facts import (
    ComparedCorpus,
    ComparedTokenizer,
    describe_corpus,
    describe_measured,
    describe_texts,
    find_reference,
)
from tokbench.comparison._frame import RESULT_SCHEMA, arrange
from tokbench.comparison._presentation import Presented
from tokbench.comparison._schema import read_as, read_frame, take
from tokbench.comparison.signature import SignedCorpus, SignedTokenizer, sign
from tokbench.comparison.worst_segments import Example
from tokbench.corpora import ParallelCorpus
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.measurement.loading import Skipped
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
)
from tokbench.metrics.resampling import Bootstrap

FEW_LANGUAGES = 4
"""With more languages than this, a summary gives premiums instead of one length a language."""

SUMMARY_HEAD = ("vocab_total",)
SUMMARY_FEW = ("tokens_per_segment",)
SUMMARY_MANY = ("premium_median", "premium_worst")
SUMMARY_TAIL = ("bytes_per_token", "fertility", "round_trip_exact", "throughput")

DOCUMENT = "comparison.json"

TESTS = ("tokens_per_segment",)
"""What is tested against a baseline."""

BOOTSTRAP = Bootstrap()
"""1,000 resamples, seed 0, 95 %."""


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(Presented):
    """The figures of tokenizers on a corpus.

    frame: tokenizer, engine, lang (null: over all languages), metric, value, low, high, unit, n; in the order of
    tokenizers, metrics and languages. differences: the tokenizers against the baseline, with tests (see
    `tokbench.metrics.find_differences`). examples: the worst segments as each tokenizer cuts them. measurements: the
    counts behind them, None when loaded from JSON alone. added_metrics: those in use that are not built in.
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
        corpus: ParallelCorpus | None = None,
        *,
        metrics: str | Metric | Sequence[str | Metric] = DEFAULT_METRICS,
        reference: str | None = None,
        baseline: str | None = None,
        bootstrap: Bootstrap | None = BOOTSTRAP,
        tests: Sequence[str | Metric] = TESTS,
        segmenter: Segmenter = "whitespace",
        today: Now = now,
    ) -> Comparison:
        """Compare tokenizers from counts alone: measured elsewhere, merged, or made from ids.

        corpus: what was measured; it gives the figures its name and its hash. segmenter: what found the words.
        The other arguments are those of `compare`; what has to be encoded for it (speeds, STRR, examples) is left out.
        Raises TokbenchError where the corpus is not the one that was measured.
        """
        chosen, tested = find_metrics(metrics), find_tested(tests)
        names = measurements.tokenizers["tokenizer"].cast(pl.String).to_list()
        if baseline is not None and baseline not in names:
            raise TokbenchError(f"the baseline {baseline!r} was not measured", f"measured: {', '.join(names)}")
        languages = list_languages(measurements, corpus)
        relative = Reference(find_reference(corpus or languages, reference), baseline)
        found = describe_segmenter(segmenter)
        engines = dict(measurements.tokenizers.select(pl.col("tokenizer").cast(pl.String), "engine").iter_rows())
        return cls(
            frame=arrange([evaluate(measurements, chosen, relative, bootstrap)], [], engines, chosen, languages),
            differences=find_differences(measurements, tested, baseline, bootstrap),
            corpus=describe_texts(measurements, languages, relative, bootstrap, found)
            if corpus is None
            else describe_corpus(corpus, relative, bootstrap, found),
            tokenizers=tuple(describe_measured(name, measurements) for name in names),
            skipped=(),
            environment=describe_environment(today),
            measurements=measurements,
            added_metrics=find_added([*chosen, *tested]),
        )

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """The definitions of built-in metrics and of those added to this comparison, by name."""
        return {**BUILT_IN, **{metric.name: metric for metric in self.added_metrics}}

    def signature(self, metric: str | None = None, tokenizer: str | None = None, *, long: bool = True) -> str:
        """Sign the figures on one line: all, those of one metric or of one tokenizer."""
        chosen = [t for t in self.tokenizers if tokenizer in (None, t.name)]
        if not chosen:
            raise TokbenchError(f"no tokenizer {tokenizer!r} in this comparison", f"it has: {', '.join(self.names)}")
        corpus = self.corpus
        return sign(
            [SignedTokenizer(t.name, t.sha256, t.engine, t.path) for t in chosen],
            SignedCorpus(corpus.name, corpus.sha256, corpus.languages, corpus.segments),
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
        """The tokenizers, in order."""
        return tuple(tokenizer.name for tokenizer in self.tokenizers)

    @property
    def has_all_metrics(self) -> bool:
        """Whether no metrics were chosen: tables then show a selection, else all that were."""
        return set(self.frame["metric"]) >= set(DEFAULT_METRICS) - {"throughput"}

    def is_lossy(self, tokenizer: str, lang: str | None = None) -> bool:
        """Whether a tokenizer lost text in a language, or in any: it is then not ranked on compression."""
        (lossy,) = (t.lossy_segments for t in self.tokenizers if t.name == tokenizer)
        return bool(lossy) if lang is None else lang in lossy

    def by_language(self, metric: str) -> pl.DataFrame:
        """One row a language, one column a tokenizer: the values of a metric; null where it is not defined."""
        if metric not in self.metrics:
            find_metrics([metric])
        rows = self.frame.filter((pl.col("metric") == metric) & pl.col("lang").is_not_null())
        wide = pl.DataFrame({"lang": self.corpus.languages}, schema={"lang": pl.String})
        for name in self.names:
            column = rows.filter(pl.col("tokenizer") == name).select("lang", pl.col("value").alias(name))
            wide = wide.join(column, on="lang", how="left", maintain_order="left")
        return wide

    def premiums(self, reference: str) -> pl.DataFrame:
        """Tokens of each language over those of any reference language: one row a language, one column a tokenizer.

        From the lengths, so that a saved comparison needs no text. Raises TokbenchError where one is not there.
        """
        lengths = self.by_language("tokens_per_segment")
        if reference not in self.corpus.languages:
            known = ", ".join(self.corpus.languages)
            raise TokbenchError(f"no language {reference!r} in this comparison", f"it has: {known}")
        if "tokens_per_segment" not in set(self.frame["metric"]):
            raise TokbenchError("this comparison holds no lengths", "make it with the metric tokens_per_segment")
        of_reference = lengths.filter(pl.col("lang") == reference).row(0, named=True)
        return lengths.with_columns(pl.col(name) / of_reference[name] for name in self.names)

    def summary(self) -> pl.DataFrame:
        """One row a tokenizer: vocabulary, length in each language (or premiums), compression, fidelity, speed."""
        rows = pl.DataFrame(
            {
                "tokenizer": self.names,
                "engine": [t.engine for t in self.tokenizers],
            },
            schema={"tokenizer": pl.String, "engine": pl.String},
        )
        for column, metric, lang in self.summary_columns():
            own = self.frame.filter(
                (pl.col("metric") == metric.name) & pl.col("lang").eq_missing(pl.lit(lang, pl.String))
            )
            values = own.select("tokenizer", pl.col("value").alias(column))
            rows = rows.join(values, on="tokenizer", how="left", maintain_order="left")
        return rows

    def summary_columns(self) -> list[tuple[str, Metric, str | None]]:
        """Return the columns of the summary: name, metric, language (None: over all languages)."""
        present = set(self.frame["metric"])
        few = len(self.corpus.languages) <= FEW_LANGUAGES
        pooled = set(self.frame.filter(pl.col("lang").is_null())["metric"])
        names = [*SUMMARY_HEAD, *(SUMMARY_FEW if few else SUMMARY_MANY), *SUMMARY_TAIL]
        names = [*names, *(m.name for m in self.added_metrics)] if self.has_all_metrics else list(self.metrics)
        columns: list[tuple[str, Metric, str | None]] = []
        for metric in (self.metrics[name] for name in names if name in present):
            if few and (metric.name in SUMMARY_FEW or metric.name not in pooled):
                columns += [(f"{metric.name}/{lang}", metric, lang) for lang in self.corpus.languages]
            elif metric.name in pooled:
                columns.append((metric.name, metric, None))
        return columns

    def to_document(self) -> dict[str, Any]:
        """Return the comparison in its JSON form; `from_document` is the inverse."""
        added = {"metrics": [dict(metric.describe()) for metric in self.added_metrics]} if self.added_metrics else {}
        return {
            "signature": self.signature(),
            "corpus": asdict(self.corpus),
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
        """Return a comparison from its JSON form; ValueError with the place of what does not fit."""
        comparison = cls(
            frame=read_frame(RESULT_SCHEMA, take(document, "results"), "results"),
            differences=read_frame(DIFFERENCES, take(document, "differences"), "differences"),
            corpus=read_as(ComparedCorpus, take(document, "corpus"), "corpus"),
            tokenizers=read_as(tuple[ComparedTokenizer, ...], take(document, "tokenizers"), "tokenizers"),
            skipped=read_as(tuple[Skipped, ...], take(document, "skipped"), "skipped"),
            environment=read_as(Environment, take(document, "environment"), "environment"),
            examples=read_as(tuple[Example, ...], take(document, "examples"), "examples"),
            measurements=measurements,
            added_metrics=read_as(tuple[Metric, ...], document.get("metrics", []), "metrics"),
        )
        check_consistent(comparison)
        return comparison

    def save(self, folder: str | Path) -> None:
        """Write the comparison and its measurements into a folder, which is created."""
        folder = Path(folder)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise TokbenchError(f"cannot create {folder}: {error.strerror}", "name another folder") from error
        if self.measurements is not None:
            self.measurements.save(folder)
        write_whole(folder / DOCUMENT, format_document(self.to_document()).encode())

    def __repr__(self) -> str:
        corpus = self.corpus
        size = f"{len(corpus.languages)} languages x {corpus.segments} segments"
        return f"<Comparison of {len(self.tokenizers)} tokenizers on {corpus.name} ({size})>"


def find_added(metrics: Sequence[Metric]) -> tuple[Metric, ...]:
    """Return the metrics that are not built in, each once."""
    return tuple({metric.name: metric for metric in metrics if metric.name not in BUILT_IN}.values())


def list_languages(measurements: Measurements, corpus: ParallelCorpus | None) -> tuple[str, ...]:
    """Return the languages measured, in the order of the corpus; TokbenchError where it is another corpus."""
    measured = measurements.texts["lang"].cast(pl.String).unique().sort().to_list()
    if corpus is None:
        return tuple(measured)
    texts = measurements.texts.height
    if set(measured) != set(corpus.languages) or texts != corpus.n * len(measured):
        raise TokbenchError(
            f"the measurements hold {texts:,} texts in {', '.join(measured)}, {corpus.name} holds "
            f"{corpus.n * len(corpus.languages):,} in {', '.join(corpus.languages)}",
            "give the corpus that was measured, or none",
        )
    return corpus.languages
