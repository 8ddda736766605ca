"""Overlap of vocabularies as matrices."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import polars as pl

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


def show_scripts(pairs: pl.DataFrame, corpus: str | None) -> Results:
    """Return the overlap of each pair, script by script.

    corpus: what weighted columns are weighted by; None without.
    """
    names = {"corpus": corpus}
    return Results(lambda: lay_out_scripts(pairs, corpus), lambda: {**names, "pairs": pairs.to_dicts()}, lambda: pairs)


def lay_out_scripts(pairs: pl.DataFrame, corpus: str | None) -> list[Plain]:
    """Lay out a table per pair, each once: the first tokenizer's containment, then the second's."""
    titles = {"script": "script", "tokens_a": "tokens a", "tokens_b": "tokens b", "shared": "shared"}
    titles |= {"jaccard": "Jaccard", "containment": "a in b", "backwards": "b in a"}
    if corpus is not None:
        titles |= {"weighted_containment": "a in b, weighted", "weighted_backwards": "b in a, weighted"}
    back = pairs.select("script", a="b", b="a", backwards="containment", weighted_backwards="weighted_containment")
    joined = pairs.join(back, on=["script", "a", "b"], how="left", maintain_order="left")
    names = pairs["a"].unique(maintain_order=True).to_list()
    formats: dict[str, Callable[[Any], str]] = dict.fromkeys(list(titles.values())[4:], format_share)
    formats |= dict.fromkeys(list(titles.values())[1:4], "{:,}".format)
    parts: list[Plain] = []
    for a, b in combinations(names, 2):
        rows = joined.filter((pl.col("a") == a) & (pl.col("b") == b)).select(*titles).rename(titles)
        parts.append(tabulate(rows.to_dicts(), f"a = {a}, b = {b}", formats=formats, ruled=True))
    return [*parts, *([Prose((f"weighted by token frequencies on {corpus}",))] if corpus else [])]


def format_share(value: float) -> str:
    """Format a share with four decimals, 1.0000 only if it is exactly 1."""
    return f"{value:.4f}" if value == 1 or value < 0.99995 else "0.9999"
