"""The card of a tokenizer as results: essentials, a page of sections, a document and values."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import polars as pl

from tokbench.analysis.cards import Card
from tokbench.analysis.soundness import CHECKS
from tokbench.analysis.vocabulary import UNREACHABLE, Reach
from tokbench.report._card import lay_out
from tokbench.report._card_page import compose_card
from tokbench.report._document_model import Results
from tokbench.report._round_trip import to_document as round_trip_document
from tokbench.report._soundness import to_document as soundness_document

MOST_TOKENS = 100
"""Tokens of each class of unreachable ones in the JSON document, which has their number too."""


def show(card: Card) -> Results:
    """Return a card: essentials, a page of sections, a document, and values."""
    return Results(
        lambda: lay_out(card), lambda: to_document(card), lambda: list_values(card), page=lambda: compose_card(card)
    )


def list_values(card: Card) -> pl.DataFrame:
    """Return all values: those of the comparison, and the premiums of groups.

    Columns: tokenizer, by (`language`, `script`, `region`, `family`; null: over all), group, metric, value, low, high.
    """
    found = card.comparison.frame.select(
        "tokenizer",
        pl.when(pl.col("lang").is_not_null()).then(pl.lit("language")).alias("by"),
        pl.col("lang").cast(pl.String).alias("group"),
        pl.col("metric").cast(pl.String),
        *("value", "low", "high"),
    )
    rows = [{"tokenizer": card.name, "metric": "premium", **asdict(premium)} for premium in card.premiums]
    return (
        pl.concat([found, pl.DataFrame(rows, schema_overrides=found.schema).select(found.columns)]) if rows else found
    )


def to_document(card: Card) -> dict[str, Any]:
    """Convert a card to a JSON document, with bytes in hexadecimal; nothing in it depends on the machine."""
    comparison, vocabulary = card.comparison, card.vocabulary
    titles = {check.name: check.title for check in CHECKS}
    return {
        "tokenizer": card.name,
        "signature": card.signature(),
        "date": card.date,
        "tokbench": comparison.environment.tokbench,
        "engine": comparison.tokenizers[0].engine,
        "facts": {**asdict(card.facts), "special": {str(n): text for n, text in card.facts.special.items()}},
        "sizes": asdict(vocabulary.sizes),
        "pipeline": asdict(card.pipeline),
        "corpus": comparison.corpus.to_document(),
        "vocabulary": {
            "classes": dict(vocabulary.count_by("class").iter_rows()),
            "scripts": dict(vocabulary.count_by("script").iter_rows()),
            "reach": dict(vocabulary.count_by("reach").iter_rows()),
            "numbers": {str(digits): count for digits, count in vocabulary.numbers().items()},
            "unreachable": {kind.value: list_tokens(card, kind) for kind in UNREACHABLE},
        },
        "round_trip": round_trip_document(card.round_trip, comparison.corpus.name),
        "checks": soundness_document(card.soundness, titles),
        "engines": [asdict(engine) for engine in card.engines],
        "group_premiums": [asdict(premium) for premium in card.premiums],
        "results": comparison.frame.drop("engine").to_dicts(),
    }


def list_tokens(card: Card, kind: Reach) -> dict[str, Any]:
    """Return the number of tokens with a reach, and the first of them."""
    found = card.vocabulary.unreachable(kind).select("id", "bytes", "text")
    shown = [{**row, "bytes": row["bytes"].hex()} for row in found.head(MOST_TOKENS).to_dicts()]
    return {"count": found.height, "first": shown}
