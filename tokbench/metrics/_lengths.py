"""How long the emitted tokens are: one tokenizer at a time, by language and over all languages together."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from tokbench.measurement import Measurements
from tokbench.metrics._metric import Metric

LENGTHS = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "unit": pl.String(),
    "length": pl.Int64(),
    "count": pl.Int64(),
}


def describe_tokens(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """The sizes of tokens: id, size (bytes), characters (null for part of a character); both null if special."""
    vocab = measurements.vocab.filter(pl.col("tokenizer") == tokenizer)
    text = pl.col("bytes").map_batches(decode_whole, return_dtype=pl.String)
    return vocab.select("id", size=pl.col("bytes").bin.size().cast(pl.Int64), characters=text.str.len_chars())


def decode_whole(tokens: pl.Series) -> pl.Series:
    """Tokens as text, null for those that are not whole characters."""
    return pl.Series([decode_token(token) for token in tokens.to_list()], dtype=pl.String)


def decode_token(token: bytes | None) -> str | None:
    """A token as text, None where it is not whole characters."""
    if token is None:
        return None
    try:
        return token.decode()
    except UnicodeDecodeError:
        return None


def lengths_of(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """How long the tokens are that a tokenizer emits: lang (null: all languages), size, characters, count."""
    rows = measurements.ids.lazy().filter(pl.col("tokenizer") == tokenizer)
    ids = rows.select("lang", "id", "count").collect()
    sized = ids.join(describe_tokens(measurements, tokenizer), on="id", how="left").drop("id")
    by_language = sized.group_by("lang", "size", "characters").agg(pl.col("count").cast(pl.Int64).sum())
    by_language = by_language.with_columns(pl.col("lang").cast(pl.String))
    together = by_language.group_by("size", "characters").agg(pl.col("count").sum())
    return pl.concat([by_language, together.select(pl.lit(None, pl.String).alias("lang"), pl.all())])


def evaluate_lengths(measurements: Measurements, metrics: Sequence[Metric]) -> pl.DataFrame:
    """Metrics over lengths of tokens: tokenizer, lang (null: all), metric, value, n (segments); null without tokens."""
    exprs = [m.expr.cast(pl.Float64).alias(m.name) for m in metrics if m.expr is not None]
    parts = []
    for tokenizer in measurements.tokenizers["tokenizer"].cast(pl.String).to_list():
        values = lengths_of(measurements, tokenizer).group_by("lang").agg(exprs)
        segments = count_segments(measurements, tokenizer)
        # Where no text gave any token there are no lengths: the values are null, and the rows are there.
        wide = segments.join(values, on="lang", how="left", nulls_equal=True, maintain_order="left")
        tall = wide.unpivot(index=["lang", "n"], variable_name="metric", value_name="value")
        parts.append(tall.select(pl.lit(tokenizer).alias("tokenizer"), pl.all()))
    return pl.concat(parts)


def count_segments(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """The segments that a tokenizer encoded: lang (null: all languages), n."""
    own = measurements.counts.filter(pl.col("tokenizer") == tokenizer)
    by_language = own.group_by(pl.col("lang").cast(pl.String), maintain_order=True).agg(n=pl.len())
    return pl.concat([by_language, pl.DataFrame({"lang": [None], "n": [own.height]}, schema=by_language.schema)])


def list_token_lengths(measurements: Measurements) -> pl.DataFrame:
    """How long the emitted tokens are: tokenizer, lang, unit (bytes, characters), length, count, in order.

    Tokens that are part of a character are a bin of their own among characters, of length null; special tokens,
    which stand for no text, are in none.
    """
    parts = [pl.DataFrame(schema=LENGTHS)]
    for tokenizer in measurements.tokenizers["tokenizer"].cast(pl.String).to_list():
        rows = lengths_of(measurements, tokenizer).filter(pl.col("size").is_not_null())
        for unit, column in (("bytes", "size"), ("characters", "characters")):
            counted = rows.group_by("lang", pl.col(column).alias("length")).agg(pl.col("count").sum())
            named = counted.select(
                pl.lit(tokenizer).alias("tokenizer"), "lang", pl.lit(unit).alias("unit"), "length", "count"
            )
            parts.append(named.select(pl.col(key).cast(kind) for key, kind in LENGTHS.items()).sort("lang", "length"))
    return pl.concat(parts)
