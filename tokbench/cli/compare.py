"""`tokbench compare`: compare tokenizers on a parallel corpus."""

from __future__ import annotations

import sys
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._echo import echo
from tokbench.cli._numbers import whole_option
from tokbench.cli._options import (
    Corpus,
    Executor,
    Languages,
    Offline,
    OptionalTokenizerNames,
    OutputFormat,
    Outputs,
    Precision,
    Reference,
    Resume,
    Segments,
    Split,
    Workers,
    list_option,
)
from tokbench.cli._output import deliver
from tokbench.cli._progress import show_progress
from tokbench.cli._results import check_files, format_next, format_printed, format_screen, write_file
from tokbench.cli._streams import open_source, telling
from tokbench.cli._uploads import DEFAULT_REQUESTS, AllowUpload, MaxRequests, count_closed_models
from tokbench.cli._weights import Weights, parse_weights
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.comparison import Comparison


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


WHOLE_TEXTS = frozenset({By.register, By.script, By.family})
"""Rows whose values are of texts as they are, so that no mixture has any."""


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
        list_option(
            "-m",
            "--metric",
            metavar="METRIC",
            help="Metrics (see: tokbench list metrics). [default: all but strr_*]",
        ),
    ] = None,
    segments: Segments = None,
    split: Split = None,
    weights: Weights = None,
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
    seed: Annotated[int, whole_option("--seed", help="Seed of the bootstrap, and of samples.")] = 0,
    draw: Annotated[
        Draw, typer.Option(help="Resampling unit: documents (if the corpus has them) or segments.")
    ] = Draw.documents,
    method: Annotated[
        Method, typer.Option(help="Bootstrap interval: percentile, or bias-corrected and accelerated (BCa).")
    ] = Method.percentile,
    tests: Annotated[
        list[str] | None,
        list_option(
            "--test",
            metavar="METRIC",
            help="Metrics to test for a difference from the baseline. [default: tokens_per_segment]",
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
    executor: Executor = None,
    workers: Workers = None,
    resume: Resume = None,
    precision: Precision = None,
    offline: Offline = False,
    allow_upload: AllowUpload = False,
    max_requests: MaxRequests = DEFAULT_REQUESTS,
    skip_missing: Annotated[
        bool, typer.Option("--skip-missing", help="Skip tokenizers that are not available, and list them.")
    ] = False,
) -> None:
    """Compare tokenizers on a corpus: size, length, fairness, losses, speed.

    Without arguments, compares a set of today's tokenizers, most of which come with tokbench, on the built-in corpus of
    14 languages. `tokbench list sets` names other sets, such as @openai. Those that are not available are listed below.
    """
    from tokbench._shared.process import pause_collector

    with pause_collector():
        from tokbench._shared.files import check_writable_folder
        from tokbench.catalog.sets import expand_sets
        from tokbench.comparison import FILES, TESTS, Unfinished, compare
        from tokbench.measurement.loading import DEFAULT_TOKENIZERS
        from tokbench.metrics import DEFAULT_METRICS, find_metrics
        from tokbench.metrics.resampling import Bootstrap
        from tokbench.report import check_format
        from tokbench.report._order import check_sort
        from tokbench.report._table import write_skipped

        shares = parse_weights(weights)
        if shares and by in WHOLE_TEXTS:
            raise TokbenchError(f"values by {by.value} are of whole texts, not of a mixture", "leave one of them out")
        files = check_files(output, check_format)
        if save is not None:
            check_writable_folder(save, FILES)
        column = None if sort is None else check_sort(sort, find_metrics(metrics or DEFAULT_METRICS))
        texts = open_source(corpus, languages, segments, split)
        names = expand_sets(tokenizers or DEFAULT_TOKENIZERS)
        chosen = count_closed_models(
            names, texts, allow_upload=allow_upload, max_requests=max_requests, offline=offline
        )
        unfinished: list[Unfinished] = []
        ended: BaseException | None = None
        with show_progress() as progress:
            try:
                result = compare(
                    chosen,
                    texts,
                    metrics=metrics,
                    reference=reference,
                    baseline=baseline,
                    bootstrap=Bootstrap(resamples, seed, draw=draw.value, method=method.value) if resamples else None,
                    tests=tests or TESTS,
                    weights=shares,
                    segmenter=segmenter.value,
                    throughput=throughput,
                    engine=engine,
                    skip_missing=skip_missing or not tokenizers,
                    offline=offline,
                    executor=executor,
                    workers=workers,
                    resume=resume,
                    precision=precision,
                    progress=progress,
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
            advised = by == By.summary and metrics is None
            deliver(format_comparison(result, output_format, by, column, signature=signature, advised=advised), writes)
            if output_format == "csv":
                for line in write_skipped(result):
                    echo(f"tokbench: not compared: {line}", err=True)


def format_comparison(
    result: Comparison, output_format: str, by: By, sort: str | None, *, signature: bool, advised: bool
) -> str | bytes:
    """Format a comparison for standard output.

    advised: whether a table is followed by commands to try next.
    """
    from tokbench.report import is_binary, render
    from tokbench.report._screen import show_screen
    from tokbench.report._views import show

    if output_format == "table":
        screen = format_screen(show_screen(result, by.value, sort=sort, signature=signature))
        return screen + format_next(suggest(result, sys.argv[2:])) if advised else screen
    if is_binary(output_format):
        return format_printed(show(result, by.value), output_format)
    return render(result, output_format, by.value)


def write(result: Comparison, path: Path, name: str, by: By, sort: str | None) -> None:
    """Write a comparison to a file in the named format."""
    from tokbench._shared.files import write_whole
    from tokbench.report import encode
    from tokbench.report._screen import show_screen

    if name == "table":
        write_file(show_screen(result, by.value, sort=sort, signature=True), path, name)
    else:
        write_whole(path, encode(result, name, by.value))


SHORT_LINE = 40
"""Longest command line that is repeated in suggestions."""


SILENT = frozenset({"-q", "--quiet", "-v", "-vv", "--verbose"})
"""Options that suggestions do not repeat."""


def suggest(result: Comparison, arguments: list[str]) -> list[str]:
    """Return commands to try next: the same one by language and as a report, and a look at the tokens.

    arguments: those of this command line.
    """
    import shlex

    from tokbench.report._order import order_tokenizers

    kept = [
        argument
        for before, argument in zip(["", *arguments], arguments, strict=False)
        if argument not in SILENT and "--by" not in (before, argument) and not argument.startswith("--by=")
    ]
    given = shlex.join(["tokbench", "compare", *kept])
    same = given if len(given) <= SHORT_LINE else "tokbench compare ..."
    several = [f"{same} --by language"] if len(result.corpus.languages) > 1 else []
    best = shlex.join(["tokbench", "view", *order_tokenizers(result)[:2]])
    return [*several, f"{same} -o report.html", best]
