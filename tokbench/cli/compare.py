"""`tokbench compare`: compare tokenizers on a parallel corpus."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench._shared.visible_text import reveal_controls
from tokbench.cli._echo import echo
from tokbench.cli._numbers import whole_option
from tokbench.cli._options import (
    Corpus,
    Languages,
    Offline,
    OptionalTokenizerNames,
    OutputFormat,
    Outputs,
    Quiet,
    Reference,
    Segments,
    open_corpus,
)
from tokbench.cli._output import deliver
from tokbench.cli._results import check_files, format_next, format_printed, write_file
from tokbench.errors import INTERRUPTED

if TYPE_CHECKING:
    from tokbench.comparison import Comparison
    from tokbench.corpora import ParallelCorpus
    from tokbench.measurement import Step


class Draw(StrEnum):
    """Resampling unit of the bootstrap."""

    documents = "documents"
    segments = "segments"


class By(StrEnum):
    """What the rows of a table are."""

    summary = "summary"
    language = "language"
    register = "register"
    script = "script"
    family = "family"
    intervals = "intervals"
    lorenz = "lorenz"
    lengths = "lengths"


class Method(StrEnum):
    """How bootstrap resamples become an interval."""

    percentile = "percentile"
    bca = "bca"


class Segmenter(StrEnum):
    """Word segmenter."""

    whitespace = "whitespace"
    icu = "icu"


def run(
    tokenizers: OptionalTokenizerNames = None,
    corpus: Corpus = None,
    languages: Languages = None,
    reference: Reference = None,
    baseline: Annotated[str | None, typer.Option(help="Baseline tokenizer of NSL and significance tests.")] = None,
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "-m", "--metric", help="Metric (see: tokbench list metrics). Repeatable. [default: all but strr_*]"
        ),
    ] = None,
    segments: Segments = None,
    by: Annotated[
        By,
        typer.Option(
            help="Rows of the table: tokenizers (summary), languages, registers of the texts, scripts or families of "
            "the languages, languages with intervals, points of the Lorenz curve, or token lengths."
        ),
    ] = By.summary,
    sort: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Order the tokenizers in a terminal by a column, best first: tokens, median, worst, vocabulary, "
            "speed, any metric, name, or given (as named). [default: tokens]",
            show_default=False,
        ),
    ] = None,
    signature: Annotated[
        bool, typer.Option("--signature", help="Show the signature in full: all that the values depend on.")
    ] = False,
    output_format: OutputFormat = "table",
    output: Outputs = None,
    save: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Also save values and counts in FOLDER, for report, diff and Python."),
    ] = None,
    resamples: Annotated[
        int, whole_option("--resamples", high=1_000_000, help="Bootstrap resamples for intervals; 0 for no intervals.")
    ] = 1000,
    seed: Annotated[int, whole_option("--seed", help="Seed of the bootstrap.")] = 0,
    draw: Annotated[
        Draw, typer.Option(help="Resampling unit: documents (if the corpus has them) or segments.")
    ] = Draw.documents,
    method: Annotated[
        Method, typer.Option(help="Bootstrap interval: percentile, or bias-corrected and accelerated (BCa).")
    ] = Method.percentile,
    tests: Annotated[
        list[str] | None,
        typer.Option(
            "--test",
            help="Metric to test for a difference from the baseline. Repeatable. [default: tokens_per_segment]",
        ),
    ] = None,
    segmenter: Annotated[
        Segmenter, typer.Option(help="Word segmenter: white space, or Unicode rules with ICU dictionaries.")
    ] = Segmenter.whitespace,
    throughput: Annotated[bool, typer.Option(help="Measure encoding speed (one thread).")] = True,
    engine: Annotated[
        str,
        typer.Option(
            help="Engine: auto (the fastest that is verified to give identical ids), reference, or an engine name."
        ),
    ] = "auto",
    offline: Offline = False,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Skip tokenizers that are not available, and list them.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Compare tokenizers on a parallel corpus: size, length, fairness, losses, speed.

    Without arguments, compares the tokenizers of the well-known table of 2023 and those bundled with installed packages
    on the built-in corpus of 14 languages. Tokenizers that are not available are listed below the table.
    """
    from tokbench._shared.process import pause_collector

    with pause_collector():
        from tokbench._shared.files import check_writable_folder
        from tokbench.comparison import FILES, TESTS, Unfinished, compare
        from tokbench.measurement.loading import DEFAULT_TOKENIZERS
        from tokbench.metrics import DEFAULT_METRICS, find_metrics
        from tokbench.metrics.resampling import Bootstrap
        from tokbench.report import REPORTS, check_format, render
        from tokbench.report._order import check_sort
        from tokbench.report._screen import show_screen
        from tokbench.report._table import write_skipped

        REPORTS[output_format]  # so that an unknown one is refused first
        files = check_files(output, check_format)
        if save is not None:
            check_writable_folder(save, FILES)
        column = None if sort is None else check_sort(sort, find_metrics(metrics or DEFAULT_METRICS))
        texts = open_corpus(corpus, languages, segments)
        names = tokenizers or list(DEFAULT_TOKENIZERS)
        unfinished: list[Unfinished] = []
        ended: BaseException | None = None
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
            except BaseException as error:
                if not unfinished or isinstance(error, SystemExit):
                    raise
                result, ended = unfinished[0](), error
        writes = [partial(write, result, path, name, by, column) for path, name in files]
        if save is not None:
            writes.append(partial(result.save, save))
        with telling(ended, result, texts):
            if output_format == "table":
                screen = show_screen(result, by.value, sort=column, signature=signature)
                printed = format_printed(screen, "table")
                if by == By.summary and metrics is None:
                    printed += format_next(suggest(result, sys.argv[2:]))
            else:
                printed = render(result, output_format, by.value)
            deliver(printed, writes)
            if output_format == "csv":
                for line in write_skipped(result):
                    echo(f"tokbench: not compared: {line}", err=True)


