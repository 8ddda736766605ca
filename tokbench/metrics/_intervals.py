"""Confidence intervals: the same ratios of sums, over resampled segments."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from tokbench._shared.progress import ignore_metric
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.measurement.units import Draw
from tokbench.metrics._metric import Metric
from tokbench.metrics._mixture import Mixture, mix_sums
from tokbench.metrics._reference import Reference
from tokbench.metrics._rows import is_aligned, view_facts, view_rows, with_texts
from tokbench.metrics._table import find_base
from tokbench.metrics.resampling import (
    Bootstrap,
    Floats,
    bca_interval,
    divide,
    draw_weights,
    find_units,
    number_clusters,
    percentile_interval,
    resample_sums,
)

SCHEMA = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "metric": pl.String(),
    "low": pl.Float64(),
    "high": pl.Float64(),
}

KEPT_SUMS = 4
"""Resampled sums cached at once: 20 MB each for 12 tokenizers in 204 languages."""


class Resamples:
    """Sums of counts over resampled segments: (rows, tokenizers, languages).

    All tokenizers and languages share the resampled segments (or documents, if the corpus has them). Row 0 is the
    corpus itself, followed by the resamples and, for BCa, the corpus without each segment or document.
    """

    def __init__(
        self,
        measurements: Measurements,
        bootstrap: Bootstrap,
        mixture: Mixture | None = None,
        kept: int | None = KEPT_SUMS,
    ) -> None:
        """Draw the weights.

        mixture: what values over all languages are of; None for all texts as they are.
        kept: number of sums cached at once; None for all.
        """
        self.mixture = mixture
        self.kept = kept
        self.rows = with_texts(measurements)
        self.tokenizers = measurements.tokenizers["tokenizer"].cast(pl.String).sort().to_list()
        self.languages = self.rows["lang"].unique().cast(pl.String).sort().to_list()
        self.segments = self.rows["segment"].head(self.rows.height // (len(self.tokenizers) * len(self.languages)))
        self.bootstrap = bootstrap
        check_draw(measurements, bootstrap.draw)
        by_document = bootstrap.draw == "documents"
        clusters = number_clusters(measurements.documents, self.segments) if by_document else None
        self.units = find_units(len(self.segments), clusters)
        self.weights = draw_weights(bootstrap, self.units.number)
        self.facts = measurements.tokenizers.sort(pl.col("tokenizer").cast(pl.String))
        self._sums: dict[str, Floats] = {}

    @property
    def varies(self) -> bool:
        """Return whether there are several units to draw from: a single one says nothing about others."""
        return self.units.number > 1

    def sum(self, count: pl.Expr) -> Floats:
        """Return the resampled sums of one count.

        The last few are cached: metrics share tokens, bytes and segments.
        """
        key = str(count)
        if key not in self._sums:
            while self.kept is not None and len(self._sums) >= self.kept:
                del self._sums[next(iter(self._sums))]
            by_unit = self.by_unit(count)
            observed = by_unit.sum(axis=0, keepdims=True)
            parts = [observed, resample_sums(self.weights, by_unit)]
            if self.bootstrap.method == "bca":
                parts.append(observed - by_unit)
            self._sums[key] = np.concatenate(parts).reshape(-1, len(self.tokenizers), len(self.languages))
        return self._sums[key]

    def values(self, metric: Metric, reference: Reference, *, pooled: bool) -> Floats | None:
        """Return the resampled values of a ratio, or of another expression over sums; see `ratios`."""
        if metric.level != "sums":
            return self.ratios(metric, reference, pooled=pooled)
        sums = {str(part): self.sum(part) for part in list_parts(metric)}
        if pooled:
            sums = {name: self.pool(found) for name, found in sums.items()}
        shape = next(iter(sums.values())).shape
        frame = pl.DataFrame({part.meta.output_name(): sums[str(part)].reshape(-1) for part in list_parts(metric)})
        assert metric.expr is not None
        found = frame.select(metric.expr.cast(pl.Float64).fill_null(float("nan"))).to_series()
        return found.to_numpy().reshape(shape)

    def ratios(self, metric: Metric, reference: Reference, *, pooled: bool) -> Floats | None:
        """Return a ratio's resampled values; None if its reference is missing.

        pooled: over all languages, (rows, tokenizers, 1), instead of per language.
        """
        if metric.numerator is None or metric.denominator is None:
            raise ValueError(f"the metric {metric.name} is not a ratio")
        numerators, denominators = self.sum(metric.numerator), self.sum(metric.denominator)
        if pooled:
            numerators, denominators = self.pool(numerators), self.pool(denominators)
        values = divide(numerators, denominators)
        if metric.relative_to == "reference":
            if reference.language not in self.languages:
                return None
            at = self.languages.index(reference.language)
            values = divide(values, values[:, :, at : at + 1])
        if metric.relative_to == "baseline":
            if reference.tokenizer not in self.tokenizers:
                return None
            at = self.tokenizers.index(reference.tokenizer)
            values = divide(values, values[:, at : at + 1, :])
        if metric.factor is not None:
            values = values * self.factors(metric.factor)[None, :, None]
        if metric.offset is not None:
            values = values + self.factors(metric.offset)[None, :, None]
        return values

    def pool(self, sums: Floats) -> Floats:
        """Add up resampled sums over languages, by their shares in a mixture: (rows, tokenizers, 1)."""
        if self.mixture is None:
            return sum_languages(sums)
        return mix_sums(sums, self.sum(pl.col("bytes")), self.mixture.align(self.languages))

    def pool_units(self, counts: Floats) -> Floats:
        """Add up counts per unit over languages, by their shares in a mixture: (units, tokenizers, 1)."""
        if self.mixture is None:
            return sum_languages(counts)
        observed = np.broadcast_to(self.sum(pl.col("bytes"))[:1], counts.shape)
        return mix_sums(counts, observed, self.mixture.align(self.languages))

    def by_unit(self, count: pl.Expr) -> Floats:
        """Sum one count per resampling unit: (units, cells).

        Cells are tokenizers, with the languages of each in order.
        """
        rows = view_rows(self.rows, [count])
        column = rows.select(count.cast(pl.Float64).fill_null(0.0).alias("count")).collect().to_series()
        return self.units.sum(column.to_numpy().reshape(-1, len(self.segments)).T)

    def factors(self, scale: pl.Expr) -> Floats:
        """Return a fact of each tokenizer, NaN where unknown."""
        return (
            view_facts(self.facts, scale).select(scale.cast(pl.Float64).fill_null(float("nan"))).to_series().to_numpy()
        )

    def bounds(self, values: Floats) -> tuple[Floats, Floats]:
        """Compute the interval of each cell from the result of `ratios`; NaN where nothing varies."""
        if not self.varies:
            return np.full_like(values[0], np.nan), np.full_like(values[0], np.nan)
        resampled = values[1 : self.bootstrap.resamples + 1]
        if self.bootstrap.method == "percentile":
            return percentile_interval(resampled, self.bootstrap.level)
        return bca_interval(resampled, values[0], values[self.bootstrap.resamples + 1 :], self.bootstrap.level)


def defined(value: np.float64) -> float | None:
    """Return a bound, or None for NaN."""
    return None if np.isnan(value) else float(value)


def list_parts(metric: Metric) -> list[pl.Expr]:
    """Return the counts whose sums a metric over segments, or over sums, is computed from."""
    if metric.level == "sums":
        return [] if metric.expr is None else [pl.col(name) for name in sorted(set(metric.expr.meta.root_names()))]
    return [part for part in (metric.numerator, metric.denominator) if part is not None]


def check_draw(measurements: Measurements, draw: Draw) -> None:
    """Raise TokbenchError if counts were added up over other units than those to draw."""
    documents = measurements.documents
    if measurements.pooled and documents.height:
        measured: Draw = "segments" if documents["document"].null_count() == documents.height else "documents"
        if measured != draw:
            raise TokbenchError(
                f"these counts were added up by runs of {measured}, and cannot be drawn by {draw}",
                f"draw {measured}, or measure the texts again",
            )


def sum_languages(counts: Floats) -> Floats:
    """Add up counts over languages: (..., languages) to (..., 1)."""
    total: Floats = counts.sum(axis=-1, keepdims=True)
    return total


def find_intervals(
    measurements: Measurements,
    metrics: Sequence[Metric],
    reference: Reference,
    bootstrap: Bootstrap,
    mixture: Mixture | None = None,
    *,
    on_metric: Callable[[], object] = ignore_metric,
) -> pl.DataFrame:
    """Compute intervals of metrics over segments and languages.

    Columns: tokenizer, lang, metric, low, high.

    lang: null for the value over all languages.
    on_metric: called after each metric.

    Facts have no interval, nor do measurements that are not aligned (groups: see `_stratified`). Intervals of metrics
    over ids are computed in `_spectra`.
    """
    empty = pl.DataFrame(schema=SCHEMA)
    if not is_aligned(measurements):
        return empty
    resamples = Resamples(measurements, bootstrap, mixture)
    parts = [empty]
    for metric in metrics:
        if metric.level in ("segments", "sums"):
            for pooled in (False,) if metric.relative_to == "reference" else (False, True):
                values = resamples.values(metric, reference, pooled=pooled)
                if values is not None:
                    parts.append(bound(resamples, metric, values, pooled=pooled))
            on_metric()
    across = [m for m in metrics if m.level == "languages"]
    for of in dict.fromkeys(m.base_metric for m in across):
        own = [m for m in across if m.base_metric == of]
        found = resample_across(resamples, own, find_base(own[0], metrics), reference)
        parts += [bound(resamples, m, values, pooled=True) for m, values in zip(own, found, strict=False)]
        for _ in own:
            on_metric()
    return pl.concat(parts)


def resample_across(resamples: Resamples, metrics: Sequence[Metric], of: Metric, reference: Reference) -> list[Floats]:
    """Evaluate metrics over languages on each resample.

    Returns one array (rows, tokenizers, 1) per metric.

    All `metrics` share one base metric. Empty without languages, or if the reference of the base metric is missing.
    """
    values = resamples.ratios(of, reference, pooled=False)
    if values is None:
        return []
    if of.relative_to == "reference":
        others = [i for i, lang in enumerate(resamples.languages) if lang != reference.language]
        values = values[:, :, others]
    drawn, tokenizers, languages = values.shape
    if not languages:
        return []
    groups = np.arange(drawn * tokenizers)
    frame = pl.DataFrame({"group": np.repeat(groups, languages), "value": values.reshape(-1)})
    frame = frame.with_columns(pl.col("group").set_sorted(), pl.col("value").fill_nan(None)).drop_nulls()
    every = pl.DataFrame({"group": groups}).with_columns(pl.col("group").set_sorted())
    found = []
    for expr in [m.expr for m in metrics if m.expr is not None]:  # one by one, to limit peak memory
        across = frame.group_by("group").agg(value=expr.cast(pl.Float64))
        column = every.join(across, on="group", how="left", maintain_order="left")["value"]
        found.append(column.fill_null(float("nan")).to_numpy().reshape(drawn, tokenizers, 1))
    return found


def bound(resamples: Resamples, metric: Metric, values: Floats, *, pooled: bool) -> pl.DataFrame:
    """Return the interval of each cell as rows."""
    low, high = resamples.bounds(values)
    languages: list[str | None] = [None] if pooled else list(resamples.languages)
    rows = {
        "tokenizer": np.repeat(resamples.tokenizers, len(languages)).tolist(),
        "lang": languages * len(resamples.tokenizers),
        "metric": [metric.name] * low.size,
        "low": low.reshape(-1),
        "high": high.reshape(-1),
    }
    return pl.DataFrame(rows, schema=SCHEMA).with_columns(pl.col("low", "high").fill_nan(None))
