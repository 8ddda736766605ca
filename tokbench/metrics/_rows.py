"""The rows that metrics over segments add up: segments or units, with the same columns for both."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import permutations

import polars as pl

from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements, put_in_order
from tokbench.measurement.boundaries import COLUMNS as BOUNDARIES
from tokbench.measurement.round_trip import Loss
from tokbench.measurement.units import COMPLETE, COUNT_SUMS, KEYS, KNOWN, LOSSES, TEXT_SUMS
from tokbench.metrics._metric import Metric

_unk_chars, _continued = pl.col("unk_chars"), pl.col("continued_words")

OF_SEGMENTS: Mapping[str, pl.Expr] = {
    "segments": pl.col("tokens").is_not_null(),
    **{name: pl.col("loss") == loss.value for name, loss in zip(LOSSES, Loss, strict=True)},
    "unk_known_segments": _unk_chars.is_not_null(),
    "unk_known_chars": pl.when(_unk_chars.is_not_null()).then(pl.col("chars")),
    "continued_known_segments": _continued.is_not_null(),
    "continued_known_words": pl.when(_continued.is_not_null()).then(pl.col("words")),
}
"""Columns that units have (see `tokbench.measurement.units`), computed of single segments."""

WHOLE = frozenset({*TEXT_SUMS, *COUNT_SUMS, *COMPLETE})
"""Sums that are null in all rows of a cell or in none."""

SUMS = WHOLE | {*KNOWN}
"""Columns of units that may be added up."""


def is_aligned(measurements: Measurements) -> bool:
    """Return whether every tokenizer has counts of every segment in every language."""
    counts = measurements.counts
    cells = counts["tokenizer"].n_unique() * counts["lang"].n_unique() * counts["segment"].n_unique()
    return bool(counts.height == cells)


def with_texts(measurements: Measurements) -> pl.DataFrame:
    """Join the counts with the sizes of their texts.

    Sorted by tokenizer, language and segment.
    """
    cells = ["lang", "segment"]
    texts, counts = put_in_order(measurements.texts, cells), put_in_order(measurements.counts, ["tokenizer", *cells])
    if not is_aligned(measurements):
        return counts.join(texts, on=cells, how="left", maintain_order="left")
    # Aligned and sorted, the texts repeat per tokenizer: no join is needed.
    return counts.hstack(pl.concat([texts.drop(cells)] * (counts.height // texts.height)))


def split_rows(rows: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """Yield the rows of `with_texts` by tokenizer, in their order."""
    if rows.is_empty():
        yield rows
    start = 0
    for (height,) in rows.group_by("tokenizer", maintain_order=True).len().select("len").iter_rows():
        yield rows.slice(start, height)
        start += height


def view_rows(rows: pl.DataFrame, exprs: Iterable[pl.Expr]) -> pl.LazyFrame:
    """Return the rows of `with_texts` with all columns that expressions use, and sums in 64 bits."""
    used = {name for expr in exprs for name in expr.meta.root_names()}
    uncounted = [name for name in BOUNDARIES if name in used and name not in rows.columns]
    rows = rows.with_columns(pl.lit(None, pl.Int64).alias(name) for name in uncounted)
    if "segments" in rows.columns:
        return rows.lazy().with_columns(pl.col(name).cast(pl.Int64) for name in rows.columns if name not in KEYS)
    # Columns of boundaries stay narrow, since there may be millions of rows: expressions cast before they calculate.
    return rows.lazy().with_columns(expr.alias(name) for name, expr in OF_SEGMENTS.items() if name in used)


def view_facts(facts: pl.DataFrame, expr: pl.Expr) -> pl.DataFrame:
    """Return facts of tokenizers with all columns that an expression uses; null where nobody found them."""
    absent = [name for name in expr.meta.root_names() if name not in facts.columns]
    return facts.with_columns(pl.lit(None, pl.Int64).alias(name) for name in absent)


def find_sources(columns: Collection[str]) -> set[str]:
    """Return the columns of single segments from which columns of rows are computed."""
    found = {name for column in columns if column in OF_SEGMENTS for name in OF_SEGMENTS[column].meta.root_names()}
    return found | {column for column in columns if column not in OF_SEGMENTS}


def check_pooled(metrics: Sequence[Metric]) -> None:
    """Raise TokbenchError for a metric that has no value of units, since its counts do not add up over segments."""
    for metric in metrics:
        if not can_pool(metric):
            raise TokbenchError(
                f"the metric {metric.name} is no ratio of sums of counts, and the counts of these texts are sums "
                "over several segments",
                "write it with sums of columns such as segments, exact or unk_known_chars, or use fewer texts (-n)",
            )


def can_pool(metric: Metric) -> bool:
    """Return whether a metric of units has the value that it has of their segments."""
    parts = (metric.numerator, metric.denominator)
    return metric.level != "segments" or all(part is None or is_additive(part) for part in parts)


def is_additive(expr: pl.Expr) -> bool:
    """Return whether an expression is a sum of columns, each times a constant, left out where another is unknown."""
    meta = expr.meta
    if meta.is_column():
        return meta.output_name() in SUMS
    inputs = meta.pop()
    if str(expr).endswith((".strict_cast(Int64)", ".strict_cast(Float64)", ".cast(Int64)", ".cast(Float64)")):
        return len(inputs) == 1 and is_additive(inputs[0])
    return any(_is_additive_of(str(expr), order) for order in permutations(inputs)) if len(inputs) <= 3 else False


def _is_additive_of(text: str, inputs: Sequence[pl.Expr]) -> bool:
    """Return whether an expression with this text is a sum, a multiple, or a choice of these inputs, in this order."""
    written = [str(one) for one in inputs]
    if len(inputs) == 3:
        condition, chosen, other = inputs
        branches = text == f".when({written[0]}).then({written[1]}).otherwise({written[2]})"
        return branches and written[2] == "null" and _is_known(condition) and is_additive(chosen) and other is not None
    if len(inputs) != 2:
        return False
    one, other = inputs
    for sign in "+-":
        if text == f"[({written[0]}) {sign} ({written[1]})]":
            return is_additive(one) and is_additive(other)
    if text == f"[({written[0]}) * ({written[1]})]":
        return any(a.meta.is_literal() and is_additive(b) for a, b in ((one, other), (other, one)))
    return text == f"[({written[0]}) / ({written[1]})]" and is_additive(one) and other.meta.is_literal()


def _is_known(condition: pl.Expr) -> bool:
    """Return whether a condition asks only for counts that are known in all rows of a cell or in none."""
    inputs = condition.meta.pop()
    if str(condition).endswith(".is_not_null()") and len(inputs) == 1:
        return is_additive(inputs[0]) and set(inputs[0].meta.root_names()) <= WHOLE
    if len(inputs) != 2:
        return False
    texts = {f"[({a}) & ({b})]" for a, b in permutations(map(str, inputs))}
    return str(condition) in texts and all(map(_is_known, inputs))
