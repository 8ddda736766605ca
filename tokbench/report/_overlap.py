"""Overlap of vocabularies as matrices."""

from __future__ import annotations

from tokbench.analysis.overlap import Overlap
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._table import tabulate

_PLAIN = {"jaccard": "Jaccard (shared / union)", "containment": "containment (share of the row's tokens in the column)"}
_WEIGHTED = {
    "weighted_jaccard": "Jaccard, weighted by token frequencies on {corpus}",
    "weighted_containment": "share of the row's tokens on {corpus} that are in the column",
}


def show(found: Overlap) -> Results:
    """Return the matrices and, as a document, all pairs."""
    names = {"tokenizers": found.tokenizers, "scripts": found.scripts, "corpus": found.corpus}
    return Results(lambda: lay_out(found), lambda: {**names, "pairs": found.pairs.to_dicts()}, lambda: found.pairs)


def lay_out(found: Overlap) -> list[Plain]:
    """Lay out sizes, and a matrix per measure."""
    only = f" with {', '.join(found.scripts)}" if found.scripts else ""
    sizes = {row["a"]: row["tokens_a"] for row in found.pairs.iter_rows(named=True)}
    listed = ", ".join(f"{name} {size:,}" for name, size in sizes.items())
    titles = _PLAIN if found.corpus is None else _PLAIN | _WEIGHTED
    formats = dict.fromkeys(found.tokenizers, format_share)
    return [
        Prose((f"distinct tokens{only}: {listed}",)),
        *(
            tabulate(found.matrix(column).to_dicts(), title.format(corpus=found.corpus), formats=formats)
            for column, title in titles.items()
        ),
    ]


def format_share(value: float) -> str:
    """Format a share with four decimals, 1.0000 only if it is exactly 1."""
    return f"{value:.4f}" if value == 1 or value < 0.99995 else "0.9999"
