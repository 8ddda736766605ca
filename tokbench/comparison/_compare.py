"""compare(): tokenizers on a corpus, loaded, measured and evaluated."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

from tokbench._shared.environment import Clock, Now, describe_environment, now
from tokbench.adapters.bench.throughput import measure_throughput
from tokbench.adapters.selection import AUTO, take_sample
from tokbench.comparison._comparison import BOOTSTRAP, TESTS, Comparison, find_added
from tokbench.comparison._facts import describe_corpus, describe_tokenizer, find_reference
from tokbench.comparison._frame import arrange
from tokbench.comparison.worst_segments import find_examples
from tokbench.corpora import ParallelCorpus, TextsByLanguage, open_corpus
from tokbench.measurement import Interrupted, Measurements, Step, ignore_step, measure
from tokbench.measurement.loading import DEFAULT_TOKENIZERS, TokenizerArgument, start_loading
from tokbench.measurement.single_token_words import measure_isolated
from tokbench.measurement.words import Segmenter, describe_segmenter
from tokbench.metrics import (
    DEFAULT_METRICS,
    Metric,
    Reference,
    evaluate,
    find_differences,
    find_metrics,
    find_tested,
)
from tokbench.metrics.resampling import Bootstrap

Unfinished = Callable[[], Comparison]
"""Computes the comparison of the segments that all tokenizers had encoded when `compare` was interrupted."""


def ignore_interruption(unfinished: Unfinished) -> None:
    """Do not keep what was measured before an interruption."""


def compare(
    tokenizers: TokenizerArgument | Iterable[TokenizerArgument] = DEFAULT_TOKENIZERS,
    corpus: ParallelCorpus | TextsByLanguage | str | Path | None = None,
    *,
    metrics: str | Metric | Sequence[str | Metric] | None = None,
    reference: str | None = None,
    baseline: str | None = None,
    bootstrap: Bootstrap | None = BOOTSTRAP,
    tests: Sequence[str | Metric] = TESTS,
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

    tokenizers: names, paths, loaded tokenizers, or objects of the libraries that `load_tokenizer` takes.
    corpus: a `ParallelCorpus`, texts by language as `ParallelCorpus.from_texts` takes them, or what `load_corpus`
    reads. metrics: names from `METRICS`, or metrics of your own; by default all built-in ones but STRR.
    reference: the language that premiums are relative to, English by default, else the corpus's first.
    baseline: the tokenizer that NSL is relative to.
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
            frame=arrange([values, isolated], speeds, {t.name: t.engine for t in loaded}, chosen, texts.languages),
            differences=find_differences(measurements, tested, relative.tokenizer, bootstrap),
            corpus=describe_corpus(texts, relative, bootstrap, segmenter_signature),
            tokenizers=tuple(describe_tokenizer(t, measurements) for t in loaded),
            skipped=tuple(loading.skipped),
            environment=describe_environment(today),
            examples=find_examples(loaded, texts, measurements, relative.language or texts.languages[0]),
            measurements=measurements,
            added_metrics=find_added([*chosen, *tested]),
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