def write(result: Comparison, path: Path, name: str, by: By, sort: str | None) -> None:
    """Write a comparison to a file in the named format."""
    from tokbench._shared.files import write_whole
    from tokbench.report import render
    from tokbench.report._screen import show_screen

    if name == "table":
        write_file(show_screen(result, by.value, sort=sort, signature=True), path, name)
    else:
        write_whole(path, render(result, name, by.value).encode())


SHORT_LINE = 40
"""Longest command line that is repeated in suggestions."""


def suggest(result: Comparison, arguments: list[str]) -> list[str]:
    """Return commands to try next: the same one by language and as a report, and a look at the tokens.

    arguments: those of this command line.
    """
    import shlex

    from tokbench.report._order import order_tokenizers

    given = shlex.join(["tokbench", "compare", *arguments])
    same = given if len(given) <= SHORT_LINE else "tokbench compare ..."
    several = [f"{same} --by language"] if len(result.corpus.languages) > 1 else []
    best = shlex.join(["tokbench", "view", *order_tokenizers(result)[:2]])
    return [*several, f"{same} -o report.html", best]


@contextmanager
def telling(ended: BaseException | None, result: Comparison, texts: ParallelCorpus) -> Iterator[None]:
    """Write out a result, then say what ended the measurement early, if anything did."""
    try:
        yield
    finally:
        if isinstance(ended, KeyboardInterrupt):
            whole = result.corpus.segments
            echo(f"tokbench: interrupted: the values cover the first {whole:,} of {texts.n:,} segments", err=True)
            raise typer.Exit(INTERRUPTED)
        if ended is not None:
            echo("tokbench: without intervals, tests, speeds and examples because of an error:", err=True)
            raise ended


@contextmanager
def show_progress(tokenizers: int, texts: ParallelCorpus, *, quiet: bool) -> Iterator[Step]:
    """Show a progress bar on standard error if it is a terminal.

    Yields the function to call after each step.
    """
    from tokbench.measurement import ignore_step

    if quiet or not sys.stderr.isatty():  # FORCE_COLOR does not make a file a terminal
        yield ignore_step
        return
    from rich.console import Console
    from rich.markup import escape
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
            progress.update(task, advance=encoded, description=escape(reveal_controls(f"{tokenizer} {lang}")))

        yield on_step
