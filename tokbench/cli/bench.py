"""`tokbench bench`: compare the engines of one tokenizer."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

import typer

from tokbench.cli._numbers import MOST_THREADS, decimal_option, split_numbers, whole_option
from tokbench.cli._options import (
    Corpus,
    Languages,
    Offline,
    OutputFormat,
    Outputs,
    ProgramCommand,
    Segments,
    TokenizerNames,
    expand_tokenizers,
    list_option,
    open_corpus,
)
from tokbench.cli._output import delivering
from tokbench.cli._progress import MEASURING, show_progress
from tokbench.cli._results import bring_out, check_files
from tokbench.errors import TokbenchError


def run(
    tokenizers: TokenizerNames,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    engine: Annotated[
        list[str], list_option("--engine", metavar="ENGINE", help="Engines to compare with the reference engine.")
    ] = ["all"],  # noqa: B006 - typer reads it, nothing changes it
    threads: Annotated[list[str], list_option("--threads", metavar="N", help="Thread counts.")] = ["1"],  # noqa: B006
    path: Annotated[
        list[str], list_option("--path", metavar="PATH", help="API paths: batch, single, count, decode.")
    ] = ["batch"],  # noqa: B006
    command: ProgramCommand = None,
    rounds: Annotated[int, whole_option("--rounds", low=2, help="Timing rounds, each on text of its own.")] = 12,
    memory: Annotated[
        bool,
        typer.Option(
            "--memory", help="Measure load time, memory, and its growth after 1 and 100 MB, in separate processes."
        ),
    ] = False,
    hard: Annotated[
        bool, typer.Option("--hard", help="Measure how time grows with the length of input without words.")
    ] = False,
    limit: Annotated[
        float,
        decimal_option(
            "--limit",
            low=0.1,
            high=86_400,
            help="Time limit in seconds per --memory or --hard process, or answer.",
        ),
    ] = 60.0,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    seed: Annotated[int, whole_option("--seed", help="Seed of the order within each round.")] = 0,
    offline: Offline = False,
) -> None:
    """Find the fastest exact engine for a tokenizer, timed in paired rounds.

    The variation of the machine itself is reported alongside. An engine whose ids differ from the reference engine's
    anywhere in the corpus, or in a built-in set of hard texts, is shown with the first mismatch and is not ranked.

    --command adds a program to the engines. Its times include the pipe: JSON in and out.
    """
    import time

    from tokbench._shared.environment import describe_environment
    from tokbench._shared.progress import SPEED
    from tokbench.adapters import find_asset
    from tokbench.adapters.bench.footprint import measure_footprint, measure_scaling
    from tokbench.adapters.bench.latency import measure_latency
    from tokbench.adapters.bench.speed import PATHS, benchmark_engines
    from tokbench.adapters.selection.command import CommandEngine
    from tokbench.report import check_results_format
    from tokbench.report._benchmark import BenchmarkReport, show

    check_results_format(output_format)
    if command is not None and len(tokenizers) > 1:
        raise TokbenchError("--command is an engine of one tokenizer", "name that one")
    paths = choose("path", path, PATHS)
    counts = split_numbers("--threads", ",".join(threads), high=MOST_THREADS)
    files = check_files(output)
    texts = open_corpus(corpus, languages, segments)

    assets = {name: find_asset(name, offline=offline) for name in expand_tokenizers(tokenizers, offline=offline)}
    found: list[BenchmarkReport] = []
    program = None if command is None else CommandEngine(command, limit)
    functions = {} if program is None else {program.__name__: program}
    with (
        program or nullcontext(),
        delivering(found, lambda: bring_out(show(found, describe_environment()), output_format, files)),
        show_progress() as progress,
    ):
        for name, asset in assets.items():
            progress.start(SPEED, len(paths) * len(counts) * rounds)
            outcome = benchmark_engines(
                asset,
                texts,
                engines=engine,
                paths=paths,
                threads=counts,
                rounds=rounds,
                seed=seed,
                clock=time.perf_counter,
                functions=functions,
                on_round=lambda what: progress.advance(SPEED, what=what),
            )
            runners = {c.name: c.tokenizer for c in outcome.results if c.ranked and c.tokenizer is not None}
            flat = texts.frame["text"].to_list()
            loadable = [runner for runner in runners if runner not in functions]
            progress.start(MEASURING, 1 + len(loadable) * (memory + hard))
            progress.advance(MEASURING, what=f"{name}: latency")
            latency = measure_latency(runners, flat, time.perf_counter) if "single" in paths else []
            footprints, scaling = [], []
            for runner in loadable:
                if memory:
                    progress.advance(MEASURING, what=f"{name}: memory of {runner}")
                    footprint = measure_footprint(asset, runner, flat, limit=limit)
                    footprints += [footprint] if footprint else []
                if hard:
                    progress.advance(MEASURING, what=f"{name}: hard input for {runner}")
                    scaling += measure_scaling(asset, runner, limit=limit)
            found.append(BenchmarkReport(outcome, tuple(latency), tuple(footprints), tuple(scaling)))


def choose(option: str, names: list[str], known: tuple[str, ...]) -> list[str]:
    """Return the names; TokbenchError for an unknown one."""
    for name in names:
        if name not in known:
            raise TokbenchError(f"no {option} is called {name!r}", f"choose from: {', '.join(known)}")
    return names
