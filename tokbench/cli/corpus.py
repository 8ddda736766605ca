"""`tokbench corpus`: describe a parallel corpus and its defects."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._options import Json, Languages, Split, open_corpus
from tokbench.cli._results import print_results


def run(
    corpus: Annotated[
        str | None, typer.Argument(help="Corpus: name, file or folder.", show_default="tokbench14")
    ] = None,
    languages: Languages = None,
    split: Split = None,
    as_json: Json = False,
) -> None:
    """Describe a corpus: languages, sizes, exclusions with reasons, defects, hash."""
    from tokbench.corpora import inspect_corpus
    from tokbench.report._corpus import show

    report = inspect_corpus(open_corpus(corpus, languages, split=split))
    print_results(show(report), "json" if as_json else "table")
