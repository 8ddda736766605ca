"""compare() on a stream: shards are measured on an executor, and their merged counts evaluated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from tokbench._shared.environment import Clock, Now, describe_environment
from tokbench._shared.paths import expand_home
from tokbench._shared.progress import COUNTING, INTERVALS, LOADING, Progress
from tokbench.adapters import CountedTokenizer, Tokenizer
from tokbench.adapters.bench.throughput import Throughput, measure_throughput
from tokbench.adapters.selection import take_sample
from tokbench.comparison._added_special import add_special
from tokbench.comparison._comparison import Comparison, find_added
from tokbench.comparison._facts import ComparedCorpus, describe_tokenizer, read_weights
from tokbench.comparison._frame import arrange
from tokbench.comparison._sampled import Rule, count_first, expand_groups, measure_sample, tighten
from tokbench.corpora import Stream, TextGroups
from tokbench.errors import EngineError, TokbenchError
from tokbench.executors import Executor, open_executor
from tokbench.measurement.loading import Loading, Skipped, TokenizerArgument, start_loading
from tokbench.measurement.sampled import cut_strata, read_first_pieces
from tokbench.measurement.shard_task import ShardSettings
from tokbench.measurement.stream_sample import find_spaced, sample_stream
from tokbench.measurement.streams import InterruptedStreamError, StreamMeasurements, measure_stream
from tokbench.measurement.units import MOST_UNITS
from tokbench.measurement.words import Segmenter, describe_segmenter
from tokbench.metrics import DIFFERENCES, Metric, Mixture, Reference, evaluate, find_differences, find_needs
from tokbench.metrics.precision import drop_certainty
from tokbench.metrics.resampling import Bootstrap


@dataclass(frozen=True, eq=False)
class StreamRequest:
    """What `compare` is to do with a stream: its arguments of the same names."""

    metrics: Sequence[Metric]
    tests: Sequence[Metric]
    reference: str | None
    baseline: str | None
    bootstrap: Bootstrap | None
    weights: Mapping[str, float] | None
    segmenter: Segmenter
    throughput: bool
    engine: str
    skip_missing: bool
    offline: bool
    executor: Executor | str | None
    workers: int | None
    resume: str | Path | None
    precision: float | None
    progress: Progress
    clock: Clock
    today: Now

    @property
    def seed(self) -> int:
        """The seed of resamples and samples."""
        return 0 if self.bootstrap is None else self.bootstrap.seed


def compare_stream(
    tokenizers: TokenizerArgument | Iterable[TokenizerArgument],
    stream: Stream,
    asked: StreamRequest,
    on_interruption: Callable[[Callable[[], Comparison]], None],
) -> Comparison:
    """Compare tokenizers on a stream, as `compare` describes."""
    refuse_texts_needed(asked, stream)
    if asked.precision is not None:
        refuse_executor(asked)
    executor = choose_executor(asked.executor, asked.workers)
    labels = {dict(shard.settings).get("label") for shard in stream.shards}
    if None not in labels:  # all groups are known before any text is read
        read_weights(asked.weights, sorted(map(str, labels)))
    strata = () if asked.precision is None else cut_strata(stream)
    sample = read_first_pieces(stream, strata, asked.seed) if strata else sample_stream(stream)
    expected = sum(map(count_first, strata)) if strata else stream.size
    verified = replace(take_sample(sample), corpus_bytes=expected)
    with start_loading(
        tokenizers, verified, asked.engine, asked.baseline, skip_missing=asked.skip_missing, offline=asked.offline
    ) as loading:
        asked.progress.start(LOADING, len(loading))
        loading.tell_ready(lambda name: asked.progress.advance(LOADING, what=name))
        loaded = loading.finish()
    settings = ShardSettings(
        asked.segmenter,
        find_spaced(sample, asked.segmenter),
        find_needs([*asked.metrics, *asked.tests], ranked=len(loaded) > 1),
    )
    evaluation = _Evaluation(stream, sample, loaded, loading, asked)
    try:
        if asked.precision is not None:
            found = measure_sample(loaded, stream, strata, settings, evaluation.find_rule(), asked.progress)
        else:
            found = measure_stream(
                loaded,
                stream,
                settings,
                executor=executor,
                resume=None if asked.resume is None else expand_home(str(asked.resume)),
                progress=asked.progress,
            )
    except InterruptedStreamError as interruption:
        measured = interruption.finish()
        if measured is not None:
            on_interruption(partial(evaluation.build, measured))
        raise KeyboardInterrupt from interruption
    asked.progress.finish(COUNTING)
    try:
        result = evaluation.build(found)
        asked.progress.finish(INTERVALS)
        return result
    except BaseException:
        on_interruption(partial(evaluation.build, found, late=False))
        raise


def choose_executor(executor: Executor | str | None, workers: int | None) -> Executor | None:
    """Return the executor that an argument names; None for this process."""
    if executor is None:
        if workers is not None:
            raise TokbenchError("workers belong to an executor, and none is named", "add --executor local")
        return None
    return open_executor(executor, workers) if isinstance(executor, str) else executor


def refuse_executor(asked: StreamRequest) -> None:
    """Raise TokbenchError for what a sample cannot be drawn with."""
    if asked.bootstrap is None:
        raise TokbenchError("a precision is that of intervals, and there are none", "leave out --resamples 0")
    for name, value in (("executor", asked.executor), ("workers", asked.workers), ("resume", asked.resume)):
        if value is not None:
            raise TokbenchError(f"{name} is for a pass, and a sample is measured in this process", "leave it out")


def refuse_texts_needed(asked: StreamRequest, stream: Stream) -> None:
    """Raise TokbenchError for what needs translations, or all texts at once."""
    if asked.reference is not None:
        raise TokbenchError(f"{stream.name} is not parallel: there is no reference language", "leave out the reference")
    alone = [metric.name for metric in asked.metrics if metric.level == "types"]
    if alone:
        raise TokbenchError(
            f"{alone[0]} needs all words of a text at once, which a stream does not give", "leave it out"
        )


@dataclass(frozen=True, eq=False)
class _Evaluation:
    """Everything but counts that a comparison is computed from."""

    stream: Stream
    sample: TextGroups
    loaded: Sequence[Tokenizer]
    loading: Loading
    asked: StreamRequest

    def build(self, found: StreamMeasurements, *, late: bool = True) -> Comparison:
        """Evaluate what was counted; not `late`: only what follows from the counts, without intervals and tests."""
        asked = self.asked
        for fault in found.faults:
            if all(fault.tokenizer != one.name for one in self.loading.skipped):
                self.loading.leave_out(fault)
        gone = {fault.tokenizer for fault in found.faults}
        loaded = [tokenizer for tokenizer in self.loaded if tokenizer.name not in gone]
        groups = tuple(found.measurements.texts["lang"].cast(pl.String).unique().sort())
        mixture = read_weights(asked.weights, groups)
        shares = {} if mixture is None else mixture.shares
        counted = add_special(found.measurements, loaded, asked.metrics)
        relative = Reference(None, self.loading.baseline)
        drawn = asked.bootstrap if late else None
        if found.sample is not None and not found.sample.whole:
            mixture = mixture or expand_groups(found.source_bytes)
            drawn = None if drawn is None else tighten(drawn)
        failed: list[Skipped] = []
        speeds = self.time(loaded, failed) if late else []
        if drawn is not None:
            resampled = [metric for metric in asked.metrics if metric.level in ("segments", "sums", "languages")]
            asked.progress.start(INTERVALS, len(resampled) + 1)  # and the tests
        values = evaluate(
            counted,
            asked.metrics,
            relative,
            drawn,
            mixture,
            on_metric=partial(asked.progress.advance, INTERVALS),
        )
        if found.sample is not None and not found.sample.whole:
            values = drop_certainty(values, asked.metrics)
        differences = pl.DataFrame(schema=DIFFERENCES)
        if late:
            differences = find_differences(found.measurements, asked.tests, relative.tokenizer, drawn, mixture)
        return Comparison(
            frame=arrange([values], speeds, {t.name: t.engine for t in loaded}, asked.metrics, groups),
            differences=differences,
            corpus=self.describe(found, relative, drawn, shares),
            tokenizers=tuple(describe_tokenizer(t, found.measurements) for t in loaded),
            skipped=(*self.loading.skipped, *failed),
            environment=describe_environment(asked.today),
            measurements=counted,
            added_metrics=find_added([*asked.metrics, *asked.tests]),
        )

    def find_rule(self) -> Rule:
        """Return when a sample is large enough."""
        asked = self.asked
        if asked.precision is None or asked.bootstrap is None:
            raise TokbenchError("no precision is given")
        weights = None if asked.weights is None else Mixture(asked.weights)
        return Rule(asked.precision, asked.metrics, self.loading.baseline, asked.bootstrap, weights)

    def time(self, tokenizers: Sequence[Tokenizer], failed: list[Skipped]) -> list[Throughput]:
        """Measure speeds on the sample, if they are asked for."""
        if not (self.asked.throughput and any(metric.level == "timings" for metric in self.asked.metrics)):
            return []

        def skip(error: EngineError) -> None:
            failed.append(Skipped(f"{error.tokenizer} (speed)", error.fault, error.hint))

        encoding = [tokenizer for tokenizer in tokenizers if not isinstance(tokenizer, CountedTokenizer)]
        return measure_throughput(
            encoding, self.sample, clock=self.asked.clock, on_failure=skip, progress=self.asked.progress
        )

    def describe(
        self, found: StreamMeasurements, relative: Reference, drawn: Bootstrap | None, shares: Mapping[str, float]
    ) -> ComparedCorpus:
        """Collect the facts of the stream."""
        by_group = found.measurements.texts.group_by(pl.col("lang").cast(pl.String)).agg(pl.col("segments").sum())
        sizes = dict(by_group.sort("lang").iter_rows())
        boot = None
        if drawn is not None:
            units = f"{MOST_UNITS} runs of documents" if found.sample is None else "pieces"
            boot = f"{drawn.resamples}/{drawn.method}/{units}/seed{drawn.seed}"
        return ComparedCorpus(
            name=self.stream.name,
            sha256=found.sha256,
            format=self.stream.format,
            licence=None,
            languages=tuple(sizes),
            segments=found.segments,
            excluded={},
            reference=None,
            baseline=relative.tokenizer,
            bootstrap=boot,
            segmenter=describe_segmenter(self.asked.segmenter),
            aligned=False,
            sizes=sizes,
            shares=shares,
            shards=found.read,
            missing={one.name: one.reason for one in found.missing},
            sample=found.sample,
        )
