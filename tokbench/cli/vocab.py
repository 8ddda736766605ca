"""`tokbench vocab`: what a vocabulary holds, and what it wastes."""

from __future__ import annotations

from typing import Annotated

import typer

from tokbench.cli._numbers import whole_option
from tokbench.cli._options import Json, Offline, TokenizerName, open_corpus
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError


def run(
    tokenizer: TokenizerName,
    corpus: Annotated[
        str | None,
        typer.Option(
            "-c", "--corpus", help="Corpus whose words distinguish whole words from word starts. [default: tokbench14]"
        ),
    ] = None,
    model: Annotated[
        str, typer.Option(help="Model whose dead rows are counted: a name, config.json or hub id.")
    ] = "pythia-70m",
    moved: Annotated[
        str | None,
        typer.Option(
            "--moved", metavar="OTHER", help="Instead, list the strings whose id is another one in this tokenizer."
        ),
    ] = None,
    top: Annotated[int, whole_option("--top", low=1, help="Lines per list; JSON has all of them.")] = 10,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Examine a vocabulary: sizes, classes, scripts, reachability and coverage.

    Also reports duplicates, and what dead rows cost in a model.

    A token is unreachable if its own text, alone and between other characters, never encodes to it: it becomes one
    other token (single) or several (multi). Tokens that are not whole characters have no text of their own
    (undecodable).

    With --moved, compares the ids of the strings of two vocabularies: what breaks a cache of ids.
    """
    if moved is not None:
        list_moved(tokenizer, moved, corpus, top, as_json=as_json, offline=offline)
        return
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.vocabulary import inspect_vocabulary
    from tokbench.pythia.model.resolution import resolve_model
    from tokbench.report._vocabulary import show

    size = resolve_model(model, offline=offline)
    found = inspect_vocabulary(load_tokenizer(tokenizer, offline=offline), open_corpus(corpus))
    cost = found.dead_rows(size)
    print_results(show(found, cost, top), "json" if as_json else "table")


def list_moved(a: str, b: str, corpus: str | None, top: int, *, as_json: bool, offline: bool) -> None:
    """Print what has another id in another tokenizer; TokbenchError for a corpus, which it does not need."""
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.vocabulary import find_moved
    from tokbench.report._moved import show

    if corpus is not None:
        raise TokbenchError("--moved compares vocabularies and reads no corpus", "leave --corpus out")
    found = find_moved(load_tokenizer(a, offline=offline), load_tokenizer(b, offline=offline))
    print_results(show(found, top), "json" if as_json else "table")
