"""Sections of a card on what the vocabulary holds, where tokens end, and what is lost."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import polars as pl

from tokbench.analysis.cards import Card
from tokbench.analysis.vocabulary import Reach
from tokbench.report._card import BOUNDARIES, DIGITS, lay_out_metrics
from tokbench.report._charts import chart_bars
from tokbench.report._document_model import Figure, Part, Points, Prose
from tokbench.report._shares import format_percent
from tokbench.report._table import tabulate
from tokbench.report._vocabulary import format_bytes, lay_out_tokens, list_ladders

SHORT = range(1, 5)
"""Digits of the numbers that are counted; of longer ones, few are a token."""

MOST_EXAMPLES = 10
"""Rows of each list of tokens or scripts."""


def write_boundaries(card: Card) -> Iterator[Part]:
    """Yield where tokens end, and how numbers are cut."""
    tables = [
        lay_out_metrics(card, "where tokens end, over all texts", BOUNDARIES),
        lay_out_metrics(card, "numbers, over all texts", DIGITS),
    ]
    yield from (table for table in tables if table.rows)
    if not any(table.rows for table in tables):
        yield Prose(("Where tokens end in these texts is not known: they have no bytes that make up the text.",))
    declared = card.pipeline.digits
    words = (
        "No grouping of digits is declared."
        if declared is None
        else f"The files declare at most {declared} digit{'' if declared == 1 else 's'} per token."
    )
    yield Prose((words,))
    yield Points((*list_ladders(card.vocabulary), *list_numbers(card)), title="single tokens")


def list_numbers(card: Card) -> Iterator[str]:
    """Yield how many numbers of up to four digits are a token; nothing if none is."""
    numbers = card.vocabulary.numbers()
    listed = [f"{numbers[digits]:,} of {10**digits:,} with {digits}" for digits in SHORT if digits in numbers]
    if listed:
        yield f"numbers by digits: {', '.join(listed)}"


def write_vocabulary(card: Card) -> Iterator[Part]:
    """Yield classes, scripts and unreachable tokens."""
    found, total = card.vocabulary, card.vocabulary.sizes.total
    classes = found.count_by("class")
    frame = classes.select(
        pl.col("class").cast(pl.String).alias("y"),
        (100 * pl.col("tokens") / total).alias("value"),
        pl.lit(None, pl.Float64).alias("low"),
        pl.lit(None, pl.Float64).alias("high"),
        pl.lit(value=True).alias("ranked"),
    )
    table = tabulate(
        classes.select("class", "tokens", share=pl.col("tokens") / total).to_dicts(),
        "ids by class",
        formats={"share": lambda share: format_percent(share, 1), "tokens": "{:,}".format},
        ruled=True,
    )
    yield Figure(
        "classes",
        f"What the {total:,} ids are, in per cent; whole words are those of {found.words}.",
        partial(chart_bars, frame, y=frame["y"].to_list(), title="share of the ids (%)", number=".1f"),
        table,
    )
    scripts = found.count_by("script").head(MOST_EXAMPLES).to_dicts()
    yield tabulate(scripts, "tokens by script, the most frequent", formats={"tokens": "{:,}".format}, ruled=True)
    reach = found.count_by("reach").to_dicts()
    yield tabulate(reach, "tokens by what their text encodes to", formats={"tokens": "{:,}".format}, ruled=True)
    for kind in (Reach.SINGLE, Reach.MULTI):
        tokens = found.unreachable(kind)
        if tokens.height:
            what = "one other token" if kind is Reach.SINGLE else "several tokens"
            title = f"unreachable: {tokens.height:,} whose text encodes to {what}"
            yield lay_out_tokens(tokens.select("id", "bytes").head(MOST_EXAMPLES), title)
    yield lay_out_tokens(found.longest(MOST_EXAMPLES).select("id", "length", "bytes"), "longest tokens, in bytes")


def write_losses(card: Card) -> Iterator[Part]:
    """Yield what does not come back, with the smallest example of each cause."""
    found = card.round_trip
    yield Prose(
        (
            f"{found.segments - found.lossy_segments:,} of {found.segments:,} texts of "
            f"{card.comparison.corpus.name} and {found.probes - found.lossy_probes:,} of {found.probes:,} probes come "
            "back exactly.",
        )
    )
    rows = [
        {
            "what": breakage.text_class.value,
            "lost in": breakage.stage.value,
            "smallest example": f"{quote(breakage.smallest)} -> {quote(breakage.decoded)}",
            "texts": breakage.segments,
            "probes": breakage.probes,
        }
        for breakage in found.breakages
    ]
    if rows:
        yield tabulate(rows, "what is lost", formats={"texts": "{:,}".format, "probes": "{:,}".format}, ruled=True)


def quote(text: str) -> str:
    """Quote a text, everything unprintable escaped, shortened if it is long."""
    return format_bytes(text.encode())
