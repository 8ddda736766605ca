"""`tokbench sweep`: what a text costs at several sizes of a vocabulary, and with tokens added to it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tokbench.cli._numbers import parse_whole, whole_option
from tokbench.cli._options import (
    Corpus,
    Json,
    Languages,
    Offline,
    Reference,
    Segments,
    Split,
    TokenizerNames,
    expand_tokenizers,
    list_option,
    open_corpus,
    split_languages,
)
from tokbench.cli._progress import show_progress
from tokbench.cli._results import print_results
from tokbench.cli._weights import Weights, parse_weights
from tokbench.errors import TokbenchError

MOST_SIZES = 64
RANKS = ".tiktoken"
MOST_IDS = 4_000_000
MOST_NEW = 1_000_000

_THOUSANDS = re.compile(r"([0-9]+)k", re.ASCII | re.IGNORECASE)


def run(
    tokenizers: TokenizerNames,
    sizes: Annotated[
        list[str] | None,
        list_option(
            "--sizes",
            metavar="SIZE",
            help="Sizes in ids, such as 8k (8,000) or 12500; the whole vocabulary is always added. "
            "[default: 4k, 8k, 16k, 32k, 64k, 128k]",
        ),
    ] = None,
    extension: Annotated[
        list[str] | None,
        list_option(
            "--extend",
            metavar="NUMBER",
            help="Instead, add so many tokens, such as 8k, trained on half of the text and measured on the rest.",
        ),
    ] = None,
    train_on: Annotated[
        list[str] | None,
        list_option("--train-on", metavar="LANGUAGE", help="Languages that new tokens are trained on. [default: all]"),
    ] = None,
    write: Annotated[
        Path | None,
        typer.Option(
            "--write",
            metavar="FILE",
            help="Write the extended tokenizer, with the largest number of new tokens: to a tokenizer.json, or, of a "
            "rank file, to FILE.tiktoken.",
        ),
    ] = None,
    corpus: Corpus = None,
    languages: Languages = None,
    segments: Segments = None,
    split: Split = None,
    model: Annotated[str, typer.Option(metavar="MODEL", help="Model whose FLOPs are computed.")] = "pythia-160m",
    weights: Weights = None,
    reference: Reference = None,
    top: Annotated[int, whole_option("--top", low=1, help="New tokens listed; JSON has all of them.")] = 10,
    seed: Annotated[int, whole_option("--seed", help="Seed of the halves and of the bootstrap.")] = 0,
    resamples: Annotated[
        int, whole_option("--resamples", high=1_000_000, help="Bootstrap resamples for intervals; 0 for no intervals.")
    ] = 1000,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Measure a text at several sizes of the same vocabulary, and find the one that costs the least on a model.

    BPE is nested: its first merges are the vocabulary that training to a smaller size would have given. Shows tokens,
    premiums, bits per byte and FLOPs at each size, and the best size with an interval, by language and for all
    together (--weights: for a mixture).

    With --extend, the merges of one tokenizer are continued on your text: tokens saved, rows added, whether they pay
    on the model, and the strings that save most. Old ids stay as they are.
    """
    from tokbench.pythia.model.resolution import resolve_model

    check_options(tokenizers, sizes, extension, train_on, write)
    chosen = parse_sizes("--sizes", sizes, 2, MOST_IDS)
    added = parse_sizes("--extend", extension, 1, MOST_NEW)
    shares = parse_weights(weights)
    spec = resolve_model(model, offline=offline)
    names = expand_tokenizers(tokenizers, offline=offline)
    texts = open_corpus(corpus, languages, segments, split)
    output_format = "json" if as_json else "table"
    with show_progress() as progress:
        if added is None:
            from tokbench.adapters import load_tokenizer
            from tokbench.analysis.sweep import DEFAULT_SIZES, sweep
            from tokbench.report._sweep import show as show_sweep

            found = sweep(
                [load_tokenizer(name, offline=offline) for name in names],
                texts,
                spec,
                chosen or DEFAULT_SIZES,
                weights=shares,
                reference=reference,
                seed=seed,
                resamples=resamples,
                progress=progress,
            )
            results = show_sweep(found)
        else:
            from tokbench.adapters import load_tokenizer
            from tokbench.analysis.extension import extend, require_ranks
            from tokbench.report._extension import show as show_extension

            tokenizer = load_tokenizer(names[0], offline=offline)
            if write is not None and write.suffix.lower() == RANKS:
                require_ranks(tokenizer)
            extended = extend(
                tokenizer,
                texts,
                spec,
                added,
                train_on=split_languages(train_on),
                weights=shares,
                reference=reference,
                seed=seed,
                resamples=resamples,
                progress=progress,
            )
            if write is not None:
                from tokbench._shared.files import write_whole

                ranks = extended.ranks if write.suffix.lower() == RANKS else None
                write_whole(write, extended.written.encode() if ranks is None else ranks)
            results = show_extension(extended, top, None if write is None else str(write))
    print_results(results, output_format)


def check_options(
    tokenizers: Sequence[str],
    sizes: Sequence[str] | None,
    extension: Sequence[str] | None,
    train_on: Sequence[str] | None,
    write: Path | None,
) -> None:
    """Raise TokbenchError for options that do not go together, and for a file that cannot be written."""
    if extension and sizes:
        raise TokbenchError("--sizes cuts a vocabulary and --extend adds to it", "use one of them")
    if extension and len(tokenizers) > 1:
        raise TokbenchError(f"--extend continues one tokenizer, not {len(tokenizers)}", "give one tokenizer")
    for name, value in (("--train-on", train_on), ("--write", write)):
        if value and not extension:
            raise TokbenchError(f"{name} is about new tokens", "add --extend NUMBER, such as --extend 8k")
    if write is not None:
        from tokbench._shared.files import check_writable

        if write.suffix.lower() not in (".json", RANKS):
            raise TokbenchError(
                f"--write writes a tokenizer.json or a rank file, not {write}",
                f"name a file that ends with .json or {RANKS}",
            )
        check_writable(write)


def parse_sizes(name: str, listed: Sequence[str] | None, low: int, high: int) -> tuple[int, ...] | None:
    """Parse sizes such as 8k or 12500, ascending and each once; None if there are none.

    >>> parse_sizes("--sizes", ["8k,500", "4K"], 2, 1_000_000)
    (500, 4000, 8000)
    """
    if not listed:
        return None
    numbers = set()
    for part in (part.strip() for text in listed for part in text.split(",")):
        thousands = _THOUSANDS.fullmatch(part)
        written = f"{thousands[1]}000" if thousands else part
        numbers.add(parse_whole(name, written, low=low, high=high, other=", or thousands such as 8k"))
    if len(numbers) > MOST_SIZES:
        raise TokbenchError(f"{name} has {len(numbers)} sizes", f"give at most {MOST_SIZES}")
    return tuple(sorted(numbers))
