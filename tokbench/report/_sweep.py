"""What a text costs at several sizes of a vocabulary."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl

from tokbench.analysis.sweep import Sweep
from tokbench.report._document_model import Figure, Plain, Points, Results, Signature
from tokbench.report._sizes import draw_sizes, lay_out_best, lay_out_languages, lay_out_sizes, pick_overall
from tokbench.report._table import Table


def show(found: Sweep) -> Results:
    """Return a table of sizes per tokenizer, the best sizes by language, and a chart."""
    return Results(
        lambda: lay_out(found), lambda: to_document(found), lambda: found.values, lambda: draw_figures(found)
    )


def lay_out(found: Sweep) -> list[Plain]:
    """Lay out sizes, best sizes, and tokens and premiums by language if there are several."""
    parts: list[Plain] = [lay_out_tokenizer(found, name) for name in found.tokenizers]
    parts.append(lay_out_best(found.best, f"the size with the fewest FLOPs on {found.model}"))
    if len(found.languages) > 1:
        for name in found.tokenizers:
            values = found.values.filter(pl.col("tokenizer") == name)
            parts.append(lay_out_languages(values, "tokens_per_segment", f"{name}: tokens/segment by size", 1))
            if found.reference is not None:
                title = f"{name}: premium over {found.reference} by size"
                parts.append(lay_out_languages(values, "premium", title, 2))
    return [*parts, Points(tuple(write_notes(found))), Signature(found.signature)]


def lay_out_tokenizer(found: Sweep, name: str) -> Table:
    """Lay out the sizes of one tokenizer, over all languages."""
    own = pl.col("tokenizer") == name
    values = pick_overall(found.values.filter(own), found.languages)
    best = pick_overall(found.best.filter(own), found.languages)
    labels = [f"{size:,}" for size in values["size"]]
    title = f"{name} on {found.model}, {describe_text(found.corpus, found.languages, mixed=found.shares is not None)}"
    return lay_out_sizes(values, best, title, "size", labels)


def describe_text(corpus: str, languages: Sequence[str], *, mixed: bool) -> str:
    """Say what text values are of."""
    if len(languages) == 1:
        return f"{corpus}, {languages[0]}"
    return f"{corpus}, {'a mixture of ' if mixed else ''}{len(languages)} languages"


def write_notes(found: Sweep) -> list[str]:
    """Say what the columns mean, and what was left out."""
    notes = [
        "serving: each segment is read, and a text of as many tokens is written; training: it is trained on once, in "
        f"sequences of {found.context:,} tokens; FLOPs per segment, computed; relative to the whole vocabulary on the "
        "same model"
    ]
    if found.bootstrap is not None:
        notes.append("intervals of best sizes are sizes of the sweep; resamples: how many agree with the best size")
    edges = sorted({row["tokenizer"] for row in found.best.iter_rows(named=True) if is_edge(found, row)})
    if edges:
        notes.append(f"{', '.join(edges)}: the best size is the smallest one measured; a smaller one may be better")
    for name, sizes in found.left_out.items():
        if sizes:
            largest = found.sizes[name][-1]
            notes.append(f"{name} has {largest:,} ids: no sizes {', '.join(f'{size:,}' for size in sizes)}")
    return notes


def is_edge(found: Sweep, row: dict[str, Any]) -> bool:
    """Return whether a best size is the smallest of several."""
    sizes = found.sizes[row["tokenizer"]]
    return len(sizes) > 1 and row["size"] == sizes[0]


def draw_figures(found: Sweep) -> list[Figure]:
    """Chart the cost over sizes, all languages together."""
    overall = pick_overall(found.values, found.languages)
    caption = (
        f"FLOPs of the same text on {found.model} by vocabulary size, relative to the whole vocabulary; circles: the "
        "least; thick lines: 95 % intervals."
    )
    table = lay_out_best(pick_overall(found.best, found.languages), "best sizes")
    return [draw_sizes(overall, caption, "the whole vocabulary", table)]


def to_document(found: Sweep) -> dict[str, Any]:
    """Convert a sweep to a JSON document."""
    return {
        "tokenizers": found.tokenizers,
        "corpus": found.corpus,
        "languages": found.languages,
        "model": found.model,
        "reference": found.reference,
        "sizes": found.sizes,
        "left_out": found.left_out,
        "shares": found.shares,
        "bootstrap": found.bootstrap,
        "signature": found.signature,
        "values": found.values.to_dicts(),
        "best": found.best.to_dicts(),
    }
