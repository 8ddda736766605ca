"""compare() -> Comparison: tokenizers on a corpus, every figure with its signature, saved and loaded again."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl

from tokbench._shared.environment import Environment, Now, describe_environment, now
from tokbench._shared.files import format_document, write_whole
from tokbench.adapters import Tokenizer
from tokbench.adapters.bench.throughput import Clock, measure_throughput
from tokbench.adapters.selection import AUTO, take_sample
from tokbench.comparison._facts import (
    ComparedCorpus,
    ComparedTokenizer,
    describe_corpus,
    describe_tokenizer,
    find_reference,
)
from tokbench.comparison._frame import RESULT_SCHEMA, arrange
from tokbench.comparison.signature import SignedCorpus, SignedTokenizer, sign
from tokbench.comparison.worst_segments import Example, find_examples
from tokbench.corpora import ParallelCorpus, TextsByLanguage, open_corpus
from tokbench.errors import TokbenchError
from tokbench.measurement import Interrupted, Measurements, Step, ignore_step, measure
from tokbench.measurement.loading import DEFAULT_TOKENIZERS, Skipped, start_loading
from tokbench.measurement.single_token_words import measure_isolated
from tokbench.measurement.words import Segmenter, describe_segmenter
from tokbench.metrics import (
    DEFAULT_METRICS,
    DIFFERENCES,
    METRICS,
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
class Comparison:
    """The figures of tokenizers on a corpus.

    frame: tokenizer, engine, lang (null: over all languages), metric, value, low, high, unit, n; in the order of
    tokenizers, metrics and languages. differences: the tokenizers against the baseline, with tests (see
    `tokbench.metrics.find_differences`). examples: the worst segments as each tokenizer cuts them. measurements: the
    counts behind them, None when loaded from JSON alone.
    """

    frame: pl.DataFrame
    differences: pl.DataFrame
    corpus: ComparedCorpus
    tokenizers: tuple[ComparedTokenizer, ...]
    skipped: tuple[Skipped, ...]
    environment: Environment
    examples: tuple[Example, ...] = ()
    measurements: Measurements | None = None

    def signature(self, metric: str | None = None, tokenizer: str | None = None, *, long: bool = True) -> str:
        """What the figures are, on one line: of all, of one metric, of one tokenizer."""
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
        """The columns of the summary: name, metric, language (None: over all languages)."""
        present = set(self.frame["metric"])
        few = len(self.corpus.languages) <= FEW_LANGUAGES
        pooled = set(self.frame.filter(pl.col("lang").is_null())["metric"])
        names = [*SUMMARY_HEAD, *(SUMMARY_FEW if few else SUMMARY_MANY), *SUMMARY_TAIL]
        if not self.has_all_metrics:
            names = list(METRICS)
        columns: list[tuple[str, Metric, str | None]] = []
        for metric in (METRICS[name] for name in names if name in present):
            if few and (metric.name in SUMMARY_FEW or metric.name not in pooled):
                columns += [(f"{metric.name}/{lang}", metric, lang) for lang in self.corpus.languages]
            elif metric.name in pooled:
                columns.append((metric.name, metric, None))
        return columns

    def to_document(self) -> dict[str, Any]:
        """The comparison as JSON knows it; `from_document` is the inverse."""
        return {
            "signature": self.signature(),
            "corpus": asdict(self.corpus),
            "tokenizers": [asdict(tokenizer) for tokenizer in self.tokenizers],
            "skipped": [asdict(skipped) for skipped in self.skipped],
            "results": self.frame.to_dicts(),
            "differences": self.differences.to_dicts(),
            "environment": asdict(self.environment),
            "examples": [example.to_document() for example in self.examples],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any], measurements: Measurements | None = None) -> Comparison:
        """A comparison from its JSON form."""
        corpus = {**document["corpus"], "languages": tuple(document["corpus"]["languages"])}
        return cls(
            frame=pl.DataFrame(document["results"], schema=RESULT_SCHEMA),
            differences=pl.DataFrame(document["differences"], schema=DIFFERENCES),
            corpus=ComparedCorpus(**corpus),
            tokenizers=tuple(ComparedTokenizer(**tokenizer) for tokenizer in document["tokenizers"]),
            skipped=tuple(Skipped(**skipped) for skipped in document["skipped"]),
            environment=Environment(**document["environment"]),
            examples=tuple(Example.from_document(example) for example in document["examples"]),
            measurements=measurements,
        )

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

    def _repr_html_(self) -> str:
        """The summary as a table, for notebooks."""
        return self.summary()._repr_html_()

    def __repr__(self) -> str:
        corpus = self.corpus
        size = f"{len(corpus.languages)} languages x {corpus.segments} segments"
        return f"<Comparison of {len(self.tokenizers)} tokenizers on {corpus.name} ({size})>"


Unfinished = Callable[[], Comparison]
"""Computes the comparison of the segments that all tokenizers had encoded when `compare` was interrupted."""


def ignore_interruption(unfinished: Unfinished) -> None:
    """Do not keep what was measured before an interruption."""


def compare(
    tokenizers: str | Path | Sequence[str | Path | Tokenizer] = DEFAULT_TOKENIZERS,
    corpus: ParallelCorpus | TextsByLanguage | str | Path | None = None,
    *,
    metrics: str | Sequence[str] | None = None,
    reference: str | None = None,
    baseline: str | None = None,
    bootstrap: Bootstrap | None = BOOTSTRAP,
    tests: Sequence[str] = TESTS,
    segmenter: Segmenter = "whitespace",
    throughput: bool = True,
    engine: str = AUTO,
    skip_missing: bool = False,
    offline: bool = False,
    on_step: Step = ignore_step,
    on_interruption: Callable[[Unfinished], None] = ignore_interruption,
    clock: Clock = time.perf_counter,
    today: Now = now,
) -> Comparison:
    """Compare tokenizers on a parallel corpus (the embedded one by default).

    metrics: names out of `tokbench.metrics.METRICS`, by default all but STRR. reference: the language that premiums are
    relative to, English by default, else the corpus's first. baseline: the tokenizer that NSL is relative to.
    bootstrap: how intervals are made, None for none. tests: the ratios that are tested against the baseline.
    segmenter: what finds words, `whitespace` or `icu` (an extra).
    engine: what runs the tokenizers: `auto` takes the fastest that is installed and gives the reference's ids on
    this corpus, `reference` the library that defines them, or name one.
    skip_missing: go on without tokenizers that cannot be had, and list them in `skipped`. A tokenizer whose engine
    gives up on a text is always listed there; EngineError is raised for the baseline and where no other is left.
    Raises UnavailableError or TokbenchError, before anything is measured, for what cannot be loaded. On
    an interruption KeyboardInterrupt is raised; if segments are measured by then, `on_interruption` is called first.
    """
    chosen = find_metrics(metrics if metrics is not None else DEFAULT_METRICS)
    tested = find_tested(tests)
    segmenter_signature = describe_segmenter(segmenter)
    texts = open_corpus(corpus)
    against = find_reference(texts, reference)
    sample = take_sample(texts)

    def build(measurements: Measurements, texts: ParallelCorpus) -> Comparison:
        alone, timed = ([m.name for m in chosen if m.level == kind] for kind in ("types", "timings"))
        loaded, isolated = loading.try_with(lambda left: measure_isolated(left, texts, alone, segmenter))
        measurements = measurements.keep([tokenizer.name for tokenizer in loaded])
        speeds = measure_throughput(loaded, texts, clock=clock) if throughput and timed else []
        values = evaluate(measurements, chosen, relative, bootstrap)
        return Comparison(
            frame=arrange([values, isolated], speeds, loaded, texts.languages),
            differences=find_differences(measurements, tested, relative.tokenizer, bootstrap),
            corpus=describe_corpus(texts, relative, bootstrap, segmenter_signature),
            tokenizers=tuple(describe_tokenizer(t, measurements) for t in loaded),
            skipped=tuple(loading.skipped),
            environment=describe_environment(today),
            examples=find_examples(loaded, texts, measurements, relative.language or texts.languages[0]),
            measurements=measurements,
        )

    with start_loading(tokenizers, sample, engine, baseline, skip_missing=skip_missing, offline=offline) as loading:
        relative = Reference(against, loading.baseline)
        try:
            measurements = measure(loading, texts, segmenter=segmenter, on_step=on_step, on_failure=loading.leave_out)
        except Interrupted as interruption:
            if interruption.measurements is not None:
                first = texts.select(segments=interruption.segments)
                on_interruption(partial(build, interruption.measurements, first))
            raise KeyboardInterrupt from interruption  # itself: for a subclass Python exits with another status
    return build(measurements, texts)
