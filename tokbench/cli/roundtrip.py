"""`tokbench roundtrip`: what is lost, at which stage, minimal examples."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._options import Corpus, Json, Languages, Offline, Segments, TokenizerName, open_corpus
from tokbench.cli._results import print_results


def run(
    tokenizer: TokenizerName,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    fail_lossy: Annotated[
        bool, typer.Option("--fail-lossy", help="Exit with status 1 if a segment does not round-trip.")
    ] = False,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Find text that does not round-trip: what is lost, at which stage, with a minimal example.

    Besides the corpus, a built-in set of probes is tested: every white-space, control and format character, samples of
    all Unicode categories, decomposed and compatibility characters, emoji, and the texts of special tokens.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.roundtrip import inspect_round_trip
    from tokbench.report._round_trip import show

    texts = open_corpus(corpus, languages, segments)
    loaded = load_tokenizer(tokenizer, offline=offline)
    found = inspect_round_trip(loaded, (text for lang in texts.languages for text in texts.texts(lang)))
    print_results(show(found, texts.name), "json" if as_json else "table")
    if fail_lossy and found.lossy_segments:
        raise typer.Exit(1)
