"""`tokbench card`: what there is to know of one tokenizer, on a page that can be cited."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._options import (
    Corpus,
    Json,
    Languages,
    Offline,
    Reference,
    Segments,
    TokenizerName,
    open_corpus,
)
from tokbench.cli._progress import show_progress
from tokbench.cli._results import print_results
from tokbench.cli.compare import Segmenter


def run(
    tokenizer: TokenizerName,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    reference: Reference = None,
    segmenter: Annotated[
        Segmenter, typer.Option(help="Word segmenter: white space, or Unicode rules with ICU dictionaries.")
    ] = Segmenter.whitespace,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Make the card of one tokenizer: a page for papers and model cards.

    It holds sizes, algorithm, normaliser, pre-tokenizer, licence, files and hashes, special tokens, round trips,
    unreachable tokens, premiums by language, script, region and family with intervals, compression, boundaries, digits,
    the verdicts of `tokbench check` (but those that measure time), the engines here with their equality to the
    reference, and how to cite it. Write it with -o card.html, .md, .tex or .json.
    """
    from tokbench.analysis.cards import card
    from tokbench.report._card_results import show

    texts = open_corpus(corpus, languages, segments)
    with show_progress() as progress:
        made = card(
            tokenizer, texts, reference=reference, segmenter=segmenter.value, offline=offline, progress=progress
        )
    print_results(show(made), "json" if as_json else "table")
