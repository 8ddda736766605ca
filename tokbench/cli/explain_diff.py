"""`tokbench explain-diff`: show where a tokenizer's extra tokens go."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._results import print_results


def run(
    a: Annotated[str, typer.Argument(help="Tokenizer: catalogue name, alias, path or hf:org/name.")],
    b: Annotated[str, typer.Argument(help="Tokenizer to compare it with.")],
    corpus: Annotated[
        str | None, typer.Option("-c", "--corpus", help="Corpus: name, file or folder. [default: tokbench14]")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("-l", "--languages", help="Comma-separated languages, taken together. [default: all]")
    ] = None,
    segments: Annotated[
        int | None, typer.Option("-n", "--segments", min=1, help="Use only the first SEGMENTS segments.")
    ] = None,
    top: Annotated[int, typer.Option(min=1, help="Number of words and segments to show.")] = 10,
    as_json: Annotated[
        bool, typer.Option("--json", help="Write the explanation as JSON, with exact fractions.")
    ] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not access the network.")] = False,
) -> None:
    """Show where the extra tokens of a tokenizer go, compared with another.

    They are attributed to kinds of text, words and segments.
    Each token is divided over the bytes that it covers, so that the parts add up exactly to the difference.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.token_attribution import explain_difference
    from tokbench.cli.compare import split_languages
    from tokbench.corpora import load_corpus
    from tokbench.report._attribution import show

    chosen = None if languages is None else split_languages(languages)
    texts = load_corpus(corpus, languages=chosen, segments=segments)
    found = explain_difference(load_tokenizer(a, offline=offline), load_tokenizer(b, offline=offline), texts)
    print_results(show(found, top), "json" if as_json else "table")
