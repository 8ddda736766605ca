"""`tokbench compare`: tokenizers on a parallel corpus."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.errors import INTERRUPTED, TokbenchError

if TYPE_CHECKING:
    from tokbench.comparison import Comparison
    from tokbench.corpora import ParallelCorpus
    from tokbench.measurement import Step


class Draw(StrEnum):
    """What the bootstrap draws."""

    documents = "documents"
    segments = "segments"


class By(StrEnum):
    """What a table has a row for."""

    summary = "summary"
    language = "language"
    intervals = "intervals"
    lorenz = "lorenz"
    lengths = "lengths"


class Method(StrEnum):
    """How the bootstrap's resamples become an interval."""

    percentile = "percentile"
    bca = "bca"


class Segmenter(StrEnum):
    """What finds words."""

    whitespace = "whitespace"
    icu = "icu"


def run(
    tokenizers: Annotated[
        list[str] | None,
        typer.Argument(
            help="Catalogue names, aliases, paths, or hf:org/name[@revision]. By default the table of 2023, GPT-NeoX "
            "and what installed packages carry.",
            show_default=False,
        ),
    ] = None,
    corpus: Annotated[
        str | None, typer.Option("-c", "--corpus", help="A corpus: name, file or folder. [default: tokbench14]")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("-l", "--languages", help="Languages, separated by commas. [default: all]")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="The language that premiums are relative to. [default: English, else the first]")
    ] = None,
    baseline: Annotated[str | None, typer.Option(help="The tokenizer that NSL and tests are relative to.")] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option("-m", "--metric", help="A metric (see: tokbench list metrics). [default: all but strr_*]"),
    ] = None,
    segments: Annotated[
        int | None, typer.Option("-n", "--segments", min=1, help="Only the first SEGMENTS segments.")
    ] = None,
    by: Annotated[
        By,
        typer.Option(
            help="A row for each tokenizer; for each language, also with intervals; for each point of a Lorenz curve; "
            "for each length of tokens."
        ),
    ] = By.summary,
    output_format: Annotated[
        str, typer.Option("-f", "--format", help="table, markdown, json or csv, to standard output.")
    ] = "table",
    output: Annotated[
        list[Path] | None,
        typer.Option("-o", "--output", help="Also write to FILE, in the format of its ending. Repeatable."),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also keep figures and counts in FOLDER, for report, diff and Python."),
    ] = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Resamples of the bootstrap behind intervals; 0 for none.")
    ] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the bootstrap.")] = 0,
    draw: Annotated[
        Draw, typer.Option(help="What is drawn: whole documents, where the corpus names them, or single segments.")
    ] = Draw.documents,
    method: Annotated[
        Method, typer.Option(help="Intervals by percentiles, or corrected for bias and acceleration.")
    ] = Method.percentile,
    tests: Annotated[
        list[str] | None,
        typer.Option(
            "--test", help="A ratio whose difference to the baseline is tested. [default: tokens_per_segment]"
        ),
    ] = None,
    segmenter: Annotated[
        Segmenter, typer.Option(help="What finds words: white space, or Unicode's rules and ICU's dictionaries.")
    ] = Segmenter.whitespace,
    throughput: Annotated[bool, typer.Option(help="Measure the speed (one thread).")] = True,
    engine: Annotated[
        str,
        typer.Option(
            help="What runs the tokenizers: auto (the fastest whose ids are proven equal), reference, or a name."
        ),
    ] = "auto",
    offline: Annotated[bool, typer.Option("--offline", help="Open no network connection.")] = False,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Go on without tokenizers that cannot be had, and list them.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="No progress bar.")] = False,
) -> None:
    """Compare tokenizers on a parallel corpus: size, length, fairness, losses, speed.

    Without any argument: the tokenizers of the well-known table of 2023 and those that pip packages carry, on the
    embedded corpus of 14 languages. Those that cannot be had are listed below the table.
    """
    from tokbench._shared.threads import pause_collector

    with pause_collector():
        from tokbench._shared.files import check_writable, write_whole
        from tokbench.comparison import TESTS, Unfinished, compare
        from tokbench.corpora import load_corpus
        from tokbench.measurement.loading import DEFAULT_TOKENIZERS
        from tokbench.metrics.resampling import Bootstrap
        from tokbench.report import REPORTS, check_format, format_of, render
        from tokbench.report._table import write_skipped

        report = REPORTS[output_format]
        files = [(path, format_of(path)) for path in output or []]
        for path, name in files:
            check_writable(path)
            check_format(name)
        chosen = None if languages is None else split_languages(languages)
        texts = load_corpus(corpus, languages=chosen, segments=segments)
        names = tokenizers or list(DEFAULT_TOKENIZERS)
        unfinished: list[Unfinished] = []
        with show_progress(len(names), texts, quiet=quiet) as on_step:
            try:
                result = compare(
                    names,
                    texts,
                    metrics=metrics,
                    reference=reference,
                    baseline=baseline,
                    bootstrap=Bootstrap(resamples, seed, draw=draw.value, method=method.value) if resamples else None,
                    tests=tests or TESTS,
                    segmenter=segmenter.value,
                    throughput=throughput,
                    engine=engine,
                    skip_missing=skip_missing or not tokenizers,
                    offline=offline,
                    on_step=on_step,
                    on_interruption=unfinished.append,
                )
            except KeyboardInterrupt:
                if not unfinished:
                    raise
                result = unfinished[0]()
        for path, name in files:
            write_whole(path, render(result, name, by.value).encode())
        if save is not None:
            result.save(save)
        if output_format == "table":
            typer.echo(draw_table(result, by), nl=False)
        else:
            typer.echo(report.render(result, by.value), nl=False)
        if output_format == "csv":
            for line in write_skipped(result):
                typer.echo(f"tokbench: not compared: {line}", err=True)
        if unfinished:
            whole = result.corpus.segments
            typer.echo(
                f"tokbench: interrupted: the figures are of the first {whole:,} of {texts.n:,} segments", err=True
            )
            raise typer.Exit(INTERRUPTED)


def split_languages(languages: str) -> list[str]:
    """Language tags separated by commas; TokbenchError for an empty one."""
    tags = [tag.strip() for tag in languages.split(",")]
    if not all(tags):
        raise TokbenchError(f"an empty language in {languages!r}", "separate the tags by single commas: en,zh")
    return tags


def draw_table(result: Comparison, by: By) -> str:
    """The table as wide and as colourful as standard output allows."""
    from tokbench.report.table import render, terminal_settings

    color, width = terminal_settings()
    return render(result, by.value, color=color, width=width)


@contextmanager
def show_progress(tokenizers: int, texts: ParallelCorpus, *, quiet: bool) -> Iterator[Step]:
    """A progress bar on standard error while it is a terminal; gives the function to call after each step."""
    from tokbench.measurement import ignore_step

    if quiet or not sys.stderr.isatty():  # not what FORCE_COLOR says of a file
        yield ignore_step
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    ) as progress:
        task = progress.add_task("loading", total=tokenizers * texts.size)

        def on_step(tokenizer: str, lang: str, encoded: int) -> None:
            progress.update(task, advance=encoded, description=f"{tokenizer} {lang}")

        yield on_step
