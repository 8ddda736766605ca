"""What perturbations do to the tokens of texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from tokbench.analysis.robustness import FORMAT, Perturbation, Robustness
from tokbench.report._document_model import Plain, Points, Results, Signature
from tokbench.report._table import ABSENT, Cell, Table

VALUES = {
    "ratio": ("tokens after / tokens before", 2),
    "unchanged": ("share of tokens unchanged, in order", 3),
}
"""Title and decimals of each value."""

_HIDDEN = "(...) some of the text is the unknown token, which counts as one whatever it hides"
_NOTHING = f"{ABSENT} the perturbation changes less than half of the texts"

Row = Mapping[str, Any]


def show(found: Robustness) -> Results:
    """Return tables of both values over all languages, and of ratios by language."""
    return Results(lambda: lay_out(found), lambda: to_document(found), lambda: found.values)


def lay_out(found: Robustness) -> list[Plain]:
    """Lay out values over all languages; if there are several, also the ratios of each tokenizer by language."""
    overall = found.values.filter(pl.col("lang").is_null())
    parts: list[Plain] = [lay_out_overall(found, overall, value) for value in VALUES]
    if len(found.languages) > 1:
        parts += [lay_out_languages(found, name) for name in found.tokenizers]
    return [*parts, Points((*write_notes(found), "definitions: -f json")), Signature(found.signature)]


def lay_out_overall(found: Robustness, rows: pl.DataFrame, value: str) -> Table:
    """Lay out one row per perturbation, one column per tokenizer, with intervals."""
    by_key = {(row["tokenizer"], row["perturbation"]): row for row in rows.iter_rows(named=True)}
    title, _ = VALUES[value]
    cells = []
    for one in found.perturbations:
        own = [by_key[name, one.name] for name in found.tokenizers]
        several = [Cell(f"{own[0]['languages']:,}")] if len(found.languages) > 1 else []
        cells.append((Cell(one.title), *several, *(write_cell(row, value) for row in own)))
    headers = ("perturbation", *(["languages"] if len(found.languages) > 1 else []), *found.tokenizers)
    return Table(f"{found.corpus}: {title}", headers, tuple(cells), labels=1)


def lay_out_languages(found: Robustness, tokenizer: str) -> Table:
    """Lay out the ratios of one tokenizer: languages by perturbations."""
    rows = found.values.filter((pl.col("tokenizer") == tokenizer) & pl.col("lang").is_not_null())
    by_key = {(row["lang"], row["perturbation"]): row for row in rows.iter_rows(named=True)}
    shown = pick_meaningful(found.perturbations, rows)
    cells = tuple(
        (Cell(lang), *(write_cell(by_key[lang, one.name], "ratio", bounds=False) for one in shown))
        for lang in found.languages
    )
    title, _ = VALUES["ratio"]
    return Table(f"{tokenizer}: {title}", (found.by, *(one.title for one in shown)), cells, labels=1)


def pick_meaningful(perturbations: Sequence[Perturbation], rows: pl.DataFrame) -> list[Perturbation]:
    """Return the perturbations that mean something in one language at least."""
    names = set(rows.filter(pl.col("languages") > 0)["perturbation"])
    return [one for one in perturbations if one.name in names]


def write_cell(row: Row, value: str, *, bounds: bool = True) -> Cell:
    """Format a value with its interval; in brackets where unknown tokens hide text."""
    if row[value] is None:
        return Cell(ABSENT)
    decimals = VALUES[value][1]
    text = f"{row[value]:,.{decimals}f}"
    low, high = row[f"{value}_low"], row[f"{value}_high"]
    if bounds and low is not None:
        text += f" [{low:,.{decimals}f}, {high:,.{decimals}f}]"
    return Cell(text, unranked=hides_text(row))


def hides_text(row: Row) -> bool:
    """Return whether texts have unknown tokens, as they are or perturbed."""
    return bool(row["unknown"] or row["unknown_after"])


def write_notes(found: Robustness) -> list[str]:
    """Say what marks mean, and that ratios depend on the seed."""
    rows = found.values.to_dicts()
    notes = [_NOTHING] if any(not row["languages"] for row in rows) else []
    notes += [_HIDDEN] if any(map(hides_text, rows)) else []
    if any(row["languages"] and row["unchanged"] is None for row in rows):
        notes.append("share unchanged: not known where a text is too long to be aligned; use --split lines")
    return [*notes, f"seed {found.seed}"]


def to_document(found: Robustness) -> dict[str, Any]:
    """Convert a result to a JSON document."""
    return {
        "format": FORMAT,
        "tokenizers": found.tokenizers,
        "corpus": found.corpus,
        "by": found.by,
        "languages": found.languages,
        "seed": found.seed,
        "bootstrap": found.bootstrap,
        "perturbations": [
            {"name": one.name, "title": one.title, "definition": one.definition, "random": one.random}
            for one in found.perturbations
        ],
        "signature": found.signature,
        "values": found.values.to_dicts(),
    }
