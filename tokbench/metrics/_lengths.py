"""Lengths of emitted tokens, per tokenizer, by language and in total."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.threads import map_ordered
from tokbench.measurement import Measurements
from tokbench.metrics._metric import Metric

Integers = npt.NDArray[np.integer]

FIRST_ESCAPED, LAST_ESCAPED = 0xDC80, 0xDCFF
"""Surrogates that Python's `surrogateescape` uses for invalid UTF-8; they never occur in text."""

LENGTHS = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "unit": pl.String(),
    "length": pl.Int64(),
    "count": pl.Int64(),
}


def describe_tokens(measurements: Measurements, tokenizer: str, ids: Integers) -> tuple[Integers, Integers]:
    """Return sizes in bytes and characters, indexed by id, of tokens that occur.

    -1 for special tokens; in characters, also for tokens that are not whole characters.
    """
    rows = measurements.vocab.lazy().filter(pl.col("tokenizer") == tokenizer).select("id", "bytes").collect()
    known = rows["id"].to_numpy()
    occurs = np.zeros(1 + int(max(ids.max(initial=-1), known.max(initial=-1))), np.bool_)
    occurs[ids] = True
    rows = rows.filter(pl.Series(occurs[known]) & rows["bytes"].is_not_null())
    own, lengths = rows["id"].to_numpy(), rows["bytes"].bin.size().to_numpy()
    sizes, characters = np.full((2, len(occurs)), -1, np.int64)
    sizes[own], characters[own] = lengths, count_characters(rows["bytes"].to_list(), lengths)
    return sizes, characters


def count_characters(tokens: Sequence[bytes], lengths: Integers) -> Integers:
    """Count the characters of each token, -1 if they are not whole.

    lengths: the size of each token in bytes.
    """
    # Line feeds stop adjacent tokens from combining into a character; each invalid byte becomes a surrogate.
    text = b"\n".join([*tokens, b""]).decode(errors="surrogateescape")
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    escaped = (points >= FIRST_ESCAPED) & (points <= LAST_ESCAPED)
    widths = np.where(escaped, 1, 1 + (points >= 0x80).view(np.uint8) + (points >= 0x800) + (points >= 0x10000))
    ends = np.searchsorted(np.cumsum(widths), np.cumsum(lengths + 1, dtype=np.int64)) + 1
    partial = np.diff(np.cumsum(escaped)[ends - 1], prepend=0) > 0
    return np.where(partial, -1, np.diff(ends, prepend=0) - 1)


def lengths_of(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """Count the tokens a tokenizer emits by length: lang, size, characters, count.

    lang: null for all languages.
    size: bytes; null for special tokens.
    characters: null for special tokens and tokens that are not whole characters.
    """
    rows = measurements.ids.lazy().filter(pl.col("tokenizer") == tokenizer)
    own = rows.select("lang", "id", "count").collect()
    ids, codes = own["id"].to_numpy(), own["lang"].to_physical().to_numpy().astype(np.int64)
    # Rows are grouped by language.
    first = np.diff(codes, prepend=-1) != 0
    names = own.filter(pl.Series(first))["lang"].cast(pl.String)
    sizes, characters = describe_tokens(measurements, tokenizer, ids)
    width = 2 + int(characters.max(initial=-1))
    pairs = (sizes + 1) * width + characters + 1
    occurs = np.bincount(pairs) > 0
    kinds, kind = np.flatnonzero(occurs), (np.cumsum(occurs) - 1)[pairs]
    counts = np.zeros((len(names) + 1, len(kinds)), np.int64)
    cells = (np.cumsum(first) - 1) * len(kinds) + kind[ids]
    counts[:-1] = np.bincount(cells, own["count"].to_numpy(), counts[:-1].size).reshape(len(names), len(kinds))
    counts[-1] = counts.sum(axis=0)
    lang, found = np.nonzero(counts)
    frame = pl.DataFrame(
        {
            "lang": names.extend_constant(None, 1).gather(lang),
            "size": (kinds // width - 1)[found],
            "characters": (kinds % width - 1)[found],
            "count": counts[lang, found],
        }
    )
    known = (pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in ("size", "characters"))
    return frame.select("lang", *known, "count")


def evaluate_lengths(measurements: Measurements, metrics: Sequence[Metric]) -> pl.DataFrame:
    """Evaluate metrics over token lengths: tokenizer, lang, metric, value, n.

    lang: null for all languages.
    value: null without tokens.
    n: segments.
    """
    exprs = [m.expr.cast(pl.Float64).alias(m.name) for m in metrics if m.expr is not None]
    counted = count_segments(measurements)

    def evaluate(tokenizer: str) -> pl.DataFrame:
        values = lengths_of(measurements, tokenizer).group_by("lang").agg(exprs)
        segments = counted.filter(pl.col("tokenizer") == tokenizer).drop("tokenizer")
        # Cells without any token have no lengths; they keep their rows, with null values.
        wide = segments.join(values, on="lang", how="left", nulls_equal=True, maintain_order="left")
        tall = wide.unpivot(index=["lang", "n"], variable_name="metric", value_name="value")
        return tall.select(pl.lit(tokenizer).alias("tokenizer"), pl.all())

    return pl.concat(map_ordered(evaluate, measurements.tokenizers["tokenizer"].cast(pl.String).to_list()))


def count_segments(measurements: Measurements) -> pl.DataFrame:
    """Count the segments each tokenizer encoded: tokenizer, lang (null: all), n."""
    counts, number = measurements.counts, pl.len().cast(pl.Int64)
    if measurements.pooled:
        sizes = measurements.texts.select("lang", "segment", "segments")
        counts = counts.join(sizes, on=["lang", "segment"], how="left", maintain_order="left")
        number = pl.col("segments").cast(pl.Int64).sum()
    cells = counts.group_by("tokenizer", "lang", maintain_order=True).agg(n=number)
    by_language = cells.with_columns(pl.col("tokenizer", "lang").cast(pl.String))
    together = by_language.group_by("tokenizer", maintain_order=True).agg(pl.col("n").sum())
    return pl.concat([by_language, together.select("tokenizer", pl.lit(None, pl.String).alias("lang"), "n")])


def list_token_lengths(measurements: Measurements) -> pl.DataFrame:
    """List the lengths of emitted tokens: tokenizer, lang, unit, length, count.

    unit: bytes or characters.
    length: null, in characters, for the bin of tokens that are not whole characters.

    Rows are sorted by tokenizer, unit, lang and length. Special tokens represent no text and are excluded.
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
