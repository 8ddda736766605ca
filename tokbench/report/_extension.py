"""What new tokens save on text of the kind that they were trained on."""

from __future__ import annotations

from typing import Any

import polars as pl

from tokbench.analysis.extension import Extension
from tokbench.report._cost import write_number
from tokbench.report._document_model import Figure, Plain, Points, Results, Signature
from tokbench.report._sizes import (
    draw_sizes,
    lay_out_best,
    lay_out_sizes,
    name_lang,
    pick_overall,
    write_decimals,
    write_spread,
)
from tokbench.report._sweep import describe_text
from tokbench.report._table import Cell, Table


def show(found: Extension, top: int = 10, written: str | None = None) -> Results:
    """Return tables of sizes, of where new rows pay, and of the strings that pay most.

    top: strings in the table. written: the file that the tokenizer was written to, if any.
    """
    return Results(
        lambda: lay_out(found, top, written),
        lambda: to_document(found, written),
        lambda: found.values,
        lambda: draw_figures(found),
    )


def lay_out(found: Extension, top: int, written: str | None) -> list[Plain]:
    """Lay out everything."""
    values, best = (pick_overall(frame, found.languages) for frame in (found.values, found.best))
    text = describe_text(found.corpus, found.languages, mixed=found.shares is not None)
    title = f"{found.tokenizer} with new tokens on {found.model}, {text}: the half that was not trained on"
    labels = ["as it is", *(f"+ {count:,}" for count in found.added[1:])]
    return [
        lay_out_sizes(values, best, title, "vocabulary", labels),
        lay_out_break_even(found),
        lay_out_best(found.best, f"the size with the fewest FLOPs on {found.model}"),
        lay_out_strings(found, top),
        Points(tuple(write_notes(found, written))),
        Signature(found.signature),
    ]


def lay_out_break_even(found: Extension) -> Table:
    """Lay out tokens saved and rows added, and the factor below which the rows pay."""
    rows = []
    for row in found.break_even.filter(pl.col("added") > 0).iter_rows(named=True):
        saved = 100 * (1 - row["nsl"]) if row["nsl"] is not None else None
        pays = row["nsl"] is not None and row["nsl"] < row["break_even_nsl"]
        rows.append(
            (
                Cell(name_lang(row["lang"])),
                Cell(f"{row['added']:,}"),
                Cell(f"{row['rows']:,}"),
                Cell("-" if saved is None else f"{write_decimals(saved, 1)} %"),
                write_spread(row, "nsl", 3),
                Cell(f"{row['break_even_nsl']:.3f}"),
                Cell("yes" if pays else "no"),
            )
        )
    headers = ("language", "new tokens", "V rows", "tokens saved", "tokens, relative", "break-even", "pays")
    return Table(f"tokens saved, and what saves FLOPs on {found.model}", headers, tuple(rows), 1, frozenset({6}))


def lay_out_strings(found: Extension, top: int) -> Table:
    """Lay out the new tokens that save the most on the measured half."""
    rows = tuple(
        (
            Cell(row["text"]),
            Cell(str(row["id"])),
            Cell(str(row["tokens"])),
            Cell(f"{row['count']:,}"),
            Cell(f"{row['saved']:,}"),
            Cell(f"{100 * row['share']:.2f} %"),
        )
        for row in found.strings.head(top).iter_rows(named=True)
    )
    title = f"new tokens that save the most, of {found.added[-1]:,}"
    return Table(title, ("text", "id", "old tokens", "times", "tokens saved", "of all"), rows, labels=1)


def write_notes(found: Extension, written: str | None) -> list[str]:
    """Say what was trained on, what was checked, and what values mean."""
    one = found.training
    halves = f"{one.drawn:,} of {one.of:,} {one.units} drawn with seed {found.seed}"
    notes = [
        f"trained on {one.segments:,} segments ({write_number(one.bytes / 1e6)} MB) in {', '.join(one.languages)}: "
        f"{halves}; the others are measured"
    ]
    if one.cut:
        notes.append("enough text was read before the half ended; the rest of it was not used")
    if one.made < one.asked:
        notes.append(
            f"{one.made:,} new tokens instead of {one.asked:,}: nothing else occurs twice in the training half"
        )
    unused = one.made - found.strings.height
    notes.append(f"{unused:,} of {one.made:,} new tokens do not occur in the measured half")
    notes.append(
        f"checked on all {found.checked:,} texts: new ids stand for exactly the ids of {found.tokenizer} as it is"
    )
    notes.append(
        "break-even: tokens relative to the vocabulary as it is, below which a text needs fewer forward FLOPs, "
        "attention left out"
    )
    if written is not None:
        notes.append(
            f"written to {written}: {found.old_size + one.made:,} ids, those from {found.old_size:,} on are new"
        )
    return notes


def draw_figures(found: Extension) -> list[Figure]:
    """Chart the cost over sizes, all languages together."""
    caption = (
        f"FLOPs of the same text on {found.model} with new tokens, relative to {found.tokenizer} as it is; circles: "
        "the least; thick lines: 95 % intervals."
    )
    overall = pick_overall(found.values, found.languages)
    return [draw_sizes(overall, caption, "the vocabulary as it is", lay_out_break_even(found))]


def to_document(found: Extension, written: str | None) -> dict[str, Any]:
    """Convert an extension to a JSON document."""
    one = found.training
    return {
        "tokenizer": found.tokenizer,
        "corpus": found.corpus,
        "languages": found.languages,
        "model": found.model,
        "reference": found.reference,
        "added": found.added,
        "old_size": found.old_size,
        "training": {
            "languages": one.languages,
            "units": one.units,
            "drawn": one.drawn,
            "of": one.of,
            "segments": one.segments,
            "bytes": one.bytes,
            "cut": one.cut,
            "asked": one.asked,
            "made": one.made,
        },
        "shares": found.shares,
        "seed": found.seed,
        "bootstrap": found.bootstrap,
        "checked": found.checked,
        "written": written,
        "signature": found.signature,
        "values": found.values.to_dicts(),
        "best": found.best.to_dicts(),
        "break_even": found.break_even.to_dicts(),
        "strings": found.strings.to_dicts(),
    }
