"""`tokbench roundtrip`: what is lost, at which stage, minimal examples."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._results import print_results


def run(
    tokenizer: Annotated[str, typer.Argument(help="Tokenizer: catalogue name, alias, path or hf:org/name.")],
    corpus: Annotated[
        str | None, typer.Option("-c", "--corpus", help="Corpus: name, file or folder. [default: tokbench14]")
    ] = None,
    languages: Annotated[
        str | None, typer.Option("-l", "--languages", help="Comma-separated languages. [default: all]")
    ] = None,
    segments: Annotated[
        int | None, typer.Option("-n", "--segments", min=1, help="Use only the first SEGMENTS segments.")
    ] = None,
    fail_lossy: Annotated[
        bool, typer.Option("--fail-lossy", help="Exit with status 1 if a segment does not round-trip.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write the diagnosis as JSON.")] = False,
    offline: Annotated[bool, typer.Option("--offline", help="Do not access the network.")] = False,
) -> None:
    """Find text that does not round-trip: what is lost, at which stage, with a minimal example.

    Besides the corpus, a built-in set of probes is tested: every white-space, control and format character, samples of
    all Unicode categories, decomposed and compatibility characters, emoji, and the texts of special tokens.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.roundtrip import inspect_round_trip
    from tokbench.cli.compare import split_languages
    from tokbench.corpora import load_corpus
    from tokbench.report._round_trip import show

    chosen = None if languages is None else split_languages(languages)
    texts = load_corpus(corpus, languages=chosen, segments=segments)
    loaded = load_tokenizer(tokenizer, offline=offline)
    found = inspect_round_trip(loaded, (text for lang in texts.languages for text in texts.texts(lang)))
    print_results(show(found, texts.name), "json" if as_json else "table")
    if fail_lossy and found.lossy_segments:
        raise typer.Exit(1)
