"""Engines of tokenizers against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import polars as pl

from tokbench._shared.environment import Environment
from tokbench.adapters.bench.footprint import Footprint, Scaling
from tokbench.adapters.bench.latency import Latency
from tokbench.adapters.bench.speed import EngineBenchmark, describe_benchmark
from tokbench.report._document_model import Plain, Points, Prose, Results
from tokbench.report._table import Table, format_value, tabulate


@dataclass(frozen=True)
class BenchmarkReport:
    """All measurements of one tokenizer."""

    outcome: EngineBenchmark
    latency: tuple[Latency, ...] = ()
    footprints: tuple[Footprint, ...] = ()
    scaling: tuple[Scaling, ...] = ()


def list_speeds(outcome: EngineBenchmark) -> pl.DataFrame:
    """Return one row per cell.

    The fastest per path and number of threads is first, unranked engines last.
    """
    by_name = {result.name: result for result in outcome.results}
    ratios = {(r.path, r.threads, r.slower): r for r in outcome.ratios}
    rows = []
    for speed in outcome.speeds:
        ratio = ratios.get((speed.path, speed.threads, speed.name))
        result, rate = by_name[speed.name], speed.interval
        rows.append(
            {
                "tokenizer": outcome.tokenizer,
                "engine": speed.name,
                "version": result.engine,
                "path": speed.path,
                "threads": speed.threads,
                "ids": "exact",
                "MB/s": rate.value,
                "low": rate.low,
                "high": rate.high,
                "rounds": len(speed.rounds),
                "times slower": ratio.interval.value if ratio else None,
                "slower low": ratio.interval.low if ratio else None,
                "slower high": ratio.interval.high if ratio else None,
                "differs": ratio.differ if ratio else None,
                "also computes": result.side_work,
            }
        )
    for result in outcome.results:
        if result.reason is not None:
            facts = {"tokenizer": outcome.tokenizer, "engine": result.name, "version": result.engine}
            rows.append({**facts, "ids": result.reason, "also computes": result.side_work})
    return pl.DataFrame(rows, infer_schema_length=None)


def list_rows(outcome: EngineBenchmark, rows: Sequence[Any]) -> pl.DataFrame:
    """Return one row per measured value of a tokenizer's engines."""
    return pl.DataFrame([{"tokenizer": outcome.tokenizer, **asdict(row)} for row in rows], infer_schema_length=None)


def list_footprints(outcome: EngineBenchmark, footprints: Sequence[Footprint]) -> pl.DataFrame:
    """Return one row per engine: seconds and MiB."""
    return pl.DataFrame(
        [
            {
                "tokenizer": outcome.tokenizer,
                "engine": footprint.name,
                "load s": footprint.load,
                "first call s": footprint.first_call,
                "loaded MiB": footprint.loaded,
                "peak MiB": footprint.peak,
                **{f"growth after {target} MB, MiB": grown for target, grown in footprint.growth},
            }
            for footprint in footprints
        ],
        infer_schema_length=None,
    )


def show(benchmarks: Sequence[BenchmarkReport], environment: Environment) -> Results:
    """Return all measurements; the frame holds the speeds and ratios."""
    speeds = [list_speeds(benchmark.outcome) for benchmark in benchmarks]
    return Results(
        lambda: lay_out(benchmarks, environment),
        lambda: to_document(benchmarks, environment),
        lambda: pl.concat(speeds, how="diagonal_relaxed"),
    )


def lay_out(benchmarks: Sequence[BenchmarkReport], environment: Environment) -> list[Plain]:
    """Lay out the machine, then sentences and a table per kind of measurement for each tokenizer."""
    machine = f"{environment.processor}, {environment.cores} cores, {environment.system}, {environment.date}"
    parts: list[Plain] = [Prose((machine,))]
    for benchmark in benchmarks:
        parts += [Points(tuple(describe_benchmark(benchmark.outcome))), *lay_out_tables(benchmark)]
    return parts


def lay_out_tables(benchmark: BenchmarkReport) -> list[Table]:
    """Lay out the tables of one tokenizer that are not empty; where one is stacked, each part names the engines."""
    outcome = benchmark.outcome
    frames = {
        "Speed": list_speeds(outcome),
        "Latency of one call, microseconds": list_rows(outcome, benchmark.latency),
        "Loading and memory": list_footprints(outcome, benchmark.footprints),
        "Hard input": list_rows(outcome, benchmark.scaling),
    }
    return [
        replace(tabulate(frame.to_dicts(), title, formats=dict.fromkeys(frame.columns, format_measured)), labels=2)
        for title, frame in frames.items()
        if frame.height
    ]


def format_measured(value: Any) -> str:
    """Format a value: numbers that are not whole with three significant digits."""
    if not isinstance(value, float):
        return format_value(value)
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def to_document(benchmarks: Sequence[BenchmarkReport], environment: Environment) -> dict[str, Any]:
    """Convert all values, including each round, to a JSON document."""
    documents = []
    for benchmark in benchmarks:
        outcome = benchmark.outcome
        documents.append(
            {
                "tokenizer": outcome.tokenizer,
                "sentences": list(describe_benchmark(outcome)),
                "engines": [
                    {
                        "name": result.name,
                        "engine": result.engine,
                        "path": result.path,
                        "side_work": result.side_work,
                        "exact": result.ranked,
                        "reason": result.reason,
                        "difference": result.mismatch and asdict(result.mismatch),
                    }
                    for result in outcome.results
                ],
                "speeds": [{**asdict(speed), **asdict(speed.interval)} for speed in outcome.speeds],
                "ratios": [{**asdict(ratio), "differ": ratio.differ} for ratio in outcome.ratios],
                "null": [{"path": p, "threads": t, **asdict(null)} for (p, t), null in outcome.nulls.items()],
                "latency": [asdict(row) for row in benchmark.latency],
                "footprints": [asdict(row) for row in benchmark.footprints],
                "scaling": [asdict(row) for row in benchmark.scaling],
            }
        )
    return {"benchmarks": documents, "environment": asdict(environment)}
