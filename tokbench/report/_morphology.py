"""Token ends and the boundaries of morphemes, as tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.analysis.morphology import Gold, MorphologyScores
from tokbench.report._document_model import Plain, Points, Results, Signature
from tokbench.report._intervals import write_interval
from tokbench.report._table import ABSENT, Cell, Table

_LEADS = {"space": "after a space", "none": "alone"}


def show(found: MorphologyScores) -> Results:
    """Return the scores: a table per gold file and language, and all values for programs."""
    return Results(lambda: lay_out(found), lambda: to_document(found), lambda: found.values)


def lay_out(found: MorphologyScores) -> list[Plain]:
    """Lay out the tables, then what was left out, and the signature."""
    tables = [
        lay_out_scores(found, gold, group)
        for gold in found.golds
        for _, group in found.values.filter(pl.col("gold") == gold.name).group_by(
            "lang", "weighted", "average", maintain_order=True
        )
        if is_shown(gold, group.row(0, named=True))
    ]
    return [*tables, Points(tuple(write_notes(found))), Signature(found.signature)]


def is_shown(gold: Gold, row: dict[str, Any]) -> bool:
    """Return whether a table is worth showing: sums over words say more only of several boundaries per word."""
    several = bool((gold.words["boundaries"].list.len() > 1).any())
    return row["average"] == "macro" or several


def lay_out_scores(found: MorphologyScores, gold: Gold, group: pl.DataFrame) -> Table:
    """Lay out one row per tokenizer and lead: without words of one token, then with them."""
    first = group.row(0, named=True)
    among = "" if first["lang"] is None else f", {first['lang']}"
    weight = ", weighted by frequency" if first["weighted"] else ""
    average = "sums over words" if first["average"] == "micro" else "means of words"
    words = first["words"] + first["unplaced_words"]
    title = f"{gold.name}{among}: {write_count(words, 'word')}; {average}{weight}"
    several = len(found.leads) > 1
    keys = ("tokenizer", "encoded") if several else ("tokenizer",)
    headers = (*keys, "one token", "recall", "precision", "F1", "recall, all words", "F1, all words")
    rows = []
    for _, pair in group.group_by("tokenizer", "lead", maintain_order=True):
        cut = pair.filter(pl.col("single_token") == "excluded").row(0, named=True)
        every = pair.filter(pl.col("single_token") == "missed").row(0, named=True)
        cells = [cut["tokenizer"], *([_LEADS[cut["lead"]]] if several else []), write_share(cut)]
        cells += [write_interval(cut, score) for score in ("recall", "precision", "f1")]
        cells += [ABSENT if every[score] is None else f"{every[score]:.3f}" for score in ("recall", "f1")]
        rows.append(tuple(map(Cell, cells)))
    return Table(title, headers, tuple(rows), labels=len(keys), optional=(len(keys) + 4, len(keys) + 5))


def write_share(row: dict[str, Any]) -> str:
    """Format the share of words that are one token."""
    return f"{100 * row['single_token_words'] / row['words']:.1f} %" if row["words"] else ABSENT


def write_notes(found: MorphologyScores) -> Iterator[str]:
    """Yield what the scores are of, and what was left out of them."""
    how = " and ".join(_LEADS[lead] for lead in found.leads)
    yield f"each word is encoded {how}; words of one token count only under 'all words', as boundaries missed"
    for gold in found.golds:
        for reason, count in gold.left_out.items():
            lines = gold.lines[reason]
            more = ", ..." if count > len(lines) else ""
            where = f"{'line' if count == 1 else 'lines'} {', '.join(map(str, lines))}{more}"
            yield f"{gold.name} ({gold.format}): {write_count(count, 'line')} left out, {reason} ({where})"
    unplaced = found.values.filter(pl.col("lang").is_null() & (pl.col("unplaced_words") > 0))
    for row in unplaced.unique(["tokenizer", "gold", "lead"], maintain_order=True).iter_rows(named=True):
        words = write_count(row["unplaced_words"], "word")
        yield f"{row['tokenizer']}: it is not known where tokens end in {words} of {row['gold']}"


def to_document(found: MorphologyScores) -> dict[str, Any]:
    """Return everything as plain values."""
    golds = [
        {
            "name": gold.name,
            "sha256": gold.sha256,
            "format": gold.format,
            "words": gold.words.height,
            "boundaries": int(gold.words["boundaries"].list.len().sum()),
            "left_out": dict(gold.left_out),
            "left_out_lines": {reason: list(lines) for reason, lines in gold.lines.items()},
        }
        for gold in found.golds
    ]
    return {"signature": found.signature, "gold": golds, "values": found.values.to_dicts()}
