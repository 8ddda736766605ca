"""Compute values from counts: grouping and references, common to all metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import polars as pl

from tokbench._shared.process import hold_blas
from tokbench._shared.progress import ignore_metric
from tokbench._shared.threads import map_ordered
from tokbench.measurement import Measurements
from tokbench.metrics._intervals import SCHEMA as BOUNDS
from tokbench.metrics._intervals import find_intervals, list_parts
from tokbench.metrics._lengths import evaluate_lengths
from tokbench.metrics._metric import Metric
from tokbench.metrics._mixture import Mixture
from tokbench.metrics._reference import Reference
from tokbench.metrics._rows import check_pooled, split_rows, view_facts, view_rows, with_texts
from tokbench.metrics._spectra import evaluate_spectra
from tokbench.metrics._stratified import find_group_intervals, is_grouped, needs_alignment
from tokbench.metrics._table import DEFAULT_METRICS, find_base, find_metrics
from tokbench.metrics.resampling import Bootstrap, divide

SCHEMA = {
    "tokenizer": pl.String(),
    "lang": pl.String(),
    "metric": pl.String(),
    "value": pl.Float64(),
    "n": pl.Int64(),
}


def evaluate(
    measurements: Measurements,
    metrics: str | Metric | Iterable[str | Metric] = DEFAULT_METRICS,
    reference: Reference | str | None = None,
    bootstrap: Bootstrap | None = None,
    mixture: Mixture | None = None,
    *,
    on_metric: Callable[[], object] = ignore_metric,
) -> pl.DataFrame:
    """Evaluate metrics: tokenizer, lang, metric, value, low, high, n.

    metrics: names, or your own metrics.
    reference: the language that premiums are relative to, or a `Reference`, which also names the baseline tokenizer.
    bootstrap: how to compute intervals; None for no intervals.
    mixture: what values over all languages are of, instead of all texts as they are. Metrics over ids and token lengths
        have none then: they are not sums over texts.
    on_metric: called when the interval of a metric over segments or languages is known, from any thread.

    lang: null for all languages.
    low, high: the bootstrap interval (for metrics over ids, a jackknife at its level: see `tokbench.metrics._spectra`);
        null for metrics without intervals.

    Undefined values are null: denominator 0, no reference, or no parallel text for a metric that compares translations.
    Metrics over word types and timings have no rows.
    """
    metrics = find_metrics(metrics)
    reference = reference if isinstance(reference, Reference) else Reference(reference)
    grouped = is_grouped(measurements)
    if grouped:
        reference = Reference(None, reference.tokenizer)
    of = [find_base(m, metrics) for m in metrics if m.base_metric is not None]
    ratios = {m.name: m for m in [*metrics, *of] if m.level == "segments"}
    if measurements.pooled:
        check_pooled([*ratios.values()])
    by_segment = evaluate_ratios(measurements, list(ratios.values()), reference, mixture)
    parts = [by_segment.filter(pl.col("metric").is_in([m.name for m in metrics]))]
    parts.append(evaluate_sums(measurements, [m for m in metrics if m.level == "sums"], mixture))
    spectra = [m for m in metrics if m.level == "ids"]
    lengths = [m for m in metrics if m.level == "lengths"]
    bounds = [pl.DataFrame(schema=BOUNDS)]
    # Slow parts run in parallel.
    jobs: list[Callable[[], pl.DataFrame]] = []
    if spectra:
        jobs.append(lambda: evaluate_spectra(measurements, spectra, None if bootstrap is None else bootstrap.level))
    if lengths:
        jobs.append(lambda: evaluate_lengths(measurements, lengths))
    if bootstrap is not None:
        find = find_group_intervals if grouped else find_intervals
        jobs.append(lambda: find(measurements, metrics, reference, bootstrap, mixture, on_metric=on_metric))
    with hold_blas():
        for done in map_ordered(lambda job: job(), jobs):
            if "value" in done.columns:
                parts.append(tall(done))
            if "low" in done.columns:
                bounds.append(done.select(*BOUNDS))
    alone = [m.name for m in metrics if grouped and needs_alignment(m, metrics)]
    parts += [
        evaluate_across(by_segment, m, find_base(m, metrics), reference, defined=m.name not in alone)
        for m in metrics
        if m.base_metric
    ]
    parts += [evaluate_fact(measurements, m) for m in metrics if m.level == "tokenizers"]
    value = pl.when(pl.col("value").is_finite()).then("value")
    values = pl.concat(parts).with_columns(value.alias("value"))
    keys = ["tokenizer", "lang", "metric"]
    found = values.join(pl.concat(bounds), on=keys, how="left", nulls_equal=True, maintain_order="left")
    if mixture is None:
        return found
    unmixed = pl.col("lang").is_null() & pl.col("metric").is_in([m.name for m in (*spectra, *lengths)])
    return found.with_columns(pl.when(~unmixed).then(pl.col(name)).alias(name) for name in ("value", "low", "high"))


def tall(frame: pl.DataFrame) -> pl.DataFrame:
    """Select the columns of `SCHEMA`, cast to its types."""
    return frame.select(pl.col(name).cast(kind) for name, kind in SCHEMA.items())


def evaluate_ratios(
    measurements: Measurements, metrics: Sequence[Metric], reference: Reference, mixture: Mixture | None
) -> pl.DataFrame:
    """Compute ratios of sums over segments, per language and pooled over all, or over a mixture.

    Metrics relative to a reference language have no pooled value.
    """
    sums = [
        expr.sum().cast(pl.Float64).alias(f"{m.name}/{part}")
        for m in metrics
        for part, expr in (("numerator", m.numerator), ("denominator", m.denominator))
        if expr is not None
    ]
    segments = [
        pl.when(m.numerator.is_not_null() & m.denominator.is_not_null()).then(m.cases).sum().alias(f"{m.name}/n")
        for m in metrics
        if m.numerator is not None and m.denominator is not None
    ]
    size = pl.col("bytes").sum().cast(pl.Float64).alias("bytes")
    parts = []
    for own in split_rows(with_texts(measurements)):  # all at once, every expression would have a column of all rows
        wide = own.with_columns(pl.col(pl.Int32).cast(pl.Int64))  # sums of 32 bits would wrap
        rows = view_rows(wide, [*sums, *segments])
        parts.append(rows.group_by("tokenizer", "lang", maintain_order=True).agg(*sums, *segments, size).collect())
    cells = pl.concat(parts)
    cells = cells.with_columns(pl.col("tokenizer", "lang").cast(pl.String))
    pooled = pool_cells(cells, [column.meta.output_name() for column in sums], mixture)
    facts = measurements.tokenizers.with_columns(pl.col("tokenizer").cast(pl.String))
    found = [tall(pl.DataFrame(schema=SCHEMA))]
    for m in metrics:
        frames = [cells] if m.relative_to == "reference" else [cells, pooled.with_columns(lang=pl.lit(None, pl.String))]
        found += [tall(scale(relate(ratio(frame, m), m, reference), facts, m)) for frame in frames]
    return pl.concat(found)


def evaluate_sums(measurements: Measurements, metrics: Sequence[Metric], mixture: Mixture | None) -> pl.DataFrame:
    """Evaluate expressions over sums of counts, per language and over all, or over a mixture."""
    if not metrics:
        return tall(pl.DataFrame(schema=SCHEMA))
    columns = list({str(part): part for metric in metrics for part in list_parts(metric)}.values())
    names = [column.meta.output_name() for column in columns]
    wanted = [*columns, pl.col("bytes"), *(metric.cases for metric in metrics)]
    cells = pl.concat(
        view_rows(own, wanted)
        .group_by("tokenizer", "lang", maintain_order=True)
        .agg(
            *(
                pl.when(pl.col(name).count() > 0).then(pl.col(name).cast(pl.Float64).sum()).alias(name)
                for name in names
            ),
            *(metric.cases.cast(pl.Int64).sum().alias(f"{metric.name}/n") for metric in metrics),
            pl.col("bytes").cast(pl.Float64).sum(),
        )
        .collect()
        for own in split_rows(with_texts(measurements))
    ).with_columns(pl.col("tokenizer", "lang").cast(pl.String))
    pooled = pool_cells(cells, names, mixture).with_columns(lang=pl.lit(None, pl.String))
    return pl.concat(
        tall(frame.select("tokenizer", "lang", value=metric.expr, n=f"{metric.name}/n", metric=pl.lit(metric.name)))
        for metric in metrics
        for frame in (cells, pooled)
        if metric.expr is not None
    )


def pool_cells(cells: pl.DataFrame, sums: Sequence[str], mixture: Mixture | None) -> pl.DataFrame:
    """Add up the sums of all languages per tokenizer, in a mixture by their shares of its bytes."""
    if mixture is not None:
        cells = cells.filter(pl.col("lang").is_in(list(mixture.shares)))
        share = pl.col("lang").replace_strict(mixture.shares, return_dtype=pl.Float64)
        cells = cells.with_columns(pl.col(sums) / pl.col("bytes") * share)
    return cells.group_by("tokenizer").agg(pl.exclude("lang").sum())


def ratio(cells: pl.DataFrame, metric: Metric) -> pl.DataFrame:
    """Compute one metric's ratio in each cell."""
    quotient = divide_columns(cells[f"{metric.name}/numerator"], cells[f"{metric.name}/denominator"])
    return cells.select(
        *("tokenizer", "lang"),
        pl.lit(metric.name).alias("metric"),
        quotient.alias("value"),
        pl.col(f"{metric.name}/n").alias("n"),
    )


