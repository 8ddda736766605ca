"""`tokbench vocab`: what a vocabulary holds, and what it wastes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import typer

from tokbench.cli._numbers import share_option, whole_option
from tokbench.cli._options import BackendQuantization, Json, Offline, Revision, TokenizerName, open_corpus
from tokbench.cli._results import print_results
from tokbench.cli._undertrained import IndicatorName, ReferenceName, Verifying, report_undertrained
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
    weights: Annotated[
        str | None,
        typer.Option(
            "--weights",
            metavar="CHECKPOINT",
            help="Instead, find under-trained tokens in the embeddings of a model: a folder, a safetensors or GGUF "
            "file, a Pythia model, or org/name on the hub.",
            show_default=False,
        ),
    ] = None,
    revision: Revision = None,
    indicator: Annotated[
        IndicatorName | None,
        typer.Option(help="What ranks rows. [default: input_norm; output_cosine if embeddings are tied]"),
    ] = None,
    reference_rows: Annotated[
        ReferenceName | None,
        typer.Option("--reference-rows", help="Rows taken as untrained. [default: the first kind that there is]"),
    ] = None,
    share: Annotated[
        float,
        share_option("--share", low=0.0001, high=0.5, metavar="SHARE", help="Share of the tokens that are candidates."),
    ] = 0.02,
    verify: Annotated[
        str | None,
        typer.Option(
            "--verify",
            metavar="BACKEND",
            help="Prompt the model to repeat the candidates, on ctranslate2 or transformers.",
            show_default=False,
        ),
    ] = None,
    quantization: BackendQuantization = None,
    verify_limit: Annotated[
        int, whole_option("--verify-limit", low=1, help="Candidates prompted, those of the lowest indicator.")
    ] = 100,
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

    With --weights, reads the embedding matrices of a model, and nothing else of it: tokens that it has hardly been
    trained on have input rows of small norm, or output rows like those that no token has.
    """
    if weights is not None:
        refuse_others({"--moved": moved, "--corpus": corpus}, "--weights reads a model's embeddings")
        report_undertrained(
            tokenizer,
            weights,
            Verifying(verify, quantization, verify_limit),
            revision=revision,
            indicator=indicator,
            reference=reference_rows,
            share=share,
            top=top,
            as_json=as_json,
            offline=offline,
        )
        return
    alone = {"--verify": verify, "--indicator": indicator, "--reference-rows": reference_rows, "--revision": revision}
    refuse_others(alone, "without --weights, no model is read")
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


def refuse_others(options: Mapping[str, object], reason: str) -> None:
    """Raise TokbenchError if an option is given that has no meaning."""
    for name, value in options.items():
        if value is not None:
            raise TokbenchError(reason, f"leave {name} out")


def list_moved(a: str, b: str, corpus: str | None, top: int, *, as_json: bool, offline: bool) -> None:
    """Print what has another id in another tokenizer; TokbenchError for a corpus, which it does not need."""
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.vocabulary import find_moved
    from tokbench.report._moved import show

    if corpus is not None:
        raise TokbenchError("--moved compares vocabularies and reads no corpus", "leave --corpus out")
    found = find_moved(load_tokenizer(a, offline=offline), load_tokenizer(b, offline=offline))
    print_results(show(found, top), "json" if as_json else "table")
