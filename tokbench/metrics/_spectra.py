"""Metrics over frequency spectra, with jackknife intervals.

A frequency spectrum counts the ids that occur once, twice, and so on. Tokens of one document depend on each other, so
whole documents are left out: blocks of documents (see `tokbench.measurement.jackknife_blocks`), or of segments if the
corpus names no documents. The interval is for the expected value of a text of this many documents: a bias that
depends on the size of the text, such as that of the plug-in entropy, remains in it.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.threads import map_ordered
from tokbench.measurement import Measurements
from tokbench.measurement.jackknife_blocks import BLOCKS, assign_blocks
from tokbench.metrics._lengths import count_segments
from tokbench.metrics._metric import Metric
from tokbench.metrics._rows import is_aligned
from tokbench.metrics._spectrum_columns import add_columns
from tokbench.metrics.resampling import jackknife_interval

Integers = npt.NDArray[np.int64]

TABLE_SIZE = 4_000_000
"""Limit on a table of frequencies: 20 MB."""

LANGUAGES_AT_ONCE = 24
"""Languages whose spectra are held at once: some 300 kB each, several times that during evaluation."""

BOUNDS = {"lang": pl.String(), "metric": pl.String(), "low": pl.Float64(), "high": pl.Float64()}


def evaluate_spectra(measurements: Measurements, metrics: Sequence[Metric], level: float | None) -> pl.DataFrame:
    """Evaluate metrics over ids: tokenizer, lang, metric, value, low, high, n.

    level: the level of the jackknife interval; None for no intervals.

    lang: null for all languages.
    value: null without tokens.
    low, high: null without a level, for fewer than two blocks, and for metrics without an interval.
    n: segments.
    """
    repeated = [m for m in metrics if m.interval and level is not None]
    encoded = list_texts(measurements) if is_aligned(measurements) else None
    counted = count_segments(measurements)

    def evaluate(tokenizer: str) -> pl.DataFrame:
        (vocab_base,) = measurements.tokenizers.filter(pl.col("tokenizer") == tokenizer)["vocab_base"]
        texts = list_texts(measurements, tokenizer) if encoded is None else encoded
        texts = texts.with_columns(vocab_base=pl.lit(vocab_base, pl.Int64))
        whole, left_out = texts.filter(pl.col("without").is_null()), texts.filter(pl.col("without").is_not_null())
        texts = pl.concat([whole, left_out]) if repeated else whole
        of_whole = pl.col("text") < whole.height
        parts: list[tuple[pl.DataFrame, pl.DataFrame]] = []
        for spectra in list_spectra(measurements, tokenizer, texts):
            of_texts, of_rest = spectra.filter(of_whole), spectra.filter(~of_whole)
            parts.append((evaluate_each(of_texts, metrics, texts), evaluate_each(of_rest, repeated, texts)))
        values, without = (pl.concat(found) for found in zip(*parts, strict=True))
        # Cells without any token have no spectrum; they keep their rows, with null values.
        segments = counted.filter(pl.col("tokenizer") == tokenizer).drop("tokenizer")
        wide = segments.join(values.select("lang", *(m.name for m in metrics)), on="lang", how="left", nulls_equal=True)
        tall = wide.unpivot(index=["lang", "n"], variable_name="metric", value_name="value")
        bounds = pl.DataFrame(schema=BOUNDS)
        if level is not None and repeated:
            # If one block holds all tokens, nothing remains without it: that value and the interval are null.
            keys = ["lang", "without"]
            without = left_out.join(
                without.select(*keys, *(m.name for m in repeated)), on=keys, how="left", nulls_equal=True
            )
            bounds = pl.DataFrame(list(find_bounds(values, without, repeated, level)), schema=BOUNDS, orient="row")
        found = tall.join(bounds, on=["lang", "metric"], how="left", nulls_equal=True, maintain_order="left")
        return found.select(pl.lit(tokenizer).alias("tokenizer"), pl.all())

    return pl.concat(map_ordered(evaluate, measurements.tokenizers["tokenizer"].cast(pl.String).to_list()))


def list_spectra(measurements: Measurements, tokenizer: str, texts: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the frequency spectra of one tokenizer, a few languages at a time.

    texts: the result of `list_texts`; its rows are the texts.

    Columns: text (row in `texts`), count, types (how many ids occur that often), tokens (of the text), text_bytes,
    vocab_base. The order is fixed, because the last digit of a sum of floats depends on it.
    """
    # Lazy: an eager filter would first copy all columns of all tokenizers.
    rows = measurements.ids.lazy().filter(pl.col("tokenizer") == tokenizer)
    own = rows.select("lang", "block", "id", "count").collect()
    places = {key: place for place, key in enumerate(texts.select("lang", "without").iter_rows())}
    # Each row repeats numbers only, not language names.
    numbers = texts.select("text_bytes", "vocab_base", text=pl.int_range(pl.len(), dtype=pl.Int64))

    def frame(found: Sequence[dict[str, Integers]]) -> pl.DataFrame:
        columns = {name: np.concatenate([rows[name] for rows in found]) for name in found[0]}
        return pl.DataFrame(columns).join(numbers, on="text", how="left", maintain_order="left")

    languages = own["lang"].to_physical().to_numpy()
    starts = [0, *(np.flatnonzero(np.diff(languages)) + 1).tolist()] if own.height else []
    found: list[dict[str, Integers]] = []
    for start, end in pairwise([*starts, own.height]):
        part = own.slice(start, end - start)
        arrays = (part[name].to_numpy() for name in ("block", "id", "count"))
        found.append(find_spectra(*arrays).place(places, str(part["lang"][0])))
        if len(found) == LANGUAGES_AT_ONCE:
            yield frame(found)
            found.clear()
    yield frame([*found, find_spectra(*pool(own)).place(places, None)])


