"""`tokbench rank`: which tokenizer for a language, from stored figures."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import OutputFormat, Outputs
from tokbench.cli._results import bring_out, check_files
from tokbench.errors import TokbenchError

MOST = 10
"""Languages of one tokenizer that are shown from either end if the number is not given."""


def run(
    languages: Annotated[
        list[str] | None,
        typer.Argument(help="Languages: English name, code or tag (thai, th, tha_Thai). [default: over all]"),
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option("--tokenizer", "-t", help="Show the best and the worst languages of this tokenizer.")
    ] = None,
    corpus: Annotated[
        str, typer.Option("-c", "--corpus", help="Corpus of the figures: flores200/dev or ntrex128.")
    ] = "flores200/dev",
    reference: Annotated[str | None, typer.Option(help="Reference language of premiums. [default: English]")] = None,
    rows: Annotated[
        int | None,
        whole_option(
            "-n", "--rows", low=1, help="Rows of each printed table; with --tokenizer, as many from either end."
        ),
    ] = None,
    output_format: OutputFormat = "table",
    output: Outputs = None,
) -> None:
    """Rank tokenizers in a language by stored figures: no files, no network, no measuring.

    The figures are those of `tokbench compare` on FLORES-200 and NTREX-128, with intervals. Tokenizers that lose text
    in a language, and byte vocabularies, are shown but not ranked. To rank them on your own text, use `compare`.
    """
    from tokbench.analysis.ranking import rank, rank_overall
    from tokbench.report import REPORTS
    from tokbench.report._ranking import show_all, show_languages, show_tokenizer

    REPORTS[output_format]
    files = check_files(output)
    names = [part.strip() for name in languages or () for part in name.split(",")]
    if not all(names):
        raise TokbenchError("a language has an empty name", "separate names with spaces or single commas")
    frame = rank(names or None, tokenizer=tokenizer, corpus=corpus, reference=reference)
    if tokenizer is not None:
        results = show_tokenizer(frame, rows or (None if names else MOST))
    elif names:
        results = show_languages(frame, rows)
    else:
        results = show_all(frame, rank_overall(corpus, reference=reference), rows)
    bring_out(results, output_format, files)
