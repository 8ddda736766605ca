"""`tokbench bench`: engines of one tokenizer against each other."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from tokbench.cli.compare import split_languages
from tokbench.errors import TokbenchError


def run(
    tokenizers: Annotated[list[str], typer.Argument(help="Catalogue names, aliases, paths, or hf:org/name.")],
    corpus: Annotated[
        str | None, typer.Option("-c", "--corpus", help="A corpus: name, file or folder. [default: tokbench14]")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("-l", "--languages", help="Languages, separated by commas. [default: all]")
    ] = None,
    segments: Annotated[
        int | None, typer.Option("-n", "--segments", min=1, help="Only the first SEGMENTS segments.")
    ] = None,
    engine: Annotated[str, typer.Option(help="Engines, separated by commas, against the reference.")] = "all",
    threads: Annotated[str, typer.Option(help="Numbers of threads, separated by commas.")] = "1",
    path: Annotated[str, typer.Option(help="Of: batch, single, count, decode; separated by commas.")] = "batch",
    rounds: Annotated[int, typer.Option(min=2, help="Rounds, each on text of its own.")] = 12,
    memory: Annotated[
        bool, typer.Option("--memory", help="Loading, memory and its growth after 1 and 100 MB, a process each.")
    ] = False,
    hard: Annotated[bool, typer.Option("--hard", help="Time against length on input without words.")] = False,
    limit: Annotated[float, typer.Option(min=0.1, help="Seconds for each process of --memory and --hard.")] = 60.0,
    output_format: Annotated[
        str, typer.Option("-f", "--format", help="table, markdown, json or csv, to standard output.")
    ] = "table",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Write to FILE instead.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the order within rounds.")] = 0,
    offline: Annotated[bool, typer.Option("--offline", help="Open no network connection.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Do not say what is being measured.")] = False,
) -> None:
    """Which engine runs a tokenizer fastest: exact ones only, in paired rounds, with what the machine itself varies.

    An engine whose ids differ from the reference's anywhere in the corpus, or in a built-in set of hard texts, is shown
    with the first difference and not ranked.
    """
    import time

    from tokbench._shared.environment import describe_environment
    from tokbench._shared.files import check_writable, write_whole
    from tokbench.adapters import find_asset
    from tokbench.adapters.bench.footprint import measure_footprint, measure_scaling
    from tokbench.adapters.bench.latency import measure_latency
    from tokbench.adapters.bench.speed import PATHS, benchmark_engines
    from tokbench.adapters.bench.tables import FORMATS, BenchmarkReport
    from tokbench.corpora import load_corpus

    if output_format not in FORMATS:
        raise TokbenchError(f"no format is called {output_format!r}", f"formats: {', '.join(FORMATS)}")
    paths = choose("path", path, PATHS)
    counts = [read_count(text) for text in threads.split(",")]
    if output is not None:
        check_writable(output)
    chosen = None if languages is None else split_languages(languages)
    texts = load_corpus(corpus, languages=chosen, segments=segments)

    def say(what: str) -> None:
        if not quiet and sys.stderr.isatty():
            typer.echo(what, err=True)

    found = []
    for name in tokenizers:
        asset = find_asset(name, offline=offline)
        say(f"{name}: speed")
        outcome = benchmark_engines(
            asset,
            texts,
            engines=[part.strip() for part in engine.split(",")],
            paths=paths,
            threads=counts,
            rounds=rounds,
            seed=seed,
            clock=time.perf_counter,
        )
        runners = {c.name: c.tokenizer for c in outcome.results if c.ranked and c.tokenizer is not None}
        flat = texts.frame["text"].to_list()
        say(f"{name}: latency")
        latency = measure_latency(runners, flat, time.perf_counter) if "single" in paths else []
        footprints, scaling = [], []
        for runner in runners:
            if memory:
                say(f"{name}: memory of {runner}")
                footprint = measure_footprint(asset, runner, flat, limit=limit)
                footprints += [footprint] if footprint else []
            if hard:
                say(f"{name}: hard input for {runner}")
                scaling += measure_scaling(asset, runner, limit=limit)
        found.append(BenchmarkReport(outcome, tuple(latency), tuple(footprints), tuple(scaling)))
    content = FORMATS[output_format](found, describe_environment())
    if output is None:
        typer.echo(content, nl=False)
    else:
        write_whole(output, content.encode())


def choose(option: str, listed: str, known: tuple[str, ...]) -> list[str]:
    """Names separated by commas; TokbenchError for one that is not known."""
    names = [name.strip() for name in listed.split(",")]
    for name in names:
        if name not in known:
            raise TokbenchError(f"no {option} is called {name!r}", f"choose of: {', '.join(known)}")
    return names


def read_count(text: str) -> int:
    """A number of threads; TokbenchError for anything else."""
    if not text.strip().isdigit() or int(text) < 1:
        raise TokbenchError(f"{text!r} is not a number of threads", "write it as 1,2")
    return int(text)
