"""`tokbench overlap`: how much of each vocabulary another one contains."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from tokbench.cli._options import Json, Languages, Offline, expand_tokenizers, list_option, open_corpus
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError


class By(StrEnum):
    """What overlap is split by."""

    script = "script"


def run(
    tokenizers: Annotated[
        list[str], typer.Argument(help="Two or more catalogue names, aliases, paths, hub repositories or sets.")
    ],
    corpus: Annotated[
        str | None,
        typer.Option("-c", "--corpus", help="Also weight by token frequencies on a corpus: name, file or folder."),
    ] = None,
    languages: Languages = None,
    script: Annotated[
        list[str] | None,
        list_option(
            "--script", metavar="SCRIPT", help="Only tokens with characters of these Unicode scripts (Han, Hira, ...)."
        ),
    ] = None,
    by: Annotated[By | None, typer.Option(help="Rows: a pair of tokenizers within each script.")] = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Compute the pairwise overlap of vocabularies, over the bytes of their tokens.

    Bytes are compared because files write the same token differently: byte-level BPE uses an alphabet of its own,
    SentencePiece writes text with a space marker. Special tokens do not count.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.overlap import measure_overlap, measure_overlap_by_script
    from tokbench.report._overlap import show, show_scripts

    names = expand_tokenizers(tokenizers, offline=offline)
    if len(names) < 2:
        raise TokbenchError(f"there is nothing to compare {names[0]} with", "give at least two tokenizers")
    if languages is not None and corpus is None:
        raise TokbenchError("--languages needs a corpus", "for example: -c tokbench14")
    if by is not None and script:
        raise TokbenchError("--by script lists every script", "leave --script or --by out")
    texts = None if corpus is None else open_corpus(corpus, languages)
    loaded = [load_tokenizer(name, offline=offline) for name in names]
    if by is not None:
        results = show_scripts(measure_overlap_by_script(loaded, texts), None if texts is None else texts.name)
        print_results(results, "json" if as_json else "table")
        return
    found = measure_overlap(loaded, texts, scripts=script or ())
    print_results(show(found), "json" if as_json else "table")