def pool(ids: pl.DataFrame) -> tuple[Integers, Integers, Integers]:
    """Sum the histogram over all languages: block, id, count."""
    numbers = ids["id"].to_numpy()
    occurs = np.bincount(numbers) > 0
    present, ranks = np.flatnonzero(occurs), np.cumsum(occurs) - 1
    cells = ids["block"].to_numpy().astype(np.int64) * len(present) + ranks.take(numbers)
    counts = np.bincount(cells, ids["count"].to_numpy())
    found = np.flatnonzero(counts)
    block, rank = np.divmod(found, max(len(present), 1))
    return block, present[rank], counts[found].astype(np.int64)


@dataclass(frozen=True, eq=False)
class Spectra:
    """Frequency spectra of a text, whole (row 0) and without each block.

    frequencies: the frequency of each column.
    types: how many ids occur that often, (texts, frequencies).
    tokens: tokens of each text.
    """

    frequencies: Integers
    types: Integers
    tokens: Integers

    def place(self, places: Mapping[tuple[str | None, int | None], int], lang: str | None) -> dict[str, Integers]:
        """Flatten to columns text, count, types and tokens.

        Keeps only texts listed in `places`.
        """
        texts = {
            places[key]: row for row in range(len(self.types)) if (key := (lang, row - 1 if row else None)) in places
        }
        order = np.array([texts[place] for place in sorted(texts)], np.int64)
        row, frequency = np.nonzero(self.types[order])
        return {
            "text": np.array(sorted(texts), np.int64)[row],
            "count": self.frequencies[frequency],
            "types": self.types[order][row, frequency],
            "tokens": self.tokens[order][row],
        }


