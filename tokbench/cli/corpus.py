"""`tokbench corpus`: describe a parallel corpus and its defects."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._options import Json, Languages, Split, open_corpus, split_languages
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
    from tokbench.corpora import asks_for_stream, inspect_corpus, inspect_stream, open_stream
    from tokbench.report import _corpus, _stream

    if corpus is not None and asks_for_stream(corpus):
        cut = None if split is None else split.value
        stream = open_stream(corpus, split=cut, languages=split_languages(languages))
        results = _stream.show(inspect_stream(stream))
    else:
        results = _corpus.show(inspect_corpus(open_corpus(corpus, languages, split=split)))
    print_results(results, "json" if as_json else "table")
