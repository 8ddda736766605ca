"""compare(): load tokenizers, measure them on a corpus and evaluate metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import polars as pl

from tokbench._shared.environment import Clock, Now, describe_environment, now
from tokbench._shared.progress import COUNTING, INTERVALS, LOADING, NO_PROGRESS, Progress
from tokbench.adapters import CountedTokenizer, Tokenizer
from tokbench.adapters.bench.throughput import measure_throughput
from tokbench.adapters.selection import AUTO, take_sample
from tokbench.comparison._added_special import add_special
from tokbench.comparison._comparison import BOOTSTRAP, TESTS, Comparison, find_added
from tokbench.comparison._facts import describe_corpus, describe_tokenizer, find_reference, read_weights
from tokbench.comparison._frame import arrange
from tokbench.comparison._sampled import choose_sampled
from tokbench.comparison._streamed import StreamRequest, compare_stream
from tokbench.comparison.worst_segments import WorstSegments, find_examples
from tokbench.corpora import Corpus, CorpusArgument, Stream, is_streamed, open_corpus, open_stream
from tokbench.errors import EngineError, TokbenchError
from tokbench.executors import Executor
from tokbench.measurement import Interrupted, Measurements, Step, ignore_counts, ignore_step, measure
from tokbench.measurement.api_counts import count_by_api
from tokbench.measurement.loading import DEFAULT_TOKENIZERS, Skipped, TokenizerArgument, start_loading
from tokbench.measurement.single_token_words import measure_isolated
from tokbench.measurement.units import Draw
from tokbench.measurement.words import Segmenter, describe_segmenter
from tokbench.metrics import (
    DEFAULT_METRICS,
    DIFFERENCES,
    Metric,
    Reference,
    can_pool,
    evaluate,
    find_differences,
    find_metrics,
    find_needs,
    find_tested,
)
from tokbench.metrics.resampling import Bootstrap

FREED_BYTES = 4_000_000
"""UTF-8 bytes of a corpus up to which tokenizers are freed once they have encoded it, and its ids are kept instead."""

Unfinished = Callable[[], Comparison]
"""Computes the comparison of what all tokenizers had encoded when `compare` ended early."""


def ignore_interruption(unfinished: Unfinished) -> None:
    """Discard what was measured before an interruption."""


def compare(
    tokenizers: TokenizerArgument | Iterable[TokenizerArgument] = DEFAULT_TOKENIZERS,
    corpus: CorpusArgument | Stream = None,
    *,
    metrics: str | Metric | Sequence[str | Metric] | None = None,
    reference: str | None = None,
    baseline: str | None = None,
    bootstrap: Bootstrap | None = BOOTSTRAP,
    tests: Sequence[str | Metric] = TESTS,
    weights: Mapping[str, float] | None = None,
    segmenter: Segmenter = "whitespace",
    by_segment: bool = False,
    throughput: bool = True,
    engine: str = AUTO,
    skip_missing: bool = False,
    offline: bool = False,
    executor: Executor | str | None = None,
    workers: int | None = None,
    resume: str | Path | None = None,
    precision: float | None = None,
    on_step: Step = ignore_step,
    on_interruption: Callable[[Unfinished], None] = ignore_interruption,
    progress: Progress = NO_PROGRESS,
    clock: Clock = time.perf_counter,
    today: Now = now,
) -> Comparison:
    """Compare tokenizers on a corpus: parallel texts, or groups of texts.

    tokenizers: names, paths, loaded tokenizers, or library objects that `load_tokenizer` accepts; also
        `anthropic:MODEL` and `gemini:MODEL`, if `count_by_api` has counted the texts before.
    corpus: a `ParallelCorpus` or `TextGroups`, texts by language as for `ParallelCorpus.from_texts`, or anything that
        `load_corpus` accepts; by default the bundled corpus. Several in a list are groups side by side. A `Stream`, or
        what `is_streamed` says is one, is read shard by shard.
    metrics: names from `METRICS`, or your own metrics; by default all built-in ones except STRR.
    reference: the language that premiums are relative to; by default English, otherwise the corpus's first.
    baseline: the tokenizer that NSL and tests are relative to.
    bootstrap: how to compute intervals; None for no intervals.
    tests: the ratios to test against the baseline.
    weights: of languages or groups, positive numbers of any scale: values over all languages are then those of a
        mixture with these shares (see `tokbench.metrics.Mixture`).
    segmenter: the word segmenter, `whitespace` or `icu` (an extra).
    by_segment: whether to keep the counts of each segment also of a large corpus; memory grows with it then. Costs
        need them (`tokbench.pythia.cost`), and so do your own metrics that are no ratios of sums, which see to it.
    throughput: whether to measure encoding speed.
    engine: `auto` (the fastest installed engine verified to give the reference's ids on this corpus), `reference`
        (the library that defines the ids), or an engine name.
    skip_missing: list unavailable tokenizers in `skipped` instead of raising. A tokenizer whose engine fails on a text
        is always listed there, unless it is the baseline or the last one left: then EngineError is raised.
    executor: where the shards of a stream are measured: `local` (processes), `ray` or `ray://HOST:PORT` (a cluster), or
        one of your own; by default one after the other in this process.
    workers: how many shards are measured at a time; by default one per core.
    resume: a folder where the result of each shard is kept: what is there is not measured again.
    precision: half-width of intervals for which a sample of a stream is drawn: 0.01 is 1 % of a value, 1 point of a
        share (see `tokbench.metrics.precision`). By default all is read.
    on_step: called after each batch of texts, from any thread; not for streams.
    on_interruption: called with `Unfinished` before KeyboardInterrupt is raised, if any segment was measured; also
        before any other error that ends the work after measuring: it then gives no intervals, tests, speeds
        and examples.
    progress: told how far the phases are: loading, counting, speed and intervals.

    Raises UnavailableError or TokbenchError, before measuring, if something cannot be loaded.
    """
    chosen = find_metrics(metrics if metrics is not None else DEFAULT_METRICS)
    tested = find_tested(tests)
    segmenter_signature = describe_segmenter(segmenter)
    stream = find_stream(corpus)
    if stream is not None:
        if precision is not None:
            chosen, precision = choose_sampled(chosen, precision, stream.name, by_name=metrics is not None)
        request = StreamRequest(
            metrics=chosen,
            tests=tested,
            reference=reference,
            baseline=baseline,
            bootstrap=bootstrap,
            weights=weights,
            segmenter=segmenter,
            throughput=throughput,
            engine=engine,
            skip_missing=skip_missing,
            offline=offline,
            executor=executor,
            workers=workers,
            resume=resume,
            precision=precision,
            progress=progress,
            clock=clock,
            today=today,
        )
        return compare_stream(tokenizers, stream, request, on_interruption)
    texts = open_corpus(cast("CorpusArgument", corpus))
    refuse_shards_needed(texts, executor=executor, workers=workers, resume=resume, precision=precision)
    against = find_reference(texts, reference)
    mixture = read_weights(weights, texts.languages, texts)
    # Not of the counts afterwards: those of a large corpus are not known by segment.
    worst = WorstSegments(against, texts.languages) if against is not None else None
    sample = take_sample(texts)
    count = partial(count_by_api, texts=texts, offline=offline)

    def build(measurements: Measurements, texts: Corpus, *, late: bool = True) -> Comparison:
        """Evaluate measurements; not `late`: only what follows from the counts, without intervals and tests."""
        alone, timed = ([m.name for m in chosen if m.level == kind and late] for kind in ("types", "timings"))
        loaded, isolated = loading.try_with(lambda left: measure_isolated(list_encoding(left), texts, alone, segmenter))
        measurements = add_special(measurements.keep([tokenizer.name for tokenizer in loaded]), loaded, chosen)
        with_ids = list_encoding(loaded)
        failed: list[Skipped] = []
        speeds = (
            measure_throughput(
                with_ids,
                texts,
                clock=clock,
                on_failure=lambda error: failed.append(skip_speed(error)),
                progress=progress,
            )
            if throughput and timed
            else []
        )
        drawn = bootstrap if late else None
        if drawn is not None:
            resampled = [metric for metric in chosen if metric.level in ("segments", "sums", "languages")]
            progress.start(INTERVALS, len(resampled) + 1)  # and the tests
        values = evaluate(
            measurements, chosen, relative, drawn, mixture, on_metric=partial(progress.advance, INTERVALS)
        )
        return Comparison(
            frame=arrange([values, isolated], speeds, {t.name: t.engine for t in loaded}, chosen, texts.languages),
            differences=find_differences(measurements, tested, relative.tokenizer, drawn, mixture)
            if late
            else pl.DataFrame(schema=DIFFERENCES),
            corpus=describe_corpus(texts, relative, drawn, segmenter_signature, mixture),
            tokenizers=tuple(describe_tokenizer(t, measurements) for t in loaded),
            skipped=(*loading.skipped, *failed),
            environment=describe_environment(today),
            examples=find_examples(with_ids, texts, worst, [tokenizer.name for tokenizer in loaded])
            if late and worst is not None
            else (),
            measurements=measurements,
            added_metrics=find_added([*chosen, *tested]),
        )

    # What encodes again later needs the engine; a larger corpus needs all tokenizers for each of its stripes.
    again = any(m.level == "types" or (m.level == "timings" and throughput) for m in chosen)
    with start_loading(
        tokenizers,
        sample,
        engine,
        baseline,
        count=count,
        skip_missing=skip_missing,
        offline=offline,
        freeable=not again and texts.size <= FREED_BYTES,
    ) as loading:
        relative = Reference(against, loading.baseline)
        progress.start(LOADING, len(loading))
        loading.tell_ready(lambda name: progress.advance(LOADING, what=name))
        progress.start(COUNTING, len(loading) * texts.size)

        def tell_counted(tokenizer: str, lang: str, size: int) -> None:
            progress.advance(COUNTING, size, f"{tokenizer} {lang}")
            on_step(tokenizer, lang, size)

        needs = find_needs([*chosen, *tested], ranked=len(loading) > 1)
        try:
            measurements = measure(
                loading,
                texts,
                segmenter=segmenter,
                needs=needs,
                pool=None if by_segment else choose_pool([*chosen, *tested], bootstrap),
                on_counts=ignore_counts if worst is None else worst.add,
                on_step=tell_counted,
                on_failure=loading.leave_out,
            )
        except Interrupted as interruption:
            if interruption.measurements is not None:
                first = texts.shorten(interruption.lengths)
                on_interruption(partial(build, interruption.measurements, first))
            raise KeyboardInterrupt from interruption  # not a subclass, for which Python exits with another status
    progress.finish(COUNTING)  # also the part of tokenizers that were left out
    try:
        result = build(measurements, texts)
        progress.finish(INTERVALS)
        return result
    except BaseException:
        on_interruption(partial(build, measurements, texts, late=False))
        raise


def find_stream(corpus: CorpusArgument | Stream) -> Stream | None:
    """Return the stream that an argument is or names; None for a corpus that is read as a whole."""
    if isinstance(corpus, Stream):
        return corpus
    return open_stream(str(corpus)) if isinstance(corpus, str | Path) and is_streamed(str(corpus)) else None


def refuse_shards_needed(corpus: Corpus, **given: object) -> None:
    """Raise TokbenchError for what needs the shards of a stream."""
    for name, value in given.items():
        if value is not None:
            raise TokbenchError(
                f"{name} is for streams, and {corpus.name} is read as a whole",
                "add :stream=yes to a file of text, JSON Lines or Parquet, or leave it out",
            )


def choose_pool(metrics: Sequence[Metric], bootstrap: Bootstrap | None) -> Draw | None:
    """Return what the counts of a large corpus are added up by; None if a metric needs those of each segment."""
    if not all(map(can_pool, metrics)):
        return None
    return "documents" if bootstrap is None else bootstrap.draw


def list_encoding(tokenizers: Sequence[Tokenizer]) -> list[Tokenizer]:
    """Return the tokenizers that give ids: not those known by counts alone."""
    return [tokenizer for tokenizer in tokenizers if not isinstance(tokenizer, CountedTokenizer)]


def skip_speed(error: EngineError) -> Skipped:
    """Say that a tokenizer was measured, but not its speed."""
    return Skipped(f"{error.tokenizer} (speed)", error.fault, error.hint)
