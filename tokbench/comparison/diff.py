"""Differences between two comparisons: shared values and signature fields."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tokbench._shared.quantities import write_count
from tokbench.comparison._comparison import Comparison
from tokbench.comparison.signature import read_signature
from tokbench.errors import TokbenchError
from tokbench.metrics import find_metrics

KEYS = ["tokenizer", "lang", "metric"]


@dataclass(frozen=True)
class SignatureChange:
    """A signature field that differs."""

    field: str
    old: str | None
    new: str | None


def check_comparable(old: Comparison, new: Comparison) -> None:
    """Check that two comparisons are of the same texts; TokbenchError that says what differs."""
    parts = {
        "texts": (old.corpus.sha256, new.corpus.sha256),
        "languages": (set(old.corpus.languages), set(new.corpus.languages)),
        "segments": (old.corpus.segments, new.corpus.segments),
    }
    differing = [name for name, (before, after) in parts.items() if before != after]
    if differing:
        *most, last = differing
        named = f"{', '.join(most)} and {last}" if most else last
        raise TokbenchError(
            f"not comparable: their {named} differ ({describe_texts(old)}; {describe_texts(new)})",
            "compare on the same texts, or add --force",
        )


def describe_texts(comparison: Comparison) -> str:
    """Return the name and the size of the texts of a comparison."""
    corpus = comparison.corpus
    if not corpus.aligned:
        return f"{corpus.name}: {corpus.describe_size()}"
    languages, segments = write_count(len(corpus.languages), "language"), write_count(corpus.segments, "segment")
    return f"{corpus.name}: {languages}, {segments}"


def find_changes(old: Comparison, new: Comparison, metrics: Sequence[str] | None = None) -> pl.DataFrame:
    """Join the values of two comparisons.

    Columns: tokenizer, lang, metric, old, new, ratio, worse, in_old, in_new.

    metrics: names; by default all but timings, which differ from run to run.

    lang: null for all languages.
    ratio: new / old.
    worse: factor by which the value got worse in the metric's direction (above 1; below 1 it improved); infinite where
        the old value was 0 or the new one is undefined; null for metrics without a direction and where the old value is
        null.
    in_old, in_new: whether that comparison has the cell; where it does not, its value is null.
    """
    known = {**old.metrics, **new.metrics}
    chosen = [m.name for m in known.values() if m.level != "timings"] if metrics is None else list(metrics)
    find_metrics([name for name in chosen if name not in known])
    sides = []
    for side, comparison in (("old", old), ("new", new)):
        rows = comparison.frame.filter(pl.col("metric").is_in(chosen))
        sides.append(rows.select(*KEYS, pl.col("value").alias(side), pl.lit(True).alias(f"in_{side}")))
    joined = sides[0].join(sides[1], on=KEYS, how="full", coalesce=True, nulls_equal=True, maintain_order="left_right")
    worse = [
        rate_change(known[metric].better, before, after)
        for metric, before, after in joined.select("metric", "old", "new").iter_rows()
    ]
    return joined.with_columns(
        ratio=pl.when(pl.col("old") != 0).then(pl.col("new") / pl.col("old")),
        worse=pl.Series(worse, dtype=pl.Float64),
        in_old=pl.col("in_old").fill_null(False),
        in_new=pl.col("in_new").fill_null(False),
    )


def rate_change(better: str | None, old: float | None, new: float | None) -> float | None:
    """Return the factor by which a value got worse.

    None without a direction or an old value.
    """
    if better is None or old is None:
        return None
    if new is None:
        return math.inf
    if old == new:
        return 1.0
    worst, best = (new, old) if better == "lower" else (old, new)
    return worst / best if best else math.inf


def compare_signatures(old: Comparison, new: Comparison) -> list[SignatureChange]:
    """List the fields in which two signatures differ, in order."""
    fields = [read_signature(comparison.signature()) for comparison in (old, new)]
    names = list(dict.fromkeys([*fields[0], *fields[1]]))
    return [
        SignatureChange(name, fields[0].get(name), fields[1].get(name))
        for name in names
        if fields[0].get(name) != fields[1].get(name)
    ]
