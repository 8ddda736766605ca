"""Report section on the contents of vocabularies."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import polars as pl

from tokbench.comparison import Comparison
from tokbench.report._charts import chart_shares
from tokbench.report._document_model import Figure, Section
from tokbench.report._heat_map import HeatMap
from tokbench.report._table import ABSENT, Cell, Table

LONGEST = 16
"""Tokens of at least this length are counted together."""

LIMITS = (0.01, 0.02, 0.04, 0.06, 0.09, 0.12, 0.16, 0.2)
"""Where the colours of shares change."""

INDIC = ("Devanagari", "Bengali", "Tamil", "Telugu", "Gujarati", "Kannada", "Malayalam", "Gurmukhi", "Sinhala")
SCRIPTS = {
    "Latin": ("Latin",),
    "Cyrillic": ("Cyrillic",),
    "Arabic and Hebrew": ("Arabic", "Hebrew"),
    "Han, kana and Hangul": ("Han", "Hiragana", "Katakana", "Hangul"),
    "Indic": INDIC,
}
OTHER, DIGITS, SIGNS, BLANK = "other letters", "digits", "punctuation and symbols", "white space and controls"
PARTS = "parts of characters"
KINDS = (*SCRIPTS, OTHER, DIGITS, SIGNS, BLANK, PARTS)


def write_vocabularies(comparison: Comparison) -> list[Section]:
    """Return composition and token lengths, if the comparison holds its vocabularies."""
    if comparison.measurements is None:
        return []
    lengths = count_lengths(comparison, comparison.measurements.vocab)
    labels = [name_length(length) for length in range(1, LONGEST + 1)]
    shares = {(name, label): share for name, label, share in lengths.select("tokenizer", "label", "share").iter_rows()}
    heat = HeatMap(
        tuple(comparison.names),
        tuple(labels),
        tuple(tuple(shares.get((name, label)) for label in labels) for name in comparison.names),
        "share of the vocabulary by bytes of a token",
        LIMITS,
        "{:.0%}".format,
    )
    figure = Figure(
        "token-lengths",
        "Share of each vocabulary's tokens by length in bytes, excluding special tokens and empty ids.",
        lambda: heat,
        lay_out_shares(comparison, lengths, "label", labels, "tokens by length in bytes"),
    )
    composition = write_composition(comparison, comparison.measurements.vocab)
    return [Section("vocabularies", "Vocabularies", (composition, figure))]


def write_composition(comparison: Comparison, vocab: pl.DataFrame) -> Figure:
    """Chart what the tokens consist of."""
    shares = count_kinds(comparison, vocab)
    return Figure(
        "composition",
        "Tokens of each vocabulary by the script of their first letter, or by their other content, excluding special "
        "tokens and empty ids. Parts of characters are bytes that are not valid text by themselves.",
        partial(
            chart_shares,
            shares.select(y="tokenizer", part="kind", value="share"),
            y=comparison.names,
            parts=KINDS,
            title="share of the vocabulary",
        ),
        lay_out_shares(comparison, shares, "kind", KINDS, "tokens by content"),
    )


def decode(content: bytes) -> str | None:
    """Decode a token's bytes, None if they are not text by themselves."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def count_kinds(comparison: Comparison, vocab: pl.DataFrame) -> pl.DataFrame:
    """Return the composition of each vocabulary: tokenizer, kind, share."""
    known = vocab.filter(pl.col("bytes").is_not_null() & (pl.col("bytes").bin.size() > 0))
    shared = known.group_by("bytes").agg("tokenizer")  # vocabularies share most tokens: each is looked into once
    texts = shared.select("tokenizer", text=pl.Series(map(decode, shared["bytes"].to_list()), dtype=pl.String))
    texts = texts.with_columns(letter=pl.col("text").str.extract(r"([\p{L}\p{M}])"))
    letters = texts.select(pl.col("letter").drop_nulls().unique())
    script = pl.lit(OTHER)
    for name, members in SCRIPTS.items():
        pattern = "".join(rf"\p{{{member}}}" for member in members)
        script = pl.when(pl.col("letter").str.contains(f"[{pattern}]")).then(pl.lit(name)).otherwise(script)
    kind = (
        pl.when(pl.col("text").is_null())
        .then(pl.lit(PARTS))
        .when(pl.col("text").str.contains(r"\p{N}"))
        .then(pl.lit(DIGITS))
        .when(pl.col("text").str.contains(r"[\p{P}\p{S}]"))
        .then(pl.lit(SIGNS))
        .otherwise(pl.lit(BLANK))
    )
    known_kinds = pl.Enum(KINDS)
    of_letters = texts.join(letters.with_columns(kind=script.cast(known_kinds)), on="letter")
    of_others = texts.filter(pl.col("letter").is_null()).with_columns(kind=kind.cast(known_kinds))
    counted = (
        pl.concat([of_letters.select("tokenizer", "kind"), of_others.select("tokenizer", "kind")])
        .explode("tokenizer")
        .group_by("tokenizer", "kind")
        .len()
        .with_columns(pl.col("tokenizer", "kind").cast(pl.String))
    )
    names = pl.DataFrame({"tokenizer": comparison.names, "rank": range(len(comparison.names))})
    kinds = pl.DataFrame({"kind": KINDS, "place": range(len(KINDS))})
    share = pl.col("len") / pl.col("len").sum().over("tokenizer")
    ordered = counted.join(names, on="tokenizer").join(kinds, on="kind").sort("rank", "place")
    return ordered.select("tokenizer", "kind", share=share)


def name_length(length: int) -> str:
    """Return the label of a length in bytes."""
    return f"{length}" if length < LONGEST else f"{LONGEST}+"


def count_lengths(comparison: Comparison, vocab: pl.DataFrame) -> pl.DataFrame:
    """Return the distribution of token lengths in bytes: tokenizer, label, share."""
    size = pl.col("bytes").bin.size()
    counted = (
        vocab.filter(pl.col("bytes").is_not_null() & (size > 0))
        .group_by("tokenizer", length=size.clip(1, LONGEST))
        .len()
        .with_columns(pl.col("tokenizer").cast(pl.String))
    )
    names = pl.DataFrame({"tokenizer": comparison.names, "rank": range(len(comparison.names))})
    share = pl.col("len") / pl.col("len").sum().over("tokenizer")
    labels = {length: name_length(length) for length in range(1, LONGEST + 1)}
    label = pl.col("length").replace_strict(labels, return_dtype=pl.String)
    return counted.join(names, on="tokenizer").sort("rank", "length").with_columns(share=share, label=label)


def lay_out_shares(comparison: Comparison, frame: pl.DataFrame, column: str, parts: Sequence[str], title: str) -> Table:
    """Lay out shares: one row per tokenizer, one column per part."""
    shares = {(name, part): share for name, part, share in frame.select("tokenizer", column, "share").iter_rows()}
    rows = tuple(
        (Cell(name), *(Cell(f"{100 * shares[name, p]:.1f} %" if (name, p) in shares else ABSENT) for p in parts))
        for name in comparison.names
    )
    return Table(title, ("tokenizer", *parts), rows, labels=1)