def scale(values: pl.DataFrame, facts: pl.DataFrame, metric: Metric) -> pl.DataFrame:
    """Multiply values by the metric's factor and add its offset, facts of the tokenizer, if it has any."""
    for part, change in ((metric.factor, pl.Expr.mul), (metric.offset, pl.Expr.add)):
        if part is not None:
            own = view_facts(facts, part).select("tokenizer", part.cast(pl.Float64).alias("fact"))
            joined = values.join(own, on="tokenizer", how="left", maintain_order="left")
            values = joined.with_columns(value=change(pl.col("value"), pl.col("fact"))).drop("fact")
    return values


def divide_columns(numerators: pl.Series, denominators: pl.Series) -> pl.Series:
    """Divide two columns, null where the divisor is 0.

    Uses numpy: polars multiplies by the reciprocal where a divisor repeats, and then x / x is not 1.
    """
    top, bottom = (side.cast(pl.Float64).fill_null(float("nan")).to_numpy() for side in (numerators, denominators))
    return pl.Series("value", divide(top, bottom)).fill_nan(None)


def relate(values: pl.DataFrame, metric: Metric, reference: Reference) -> pl.DataFrame:
    """Divide values by those of the reference language or baseline; null without one."""
    if metric.relative_to is None:
        return values
    key, by, chosen = (
        ("lang", "tokenizer", reference.language)
        if metric.relative_to == "reference"
        else ("tokenizer", "lang", reference.tokenizer)
    )
    chosen_rows = values.filter(pl.col(key) == pl.lit(chosen, pl.String)).select(by, pl.col("value").alias("divisor"))
    joined = values.join(chosen_rows, on=by, how="left", nulls_equal=True, maintain_order="left")
    return joined.with_columns(value=divide_columns(joined["value"], joined["divisor"]))


