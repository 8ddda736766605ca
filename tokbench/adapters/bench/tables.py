"""Outcome of a benchmark as tables: terminal, Markdown, CSV and JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from tokbench._shared.environment import Environment
from tokbench._shared.visible_text import reveal_controls
from tokbench.adapters.bench.footprint import Footprint, Scaling
from tokbench.adapters.bench.latency import Latency
from tokbench.adapters.bench.speed import EngineBenchmark, describe_benchmark


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


def list_tables(benchmark: BenchmarkReport) -> dict[str, pl.DataFrame]:
    """Return the non-empty tables, by title."""
    outcome = benchmark.outcome
    tables = {
        "Speed": list_speeds(outcome),
        "Latency of one call, microseconds": list_rows(outcome, benchmark.latency),
        "Loading and memory": list_footprints(outcome, benchmark.footprints),
        "Hard input": list_rows(outcome, benchmark.scaling),
    }
    return {title: table for title, table in tables.items() if table.height}


def show_value(value: object) -> str:
    """Format a value for a cell: three significant digits, a dash for null."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
    return str(value).replace("|", "\\|").replace("\n", " ")


def write_markdown(benchmarks: Sequence[BenchmarkReport], environment: Environment) -> str:
    """Format sentences, then one table per kind of measurement."""
    lines = [f"{environment.processor}, {environment.cores} cores, {environment.system}, {environment.date}", ""]
    for benchmark in benchmarks:
        lines += [f"- {sentence}" for sentence in describe_benchmark(benchmark.outcome)] + [""]
        for title, table in list_tables(benchmark).items():
            lines += [f"**{title}**", "", f"| {' | '.join(table.columns)} |", "|" + " --- |" * table.width]
            lines += [f"| {' | '.join(map(show_value, row))} |" for row in table.iter_rows()] + [""]
    return "\n".join(lines)


def write_json(benchmarks: Sequence[BenchmarkReport], environment: Environment) -> str:
    """Format all values, including each round."""
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
    content = {"benchmarks": documents, "environment": asdict(environment)}
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def write_csv(benchmarks: Sequence[BenchmarkReport], environment: Environment) -> str:
    """Format the speeds and ratios of all tokenizers."""
    frame = pl.concat([list_speeds(b.outcome) for b in benchmarks], how="diagonal_relaxed")
    return reveal_controls(frame.write_csv())


def write_table(benchmarks: Sequence[BenchmarkReport], environment: Environment) -> str:
    """Format sentences and tables in columns, for a terminal."""
    lines = [f"{environment.processor}, {environment.cores} cores, {environment.date}", ""]
    for benchmark in benchmarks:
        lines += [*describe_benchmark(benchmark.outcome), ""]
        for title, table in list_tables(benchmark).items():
            shown = table.drop("tokenizer")
            rows = [shown.columns, *([show_value(value)[:60] for value in row] for row in shown.iter_rows())]
            widths = [max(len(row[i]) for row in rows) for i in range(shown.width)]
            lines += [
                title,
                *("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in rows),
            ]
            lines.append("")
    return "\n".join(lines)


FORMATS: Mapping[str, Callable[[Sequence[BenchmarkReport], Environment], str]] = {
    "table": write_table,
    "markdown": write_markdown,
    "json": write_json,
    "csv": write_csv,
}
