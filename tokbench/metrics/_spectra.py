"""Metrics over frequency spectra, and their intervals from the spectra of the text without each of its blocks.

A frequency spectrum says how many ids occur once, twice, and so on. Tokens of one document depend on each other, so
that whole documents are left out: blocks of them (see `tokbench.blocks`), or of segments where none are named. The
interval is of the value to be expected of a text of as many documents: a bias that depends on the size of the text,
as the plug-in entropy has, stays in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl

from tokbench.blocks import assign_blocks
from tokbench.measurement import Measurements
from tokbench.metrics._lengths import count_segments
from tokbench.metrics._metric import Metric
from tokbench.statistics import jackknife_interval

BOUNDS = {"lang": pl.String(), "metric": pl.String(), "low": pl.Float64(), "high": pl.Float64()}


def evaluate_spectra(measurements: Measurements, metrics: Sequence[Metric], level: float | None) -> pl.DataFrame:
    """Metrics over ids: tokenizer, lang (null: all), metric, value, low, high, n (segments); null without tokens.

    low and high: the interval of the jackknife at this level; null without a level, for fewer than two blocks, and
    for metrics that are not evaluated again without each block.
    """
    repeated = [m for m in metrics if m.interval and level is not None]
    parts = []
    for tokenizer in measurements.tokenizers["tokenizer"].cast(pl.String).to_list():
        left_out = pl.col("without").is_not_null()
        texts = list_texts(measurements, tokenizer)
        spectra = list_spectra(measurements, tokenizer, texts if repeated else texts.filter(~left_out))
        values = evaluate_each(spectra.filter(~left_out), metrics)
        # Where no text gave any token there is no spectrum: the values are null, and the rows are there.
        wide = count_segments(measurements, tokenizer).join(
            values.select("lang", *(m.name for m in metrics)), on="lang", how="left", nulls_equal=True
        )
        tall = wide.unpivot(index=["lang", "n"], variable_name="metric", value_name="value")
        bounds = pl.DataFrame(schema=BOUNDS)
        if level is not None and repeated:
            without = evaluate_each(spectra.filter(left_out), repeated)
            # Where a block holds all the tokens, nothing is left without it: null, and so is the interval.
            without = texts.filter(left_out).join(without, on=["lang", "without"], how="left", nulls_equal=True)
            bounds = pl.DataFrame(list(find_bounds(values, without, repeated, level)), schema=BOUNDS, orient="row")
        found = tall.join(bounds, on=["lang", "metric"], how="left", nulls_equal=True, maintain_order="left")
        parts.append(found.select(pl.lit(tokenizer).alias("tokenizer"), pl.all()))
    return pl.concat(parts)


def list_spectra(measurements: Measurements, tokenizer: str, texts: pl.DataFrame) -> pl.DataFrame:
    """The frequency spectra of one tokenizer, of each of the texts that `list_texts` gives.

    The columns of the texts, count, types (how many ids occur so often), tokens (of the text); in order, which the
    last digit of a sum of floats depends on.
    """
    ids = list_ids(measurements, tokenizer)
    whole = ids.unique(["lang", "id"]).group_by("lang", count="total").agg(types=pl.len().cast(pl.Int64))
    changes = [texts.select("lang", "without").join(whole, on="lang", nulls_equal=True)]
    if texts["without"].null_count() < texts.height:
        rest = (pl.col("total") - pl.col("count")).alias("count")
        gone = ids.group_by("lang", without="block", count="total").agg(types=-pl.len().cast(pl.Int64))
        left = ids.select("lang", rest, without="block").filter(pl.col("count") > 0)
        changes += [gone, left.group_by("lang", "without", "count").agg(types=pl.len().cast(pl.Int64))]
    columns = ("lang", "without", "count", "types")
    spectra = pl.concat([change.select(columns) for change in changes])
    spectra = spectra.group_by("lang", "without", "count").agg(pl.col("types").sum()).filter(pl.col("types") > 0)
    tokens = (pl.col("count") * pl.col("types")).sum().over("lang", "without")
    spectra = spectra.with_columns(tokens=tokens).join(texts, on=["lang", "without"], nulls_equal=True)
    return spectra.sort("lang", "without", "count")


def list_ids(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """The ids of one tokenizer: lang (null: all languages), block, id, count, and total, the count in all blocks."""
    own = measurements.ids.filter(pl.col("tokenizer") == tokenizer)
    own = own.select(pl.col("lang").cast(pl.String), "block", "id", pl.col("count").cast(pl.Int64))
    together = own.group_by("block", "id").agg(pl.col("count").sum())
    rows = pl.concat([own, together.select(pl.lit(None, own.schema["lang"]).alias("lang"), pl.all())])
    totals = rows.group_by("lang", "id").agg(total=pl.col("count").sum())
    return rows.join(totals, on=["lang", "id"], nulls_equal=True)


def list_texts(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """The text that a tokenizer encoded, whole and without each block, in each language and in all together.

    lang (null: all), without (null: the whole), units (documents, or segments, that are left out), text_bytes,
    vocab_base.
    """
    segment = pl.col("segment").cast(pl.UInt32)
    own = measurements.counts.filter(pl.col("tokenizer") == tokenizer).select("lang", segment)
    sizes = measurements.texts.select("lang", segment, pl.col("bytes").cast(pl.Int64))
    blocks = assign_blocks(own["segment"].unique().sort(), measurements.documents)
    rows = own.join(sizes, on=["lang", "segment"]).join(blocks, on="segment")
    sums = (pl.col("bytes").sum(), pl.col("unit").n_unique().alias("units"))
    together = rows.group_by("block").agg(sums).select(pl.lit(None, rows.schema["lang"]).alias("lang"), pl.all())
    found = pl.concat([rows.group_by("lang", "block").agg(sums), together])
    total = pl.col("bytes").sum().over("lang")
    left_out = found.select("lang", "units", without="block", text_bytes=total - pl.col("bytes"))
    whole = found.group_by("lang").agg(text_bytes=pl.col("bytes").sum())
    (vocab_base,) = measurements.tokenizers.filter(pl.col("tokenizer") == tokenizer)["vocab_base"]
    texts = pl.concat([left_out, whole], how="diagonal").with_columns(vocab_base=pl.lit(vocab_base, pl.Int64))
    return texts.with_columns(pl.col("lang").cast(pl.String)).sort("lang", "without")


def evaluate_each(spectra: pl.DataFrame, metrics: Sequence[Metric]) -> pl.DataFrame:
    """The values of metrics: lang, without, and a column a metric, null or NaN where undefined."""
    exprs = [m.expr.cast(pl.Float64).alias(m.name) for m in metrics if m.expr is not None]
    return spectra.group_by("lang", "without", maintain_order=True).agg(exprs)


def find_bounds(
    values: pl.DataFrame, without: pl.DataFrame, metrics: Sequence[Metric], level: float
) -> Iterator[tuple[str | None, str, float | None, float | None]]:
    """The interval of each value: language, metric, low, high. It ends at 0, below which no such value lies."""
    names = [m.name for m in metrics]
    undefined = float("nan")
    rows = without.with_columns(pl.col(names).fill_null(undefined)).partition_by("lang", as_dict=True)
    for lang, *observed in values.select("lang", pl.col(names).fill_null(undefined)).iter_rows():
        own = rows[(lang,)]
        low, high = jackknife_interval(
            np.array(observed), own.select(names).to_numpy(), own["units"].to_numpy().astype(np.float64), level
        )
        for name, bottom, top in zip(names, low.tolist(), high.tolist(), strict=True):
            defined = np.isfinite(bottom) and np.isfinite(top)
            yield lang, name, max(bottom, 0.0) if defined else None, top if defined else None
