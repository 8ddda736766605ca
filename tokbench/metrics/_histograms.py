"""Metrics over histograms of ids: one tokenizer at a time, by language and over all languages together."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.measurement import Measurements
from tokbench.metrics._metric import Metric

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

SMALL_FACTORIALS = np.array([math.lgamma(k + 1) for k in range(32)])

TERMS = 200_000

LENGTHS = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "unit": pl.String(),
    "length": pl.Int64(),
    "count": pl.Int64(),
}


def describe_tokens(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """The sizes of tokens: id, size (bytes), characters (null for part of a character); both null if special."""
    vocab = measurements.vocab.filter(pl.col("tokenizer").cast(pl.String) == tokenizer)
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


def histograms_of(measurements: Measurements, tokenizer: str, *, sizes: bool) -> pl.DataFrame:
    """The ids of one tokenizer: lang (null: all languages), id, count, vocab_base, text_bytes, and sizes if asked for.

    In the order of languages and ids, which the last digit of a sum of floats depends on.
    """
    own = pl.col("tokenizer").cast(pl.String) == tokenizer
    ids = measurements.ids.filter(own).select(pl.col("lang").cast(pl.String), "id", "count").sort("lang", "id")
    bytes_of = measurements.texts.group_by(pl.col("lang").cast(pl.String)).agg(text_bytes=pl.col("bytes").sum())
    measured = measurements.counts.filter(own)["lang"].cast(pl.String).unique()
    total = bytes_of.filter(pl.col("lang").is_in(measured.implode()))["text_bytes"].sum()
    pooled = ids.group_by("id").agg(pl.col("count").sum()).sort("id")
    by_language = ids.join(bytes_of, on="lang", how="left", maintain_order="left")
    together = pooled.select(pl.lit(None, pl.String).alias("lang"), "id", "count", pl.lit(total).alias("text_bytes"))
    rows = pl.concat([by_language, together], how="vertical_relaxed")
    (vocab_base,) = measurements.tokenizers.filter(own)["vocab_base"]
    rows = rows.with_columns(vocab_base=pl.lit(vocab_base, pl.Int64))
    if not sizes:
        return rows
    return rows.join(describe_tokens(measurements, tokenizer), on="id", how="left", maintain_order="left")


def evaluate_histograms(measurements: Measurements, metrics: Sequence[Metric]) -> pl.DataFrame:
    """Metrics over histograms: tokenizer, lang (null: all), n (segments), metric, value; null without tokens."""
    exprs = {m.name: m.expr.cast(pl.Float64).alias(m.name) for m in metrics if m.expr is not None}
    needs_sizes = any({"size", "characters"} & set(expr.meta.root_names()) for expr in exprs.values())
    parts = []
    for tokenizer in measurements.tokenizers["tokenizer"].cast(pl.String).to_list():
        rows = histograms_of(measurements, tokenizer, sizes=needs_sizes)
        values = rows.group_by("lang", maintain_order=True).agg(exprs.values())
        own = measurements.counts.filter(pl.col("tokenizer").cast(pl.String) == tokenizer)
        segments = own.group_by(pl.col("lang").cast(pl.String), maintain_order=True).agg(n=pl.len())
        every = pl.DataFrame({"lang": [None], "n": [own.height]}, schema=segments.schema)
        # Where no text gave any token there is no histogram: the values are null, and the rows are there.
        wide = pl.concat([segments, every]).join(values, on="lang", how="left", nulls_equal=True, maintain_order="left")
        tall = wide.unpivot(index=["lang", "n"], variable_name="metric", value_name="value")
        parts.append(tall.select(pl.lit(tokenizer).alias("tokenizer"), pl.all()))
    return pl.concat(parts)


def list_token_lengths(measurements: Measurements) -> pl.DataFrame:
    """How long the emitted tokens are: tokenizer, lang, unit (bytes, characters), length, count, in order.

    Tokens that are part of a character are a bin of their own among characters, of length null; special tokens,
    which stand for no text, are in none.
    """
    parts = [pl.DataFrame(schema=LENGTHS)]
    for tokenizer in measurements.tokenizers["tokenizer"].cast(pl.String).to_list():
        rows = histograms_of(measurements, tokenizer, sizes=True).filter(pl.col("size").is_not_null())
        for unit, column in (("bytes", "size"), ("characters", "characters")):
            counted = rows.group_by("lang", pl.col(column).alias("length")).agg(pl.col("count").sum())
            named = counted.select(
                pl.lit(tokenizer).alias("tokenizer"), "lang", pl.lit(unit).alias("unit"), "length", "count"
            )
            parts.append(named.select(pl.col(key).cast(kind) for key, kind in LENGTHS.items()).sort("lang", "length"))
    return pl.concat(parts)


def rarefy_types(count: pl.Series, size: int) -> float | None:
    """The expected number of distinct ids among `size` tokens drawn from a histogram without putting back; exact.

    sum over ids of 1 - C(N - c, size) / C(N, size); None where the histogram holds fewer tokens.
    Source: Hurlbert 1971, Ecology 52.
    """
    counts, repeats = np.unique(count.to_numpy().astype(np.int64), return_counts=True)
    total = int((counts * repeats).sum())
    if total < size:
        return None
    left = total - counts
    possible = left >= size
    absent = np.zeros(len(counts))
    every = log_choose(np.array(total), np.array(size))
    absent[possible] = np.exp(log_choose(left[possible], np.array(size)) - every)
    return float(((1 - absent) * repeats).sum())


def rarefy_entropy(count: pl.Series, size: int) -> float | None:
    """The expected plug-in entropy, in bits, of `size` tokens drawn without putting back; None where there are fewer.

    The number k of an id among them is hypergeometric: sum over ids of E[-k/size log2 k/size]. Terms of a probability
    below 1e-18 of the likeliest are left out.
    """
    counts, repeats = np.unique(count.to_numpy().astype(np.int64), return_counts=True)
    total = int((counts * repeats).sum())
    if total < size:
        return None
    every = log_choose(np.array(total), np.array(size))
    mean = size * counts / total
    reach = 9 * np.sqrt(mean + 1) + 20
    least = np.maximum(np.maximum(1, size - (total - counts)), (mean - reach).astype(np.int64))
    terms = np.maximum(np.minimum(np.minimum(counts, size), (mean + reach).astype(np.int64)) - least + 1, 0)
    # In groups of so many terms, since the histogram of a large text has millions of them.
    groups = np.cumsum(terms) // TERMS
    entropy = 0.0
    for group in range(int(groups[-1]) + 1):
        chosen = groups == group
        lengths = terms[chosen]
        c, times = np.repeat(counts[chosen], lengths), np.repeat(repeats[chosen], lengths)
        k = np.arange(len(c)) + np.repeat(least[chosen] - np.cumsum(lengths) + lengths, lengths)
        chance = log_choose(c, k) + log_choose(total - c, size - k) - every
        share = k / size
        entropy -= float((times * np.exp(chance) * share * np.log2(share)).sum())
    return abs(entropy)


def log_factorial(k: Integers) -> Floats:
    """Log k!: exact products below 32, Stirling's series above (12 digits and more)."""
    large = np.maximum(k, 32).astype(np.float64)
    series = 1 / (12 * large) - 1 / (360 * large**3) + 1 / (1260 * large**5) - 1 / (1680 * large**7)
    stirling = large * np.log(large) - large + 0.5 * np.log(2 * np.pi * large) + series
    found: Floats = np.where(k < 32, SMALL_FACTORIALS[np.minimum(k, 31)], stirling)
    return found


def log_choose(n: Integers, k: Integers) -> Floats:
    """Log of the binomial coefficient, 0 <= k <= n."""
    return log_factorial(n) - log_factorial(k) - log_factorial(n - k)
