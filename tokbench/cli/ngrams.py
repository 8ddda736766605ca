"""`tokbench ngrams`: what follows what in the ids of a text."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Corpus, Json, Languages, Offline, Segments, expand_tokenizers, open_corpus
from tokbench.cli._results import print_results


def run(
    tokenizers: Annotated[list[str], typer.Argument(help="Catalogue names, aliases, paths, hub repositories or sets.")],
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    orders: Annotated[
        int, whole_option("--orders", low=1, high=1000, help="Random orders of the segments to average over.")
    ] = 10,
    seed: Annotated[int, whole_option("--seed", help="Seed of the orders.")] = 0,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Measure conditional and accessor entropies of ids, and whether ids survive decoding.

    Entropies are those of equally many tokens of each tokenizer: they grow with the text. Ids are stable in a segment
    if decoding them and encoding the result gives the same ids.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.ngrams import measure_ngrams
    from tokbench.report._ngrams import show

    names = expand_tokenizers(tokenizers, offline=offline)
    texts = open_corpus(corpus, languages, segments)
    loaded = [load_tokenizer(name, offline=offline) for name in names]
    print_results(show(measure_ngrams(loaded, texts, orders=orders, seed=seed)), "json" if as_json else "table")