def find_spectra(block: Integers, ids: Integers, count: Integers) -> Spectra:
    """Compute the frequency spectra of one histogram.

    Leaving out a block moves each of its ids from its total frequency to the remainder.
    """
    blocks, counts = block.astype(np.int64), count.astype(np.int64)
    totals = np.bincount(ids, weights=counts).astype(np.int64)
    before = totals[ids]
    after = before - counts
    most = int(totals.max(initial=0))
    # A table of all frequencies is quick, but for a large text far larger than the spectrum.
    table = np.empty(most + 1 if most < TABLE_SIZE else 0, np.int32)
    if len(table):
        occurring = np.zeros(len(table), np.bool_)
        occurring[before] = occurring[after] = True
        seen = np.flatnonzero(occurring)
        table[seen] = np.arange(len(seen), dtype=np.int32)
    else:
        seen = np.unique(np.concatenate([before, after]))

    def place(frequencies: Integers) -> npt.NDArray[np.integer]:
        return table.take(frequencies) if len(table) else np.searchsorted(seen, frequencies)

    def tally(frequencies: Integers) -> Integers:
        cells = blocks * len(seen) + place(frequencies)
        return np.bincount(cells, minlength=BLOCKS * len(seen)).reshape(BLOCKS, len(seen))

    whole = np.bincount(place(totals[totals > 0]), minlength=len(seen))
    types = np.concatenate([whole[None], whole - tally(before) + tally(after)])
    types[:, seen == 0] = 0
    return Spectra(seen, types, types @ seen)


def list_texts(measurements: Measurements, tokenizer: str | None = None) -> pl.DataFrame:
    """List the texts a tokenizer encoded, whole and without each block.

    Per language, and over all languages.

    tokenizer: None for all texts, which every tokenizer encoded.

    lang: null for all languages.
    without: the block left out; null for the whole text.
    units: documents (or segments) in that block.
    text_bytes: size of the text.
    """
    sizes = measurements.texts.select("lang", "segment", pl.col("bytes").cast(pl.Int64))
    if tokenizer is not None:
        own = measurements.counts.filter(pl.col("tokenizer") == tokenizer)
        sizes = sizes.join(own, on=["lang", "segment"], how="semi")
    blocks = assign_blocks(sizes["segment"].unique().sort(), measurements.documents)
    rows = sizes.join(blocks, on="segment")
    sums = (pl.col("bytes").sum(), pl.col("unit").n_unique().alias("units"))
    together = rows.group_by("block").agg(sums).select(pl.lit(None, rows.schema["lang"]).alias("lang"), pl.all())
    found = pl.concat([rows.group_by("lang", "block").agg(sums), together])
    total = pl.col("bytes").sum().over("lang")
    left_out = found.select("lang", "units", without="block", text_bytes=total - pl.col("bytes"))
    whole = found.group_by("lang").agg(text_bytes=pl.col("bytes").sum())
    texts = pl.concat([left_out, whole], how="diagonal")
    return texts.with_columns(pl.col("lang").cast(pl.String)).sort("lang", "without")


def evaluate_each(spectra: pl.DataFrame, metrics: Sequence[Metric], texts: pl.DataFrame) -> pl.DataFrame:
    """Evaluate metrics per text: the columns of `texts` plus one per metric.

    Undefined values are null or NaN.
    """
    exprs = [m.expr.cast(pl.Float64).alias(m.name) for m in metrics if m.expr is not None]
    values = add_columns(spectra, exprs).group_by("text", maintain_order=True).agg(exprs)
    return pl.concat([texts[values["text"]], values.drop("text")], how="horizontal")


def find_bounds(
    values: pl.DataFrame, without: pl.DataFrame, metrics: Sequence[Metric], level: float
) -> Iterator[tuple[str | None, str, float | None, float | None]]:
    """Yield the interval of each value: language, metric, low, high.

    Bounds are clipped at 0, since no such value is negative.
    """
    names = [m.name for m in metrics]
    observed, repeated = (frame.select(pl.col(names).fill_null(float("nan"))).to_numpy() for frame in (values, without))
    units = without["units"].to_numpy().astype(np.float64)
    places: defaultdict[str | None, list[int]] = defaultdict(list)
    for place, lang in enumerate(without["lang"].to_list()):
        places[lang].append(place)
    for row, lang in enumerate(values["lang"].to_list()):
        own = places[lang]
        low, high = jackknife_interval(observed[row], repeated[own], units[own], level)
        for name, bottom, top in zip(names, low.tolist(), high.tolist(), strict=True):
            defined = math.isfinite(bottom) and math.isfinite(top)
            yield lang, name, max(bottom, 0.0) if defined else None, top if defined else None
