"""`tokbench explain-diff`: show where a tokenizer's extra tokens go."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Corpus, Json, Languages, Offline, Segments, TokenizerName, open_corpus
from tokbench.cli._results import print_results


def run(
    a: TokenizerName,
    b: Annotated[str, typer.Argument(help="Tokenizer to compare it with.")],
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    top: Annotated[int, whole_option("--top", low=1, help="Number of words and segments to show.")] = 10,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Show where the extra tokens of a tokenizer go, compared with another.

    They are attributed to kinds of text, words and segments, over all languages together.
    Each token is divided over the bytes that it covers, so that the parts add up exactly to the difference; JSON has
    them as fractions.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.token_attribution import explain_difference
    from tokbench.report._attribution import show

    texts = open_corpus(corpus, languages, segments)
    found = explain_difference(load_tokenizer(a, offline=offline), load_tokenizer(b, offline=offline), texts)
    print_results(show(found, top), "json" if as_json else "table")
