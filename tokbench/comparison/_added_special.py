"""Special tokens that files add to each text, as facts for metrics that use them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.adapters._special_tokens import find_added_special
from tokbench.measurement import Measurements
from tokbench.metrics import Metric
from tokbench.metrics._custom import SPECIAL_ADDED


def add_special(measurements: Measurements, tokenizers: Sequence[Tokenizer], metrics: Sequence[Metric]) -> Measurements:
    """Return measurements with the special tokens that each tokenizer adds, if a metric uses them; else as they are.

    Null where no file says. Raises TokbenchError for a file that says so in an unknown form.
    """
    exprs = [part for metric in metrics for part in (metric.factor, metric.offset) if part is not None]
    exprs += [metric.expr for metric in metrics if metric.level == "tokenizers" and metric.expr is not None]
    if all(SPECIAL_ADDED not in expr.meta.root_names() for expr in exprs):
        return measurements
    added = {tokenizer.name: find_added_special(tokenizer).count for tokenizer in tokenizers}
    names = measurements.tokenizers["tokenizer"].cast(pl.String).to_list()
    column = pl.Series(SPECIAL_ADDED, [added.get(name) for name in names], dtype=pl.Int64)
    return replace(measurements, tokenizers=measurements.tokenizers.with_columns(column))
