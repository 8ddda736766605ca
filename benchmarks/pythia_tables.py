"""The tables of docs/pythia.md: RAM by type, estimates against measurements, what-ifs checked by measuring.

`python benchmarks/pythia_tables.py > tables.md` measures models with random weights, a quarter of an hour on two cores,
and prints markdown; `--ram` and `--speed` do one half each.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace

import polars as pl

from tokbench.errors import TokbenchError
from tokbench.pythia.formats.checkpoint import Checkpoint
from tokbench.pythia.formats.opening import open_checkpoint
from tokbench.pythia.formats.random_weights import make_in_cache, open_or_make
from tokbench.pythia.measure.measured import frame_ram, frame_timings
from tokbench.pythia.measure.probe import BackendMeasurement, measure_backend
from tokbench.pythia.measure.ram import estimate_ram
from tokbench.pythia.model.models import find_model
from tokbench.pythia.speed.roofline import fit, validate

MIB = 1 << 20
RAM_SIZES = ("pythia-70m", "pythia-160m", "pythia-410m", "pythia-1b")
RAM_TYPES = {"llamacpp": ("q4_0", "q5_1", "q8_0", "f16"), "ctranslate2": ("int8", "float32")}
SPEED_SIZES = ("pythia-70m", "pythia-160m", "pythia-410m")
SPEED_TYPES = {"llamacpp": "q4_0", "ctranslate2": "int8"}
FITTED = ("pythia-70m", "pythia-160m")
WHAT_IF_ROWS = (32_000, 250_880)
PROMPTS = (128, 512, 1024)
ROUNDS = 3


def add(found: list[BackendMeasurement], checkpoint: Checkpoint, backend: str, kind: str, *, timed: bool) -> None:
    """Measure one model: memory, and times if wanted."""
    prompts, batches = (PROMPTS, (1, 8)) if timed else ((), ())
    try:
        last = measure_backend(checkpoint, backend, kind, prompt_lengths=prompts, decode_batches=batches, rounds=ROUNDS)
    except TokbenchError as error:
        print(f"not measured: {error}", file=sys.stderr)
        return
    found.append(last)
    print(f"{last.model} {kind} on {backend}: {last.generated.rss / MIB:.0f} MiB", file=sys.stderr)


def measure_ram() -> None:
    """Print the RAM table."""
    found: list[BackendMeasurement] = []
    for size in RAM_SIZES:
        checkpoint = open_or_make(size, offline=True)
        for backend, types in RAM_TYPES.items():
            for kind in types:
                add(found, checkpoint, backend, kind, timed=False)
    print("## RAM\n")
    print_table(describe_ram(found))


def measure_speed() -> None:
    """Print how fast the models are, and how far estimates are off."""
    found: list[BackendMeasurement] = []
    for size in SPEED_SIZES:
        for backend, kind in SPEED_TYPES.items():
            add(found, open_or_make(size, offline=True), backend, kind, timed=True)
    body = find_model("pythia-410m").architecture
    for rows in WHAT_IF_ROWS:
        checkpoint = open_checkpoint(make_in_cache(replace(body, vocab_rows=rows), f"pythia-410m-v{rows}"))
        for backend, kind in SPEED_TYPES.items():
            add(found, checkpoint, backend, kind, timed=True)
    timings = frame_timings(found)
    print("\n## Estimates from 70m and 160m, checked on 410m\n")
    print_table(describe_estimates(timings))
    print("\n## What-ifs: the body of 410m with another vocabulary\n")
    print_table(describe_what_ifs(timings))
    print("\n## Speed\n")
    speeds = timings.filter(pl.col("model").is_in(SPEED_SIZES)).select(
        "model", "quantization", "backend", "phase", "batch", "tokens", "tokens_per_second", "low", "high"
    )
    print_table(speeds.with_columns(pl.col(pl.Float64).round(1)))


def describe_ram(found: list[BackendMeasurement]) -> pl.DataFrame:
    """The RAM table with the arithmetic's prediction."""
    estimates = []
    for m in found:
        used = m.generation_prompt + m.generated_tokens
        ram = estimate_ram(m.architecture, m.backend, m.quantization, context=m.context, used=used)
        estimates.append(ram.resident / MIB)
    frame = frame_ram(found).with_columns(computed=pl.Series(estimates))
    error = (pl.col("computed") / pl.col("after_generation") - 1) * 100
    return frame.with_columns(error=error.round(1).cast(pl.String) + " %").with_columns(pl.col(pl.Float64).round(1))


def describe_estimates(timings: pl.DataFrame) -> pl.DataFrame:
    """Errors of the rates fitted on the small models, on the larger ones, with attention's own rate or without."""
    parts = []
    for (backend, kind), group in timings.group_by("backend", "quantization", maintain_order=True):
        fitted = group.filter(pl.col("model").is_in(FITTED))
        for apart in (False, True):
            errors = validate(fit(fitted, attention_apart=apart), group.filter(pl.col("model").is_in(SPEED_SIZES)))
            larger = errors.filter(~pl.col("model").is_in(FITTED))
            parts.append(
                larger.select(
                    pl.lit(backend).alias("backend"),
                    pl.lit(kind).alias("type"),
                    pl.lit("yes" if apart else "no").alias("attention apart"),
                    "model",
                    "phase",
                    "batch",
                    "tokens",
                    measured_ms=(pl.col("seconds") * 1e3).round(1),
                    estimated_ms=(pl.col("predicted") * 1e3).round(1),
                    error=(pl.col("error") * 100).round(0).cast(pl.String) + " %",
                )
            )
    return pl.concat(parts)


def describe_what_ifs(timings: pl.DataFrame) -> pl.DataFrame:
    """Estimates for the body of 410m with another vocabulary, from the three models of the suite, and measurements."""
    parts = []
    for backend, kind in SPEED_TYPES.items():
        group = timings.filter((pl.col("backend") == backend) & (pl.col("quantization") == kind))
        rates = fit(group.filter(pl.col("model").is_in([*FITTED, "pythia-410m"])))
        errors = validate(rates, group.filter(~pl.col("model").is_in(SPEED_SIZES)))
        parts.append(
            errors.select(
                *("backend", "quantization", "vocab_rows", "phase", "batch", "tokens"),
                measured_ms=(pl.col("seconds") * 1e3).round(1),
                estimated_ms=(pl.col("predicted") * 1e3).round(1),
                error=(pl.col("error") * 100).round(0).cast(pl.String) + " %",
            )
        )
    return pl.concat(parts)


def print_table(frame: pl.DataFrame) -> None:
    """A frame in markdown."""
    print("| " + " | ".join(frame.columns) + " |")
    print("|" + " --- |" * frame.width)
    for row in frame.iter_rows():
        print("| " + " | ".join("–" if value is None else str(value) for value in row) + " |")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ram", action="store_true", help="the table of RAM")
    parser.add_argument("--speed", action="store_true", help="the tables of speed")
    wanted = parser.parse_args()
    if wanted.ram or not wanted.speed:
        measure_ram()
    if wanted.speed or not wanted.ram:
        measure_speed()
