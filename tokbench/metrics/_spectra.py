"""Metrics over frequency spectra, and their intervals from the spectra of the text without each of its blocks.

A frequency spectrum says how many ids occur once, twice, and so on. Tokens of one document depend on each other, so
that whole documents are left out: blocks of them (see `tokbench.blocks`), or of segments where none are named. The
interval is of the value to be expected of a text of as many documents: a bias that depends on the size of the text,
as the plug-in entropy has, stays in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.blocks import BLOCKS, assign_blocks
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
    # Lazily: an eager filter copies all columns of all tokenizers first.
    rows = measurements.ids.lazy().filter(pl.col("tokenizer") == tokenizer)
    own = rows.select("lang", "block", "id", "count").collect()
    parts = [
        find_spectra(rows).with_columns(lang=pl.lit(lang, pl.String))
        for lang, rows in [*((str(rows["lang"][0]), rows) for rows in own.partition_by("lang")), (None, pool(own))]
    ]
    return pl.concat(parts).join(texts, on=["lang", "without"], nulls_equal=True, maintain_order="left")


def pool(ids: pl.DataFrame) -> pl.DataFrame:
    """The histogram over all languages: block, id, count."""
    width = 1 + int(ids["id"].to_numpy().max(initial=0))
    cells = ids["block"].to_numpy().astype(np.int64) * width + ids["id"].to_numpy()
    counts = np.bincount(cells, weights=ids["count"].to_numpy())
    found = np.flatnonzero(counts)
    return pl.DataFrame({"block": found // width, "id": found % width, "count": counts[found].astype(np.int64)})


def find_spectra(ids: pl.DataFrame) -> pl.DataFrame:
    """The frequency spectra of one histogram, whole and without each block: without, count, types, tokens.

    ids: block, id, count. Leaving out a block takes each of its ids from where it was to where the rest of it is.
    """
    blocks, counts = ids["block"].to_numpy().astype(np.int64), ids["count"].to_numpy().astype(np.int64)
    totals = np.bincount(ids["id"].to_numpy(), weights=counts).astype(np.int64)
    before = totals[ids["id"].to_numpy()]
    after = before - counts
    seen = np.unique(np.concatenate([before, after]))

    def tally(frequencies: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        cells = blocks * len(seen) + np.searchsorted(seen, frequencies)
        return np.bincount(cells, minlength=BLOCKS * len(seen)).reshape(BLOCKS, len(seen))

    whole = np.bincount(np.searchsorted(seen, totals[totals > 0]), minlength=len(seen))
    spectra = np.concatenate([whole[None], whole - tally(before) + tally(after)])
    spectra[:, seen == 0] = 0
    text, frequency = np.nonzero(spectra)
    return pl.DataFrame(
        {
            "without": pl.Series([None, *range(BLOCKS)], dtype=pl.UInt8).gather(text),
            "count": seen[frequency],
            "types": spectra[text, frequency],
            "tokens": (spectra @ seen)[text],
        }
    )


def list_texts(measurements: Measurements, tokenizer: str) -> pl.DataFrame:
    """The text that a tokenizer encoded, whole and without each block, in each language and in all together.

    lang (null: all), without (null: the whole), units (documents, or segments, that are left out), text_bytes,
    vocab_base.
    """
    segment = pl.col("segment").cast(pl.UInt32)
    rows = measurements.counts.lazy().filter(pl.col("tokenizer") == tokenizer)
    own = rows.select("lang", segment).collect()
    sizes = measurements.texts.select("lang", segment, pl.col("bytes").cast(pl.Int64))
    blocks = assign_blocks(own["segment"].unique().sort(), measurements.documents)
    texts = own.join(sizes, on=["lang", "segment"]).join(blocks, on="segment")
    sums = (pl.col("bytes").sum(), pl.col("unit").n_unique().alias("units"))
    together = texts.group_by("block").agg(sums).select(pl.lit(None, texts.schema["lang"]).alias("lang"), pl.all())
    found = pl.concat([texts.group_by("lang", "block").agg(sums), together])
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
