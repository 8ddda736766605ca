"""`tokbench overlap`: how much of each vocabulary another one contains."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._options import Json, Languages, Offline, open_corpus
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.analysis.overlap import Overlap

_PLAIN = {"jaccard": "Jaccard (shared / union)", "containment": "containment (share of the row's tokens in the column)"}
_WEIGHTED = {
    "weighted_jaccard": "Jaccard, weighted by token frequencies on {corpus}",
    "weighted_containment": "share of the row's tokens on {corpus} that are in the column",
}


def run(
    tokenizers: Annotated[
        list[str], typer.Argument(help="Two or more catalogue names, aliases, paths or hf:org/name[@revision].")
    ],
    corpus: Annotated[
        str | None,
        typer.Option("-c", "--corpus", help="Also weight by token frequencies on a corpus: name, file or folder."),
    ] = None,
    languages: Languages = None,
    script: Annotated[
        list[str] | None,
        typer.Option(help="Only tokens with characters of this Unicode script (Han, Hira, ...). Repeatable."),
    ] = None,
    as_json: Json = False,
    offline: Offline = False,
) -> None:
    """Compute the pairwise overlap of vocabularies, over the bytes of their tokens.

    Bytes are compared because files write the same token differently: byte-level BPE uses an alphabet of its own,
    SentencePiece writes text with a space marker. Special tokens do not count.
    """
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.overlap import measure_overlap

    if len(tokenizers) < 2:
        raise TokbenchError(f"there is nothing to compare {tokenizers[0]} with", "give at least two tokenizers")
    if languages is not None and corpus is None:
        raise TokbenchError("--languages needs a corpus", "for example: -c tokbench14")
    texts = None if corpus is None else open_corpus(corpus, languages)
    loaded = [load_tokenizer(name, offline=offline) for name in tokenizers]
    found = measure_overlap(loaded, texts, scripts=script or ())
    if as_json:
        document = {"tokenizers": found.tokenizers, "scripts": found.scripts, "corpus": found.corpus}
        typer.echo(json.dumps({**document, "pairs": found.pairs.to_dicts()}, indent=1))
    else:
        typer.echo("\n".join(write_lines(found)))


def write_lines(found: Overlap) -> list[str]:
    """Format the matrices for the terminal."""
    from tokbench.cli.listing import write_rows

    only = f" with {', '.join(found.scripts)}" if found.scripts else ""
    sizes = {row["a"]: row["tokens_a"] for row in found.pairs.iter_rows(named=True)}
    lines = [f"distinct tokens{only}: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items()), ""]
    titles = _PLAIN if found.corpus is None else _PLAIN | _WEIGHTED
    for column, title in titles.items():
        rows = [
            {name: write_share(value) for name, value in row.items()}
            for row in found.matrix(column).iter_rows(named=True)
        ]
        lines += [title.format(corpus=found.corpus), write_rows(rows)]
    return lines


def write_share(value: str | float | None) -> str | None:
    """Format a share with four decimals, 1.0000 only if it is exactly 1."""
    if not isinstance(value, float):
        return value
    return f"{value:.4f}" if value == 1 or value < 0.99995 else "0.9999"
