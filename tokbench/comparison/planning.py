"""plan_stream(): what `compare` on a stream will take."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from tokbench.adapters.selection import AUTO, take_sample
from tokbench.corpora import Stream
from tokbench.executors import open_executor
from tokbench.measurement.loading import TokenizerArgument, load_tokenizers
from tokbench.measurement.plan import Plan, make_plan
from tokbench.measurement.shard_task import ShardSettings
from tokbench.measurement.stream_sample import find_spaced, sample_stream
from tokbench.measurement.words import Segmenter
from tokbench.metrics import DEFAULT_METRICS, Metric, find_metrics, find_needs


def plan_stream(
    tokenizers: TokenizerArgument | Iterable[TokenizerArgument],
    stream: Stream,
    *,
    metrics: str | Metric | Sequence[str | Metric] | None = None,
    segmenter: Segmenter = "whitespace",
    engine: str = AUTO,
    executor: str = "local",
    workers: int | None = None,
    offline: bool = False,
) -> Plan:
    """Measure a few MB of a stream in a worker, and calculate what all of it takes.

    The arguments are those of `compare`. Raises TokbenchError for what cannot be loaded or read.
    """
    chosen = find_metrics(metrics if metrics is not None else DEFAULT_METRICS)
    runner = open_executor(executor, workers)
    sample = sample_stream(stream)
    verified = replace(take_sample(sample), corpus_bytes=stream.size)
    loaded, _ = load_tokenizers(tokenizers, verified, engine=engine, offline=offline)
    settings = ShardSettings(segmenter, find_spaced(sample, segmenter), find_needs(chosen, ranked=len(loaded) > 1))
    return make_plan(loaded, stream, settings, runner, executor)
