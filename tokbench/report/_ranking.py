"""Stored figures of tokenizers: by language, of one tokenizer, or over all languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from tokbench.report._document_model import Plain, Points, Prose, Results
from tokbench.report._table import ABSENT, Cell, Table

LOSSES = {"exact": "exact", "nfc": "NFC", "whitespace": "but spaces", "lossy": "loses text"}
FIGURES = ("rank", "tokens", "interval", "premium", "bytes/token", "round trip")
SHARED = ("corpus", "corpus_licence", "corpus_sha256", "segments", "reference", "bootstrap", "version")

Row = Mapping[str, Any]


def show_languages(frame: pl.DataFrame, most: int | None = None) -> Results:
    """Return a table of tokenizers per language, the `most` first of each."""

    def lay_out() -> list[Plain]:
        parts = frame.partition_by("lang", maintain_order=True)
        return [part for rows in parts for part in lay_out_language(rows, most)]

    return to_results(frame, lay_out)


def show_tokenizer(frame: pl.DataFrame, most: int | None = None) -> Results:
    """Return the languages of one tokenizer, cheapest first; with `most`, so many from either end."""

    def lay_out() -> list[Plain]:
        if most is None or frame.height <= 2 * most:
            return [lay_out_tokenizer(frame, "languages")]
        best, worst = frame.head(most), frame.tail(most)
        return [lay_out_tokenizer(best, "best languages"), lay_out_tokenizer(worst, "worst languages")]

    return to_results(frame, lay_out)


def show_all(frame: pl.DataFrame, totals: pl.DataFrame, most: int | None = None) -> Results:
    """Return a table of tokenizers over all languages; with `most`, the first of them."""
    rows = totals if most is None else totals.head(most)
    facts = frame.select(SHARED).row(0, named=True)
    return Results(
        lambda: [lay_out_totals(rows, frame), write_notes(frame)],
        lambda: {**facts, "results": totals.to_dicts()},
        lambda: totals,
    )


def to_results(frame: pl.DataFrame, lay_out: Callable[[], Sequence[Plain]]) -> Results:
    """Return tables with notes, and all rows as a document and a frame."""
    facts = frame.select(SHARED).row(0, named=True)
    return Results(
        lambda: [*lay_out(), write_notes(frame)],
        lambda: {**facts, "results": frame.drop(SHARED).to_dicts()},
        lambda: frame,
    )


def lay_out_language(rows: pl.DataFrame, most: int | None) -> list[Plain]:
    """Lay out the tokenizers in one language, and say which needs the fewest tokens."""
    first = rows.row(0, named=True)
    title = f"{name_language(first)}: {describe_corpus(first)}"
    shown = rows if most is None else rows.head(most)
    table = tabulate_figures(shown, title, "tokenizer", lambda row: row["tokenizer"])
    return [table, *(Prose((sentence,)) for sentence in write_verdict(rows))]


def write_verdict(rows: pl.DataFrame) -> list[str]:
    """Say which tokenizers need the fewest tokens in a language, and how many more the next one needs."""
    ranked = rows.filter(pl.col("rank").is_not_null())
    if ranked.is_empty():
        return []
    best = ranked.filter(pl.col("rank") == pl.col("rank").min())
    others = ranked.filter(pl.col("rank") > pl.col("rank").min())
    first = best.row(0, named=True)
    names = " and ".join(best["tokenizer"])
    sentence = f"fewest tokens in {first['language']}: {names}, {first['tokens_per_segment']:,.1f} per segment"
    if others.height:
        second = others.row(0, named=True)
        more = second["tokens_per_segment"] / first["tokens_per_segment"] - 1
        sentence += f"; next is {second['tokenizer']} with {100 * more:.1f} % more"
    return [sentence]


def lay_out_tokenizer(rows: pl.DataFrame, what: str) -> Table:
    """Lay out the languages of one tokenizer."""
    first = rows.row(0, named=True)
    title = f"{first['tokenizer']}, {what}: {describe_corpus(first)}"
    return tabulate_figures(rows, title, "language", name_language)


def tabulate_figures(rows: pl.DataFrame, title: str, header: str, label: Callable[[Row], str]) -> Table:
    """Lay out figures, one row each, after a label."""
    cells = tuple((Cell(label(row)), *write_figures(row)) for row in rows.iter_rows(named=True))
    return Table(title, (header, *FIGURES), cells, labels=1, texts=frozenset({len(FIGURES)}))


def lay_out_totals(totals: pl.DataFrame, frame: pl.DataFrame) -> Table:
    """Lay out the tokenizers over all languages."""
    headers = ("tokenizer", "rank", "tokens", "median premium", "worst", "worst language")
    cells = tuple(
        (
            Cell(row["tokenizer"]),
            Cell(write_rank(row)),
            Cell(f"{row['tokens_per_segment']:,.1f}"),
            Cell(f"{row['premium_median']:.2f}"),
            Cell(f"{row['premium_worst']:.2f}"),
            Cell(row["worst_language"]),
        )
        for row in totals.iter_rows(named=True)
    )
    title = f"{frame['lang'].n_unique()} languages: {describe_corpus(frame.row(0, named=True))}"
    return Table(title, headers, cells, labels=1, texts=frozenset({5}))


def name_language(row: Row) -> str:
    """Return a language's name with its tag."""
    return f"{row['language']} ({row['lang']})"


def describe_corpus(row: Row) -> str:
    """Name the corpus of a table, and what premiums are relative to."""
    return f"tokens per segment of {row['corpus']} ({row['segments']:,} segments), premium over {row['reference']}"


def write_figures(row: Row) -> list[Cell]:
    """Format the figures of a row; lengths of a tokenizer that loses text are not ranked."""
    lossy = row["loss"] == "lossy"
    low, high = row["tokens_per_segment_low"], row["tokens_per_segment_high"]
    return [
        Cell(write_rank(row)),
        Cell(f"{row['tokens_per_segment']:,.1f}", unranked=lossy),
        Cell(f"[{low:,.1f}, {high:,.1f}]"),
        Cell(f"{row['premium']:.2f}", unranked=lossy),
        Cell(f"{row['bytes_per_token']:.2f}", unranked=lossy),
        Cell(LOSSES[row["loss"]]),
    ]


def write_rank(row: Row) -> str:
    """Format the place of a tokenizer, a dash if it has none."""
    return ABSENT if row["rank"] is None else str(row["rank"])


def write_notes(frame: pl.DataFrame) -> Points:
    """Say what is not ranked, where the figures come from and how to repeat them."""
    first = frame.row(0, named=True)
    tags = frame["lang"].unique(maintain_order=True).to_list()
    # Ranked ones first; a single tokenizer may have no rank in any language.
    names = frame.sort(pl.col("rank").is_null(), maintain_order=True)["tokenizer"].unique(maintain_order=True).to_list()
    languages = ",".join(dict.fromkeys([*tags[:1], first["reference"]]))
    notes = []
    if frame["rank"].null_count():
        notes.append("not ranked: byte vocabularies, and tokenizers that lose text in the language")
    notes.append(
        f"stored figures of tokbench {first['version']}, intervals {first['bootstrap']}, "
        f"corpus sha256 {first['corpus_sha256'][:8]}; -f json adds signatures and licences"
    )
    notes.append(f"repeat: tokbench compare {' '.join(names[:2])} -c {first['corpus']} -l {languages}")
    return Points(tuple(notes))
