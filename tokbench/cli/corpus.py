"""`tokbench corpus`: describe a parallel corpus and its defects."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._results import print_results


def run(
    corpus: Annotated[
        str | None, typer.Argument(help="Corpus: name, file or folder.", show_default="tokbench14")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("-l", "--languages", help="Comma-separated languages. [default: all]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
) -> None:
    """Describe a corpus: languages, sizes, exclusions with reasons, defects, hash."""
    from tokbench.cli.compare import split_languages
    from tokbench.corpora import inspect_corpus, load_corpus
    from tokbench.report._corpus import show

    chosen = None if languages is None else split_languages(languages)
    report = inspect_corpus(load_corpus(corpus, languages=chosen))
    print_results(show(report), "json" if as_json else "table")
