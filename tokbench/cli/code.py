"""`tokbench code`: what tokens do to the syntax of code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._options import (
    Json,
    Languages,
    Offline,
    Segments,
    TokenizerNames,
    expand_tokenizers,
    note_languages,
    split_languages,
)
from tokbench.cli._results import print_results

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tokbench.corpora import Corpus

DEFAULT_CORPUS = "code"


def run(
    tokenizers: TokenizerNames,
    corpus: Annotated[
        list[str] | None,
        typer.Option(
            "-c", "--corpus", metavar="CORPUS", help="Folder of code, file, or `code`. Repeatable. [default: code]"
        ),
    ] = None,
    languages: Languages = None,
    segments: Segments = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Compare tokens with the syntax of code: leaves kept, identifiers cut, indentation.

    A leaf of the syntax tree (identifier, keyword, operator, literal, delimiter, comment) is kept if a token starts at
    its start, or at the space before it, and one ends at its end. Identifiers are cut at joints of camelCase and
    snake_case, or elsewhere. Intervals are from a bootstrap over files.

    Needs the extra code: grammars of tree-sitter for 14 programming languages.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.code import measure_code
    from tokbench.report._code import show

    texts = open_code(corpus or [DEFAULT_CORPUS], languages, segments)
    loaded = [load_tokenizer(name, offline=offline) for name in expand_tokenizers(tokenizers, offline=offline)]
    print_results(show(measure_code(loaded, texts)), "json" if as_json else "table")


def open_code(specs: Sequence[str], languages: Sequence[str] | None, segments: int | None) -> Corpus:
    """Read corpora in which each text is a whole file; a file of code is one text, not lines."""
    from tokbench.analysis.code import GRAMMARS
    from tokbench.corpora import join_corpora, load_corpus

    opened = []
    for spec in specs:
        corpus = load_corpus(spec)
        if Path(spec).is_file() and not GRAMMARS.keys().isdisjoint(corpus.languages):
            corpus = load_corpus(spec, split="none")
        opened.append(corpus)
    chosen = split_languages(languages)
    texts = opened[0] if len(opened) == 1 else join_corpora(opened)
    if chosen is None and segments is None:
        return texts
    selected = texts.select(chosen, segments)
    note_languages(chosen or (), selected.languages)
    return selected