def evaluate_across(
    by_segment: pl.DataFrame, metric: Metric, base: Metric, reference: Reference, *, defined: bool = True
) -> pl.DataFrame:
    """Evaluate a metric over the values of another in all languages.

    defined: false if the texts are not parallel and the metric needs that: the value is null and n is 0.
    The reference language is excluded if the base metric is relative to it. One row per tokenizer; if no language
    has a value, the value is null and n is 0.
    """
    if metric.expr is None:
        raise ValueError(f"the metric {metric.name} over languages needs `expr`")
    own = (pl.col("metric") == base.name) & pl.col("lang").is_not_null() & pl.col("value").is_not_null()
    if base.relative_to == "reference":
        own &= pl.col("lang") != pl.lit(reference.language or "")
    rows = by_segment.filter(own & pl.lit(defined)).sort("tokenizer", "lang")
    found = rows.group_by("tokenizer").agg(value=metric.expr, n=pl.len())
    every = by_segment.select("tokenizer").unique().sort("tokenizer")
    values = every.join(found, on="tokenizer", how="left", maintain_order="left").with_columns(pl.col("n").fill_null(0))
    return tall(values.with_columns(metric=pl.lit(metric.name), lang=pl.lit(None, pl.String)))


def evaluate_fact(measurements: Measurements, metric: Metric) -> pl.DataFrame:
    """Read one fact of each tokenizer."""
    if metric.expr is None:
        raise ValueError(f"the metric {metric.name} over tokenizers needs `expr`")
    return tall(
        measurements.tokenizers.select(
            "tokenizer",
            pl.lit(None, pl.String).alias("lang"),
            pl.lit(metric.name).alias("metric"),
            metric.expr.alias("value"),
            pl.lit(None, pl.Int64).alias("n"),
        )
    )
