"""What has to be counted to compute metrics."""

from __future__ import annotations

from collections.abc import Sequence

from tokbench.measurement import Needs
from tokbench.metrics._metric import Metric
from tokbench.metrics._rows import find_sources
from tokbench.metrics._table import find_base


def find_needs(metrics: Sequence[Metric], *, ranked: bool) -> Needs:
    """Return the counts that metrics read.

    metrics: those evaluated or tested, as `find_metrics` returns them.
    ranked: whether several tokenizers are compared: then losses are needed for any metric that losing text can make
        better, since a tokenizer that loses text is not ranked on it.

    >>> from tokbench.metrics import find_metrics
    >>> needs = find_needs(find_metrics(["fertility", "gini"]), ranked=False)
    >>> needs.words, needs.losses, needs.ids
    (True, False, False)
    """
    every = [*metrics, *(find_base(metric, metrics) for metric in metrics if metric.base_metric is not None)]
    ratios = [metric for metric in every if metric.level == "segments"]
    exprs = [expr for metric in ratios for expr in (metric.numerator, metric.denominator) if expr is not None]
    exprs += [metric.expr for metric in every if metric.level == "sums" and metric.expr is not None]
    columns = find_sources({column for expr in exprs for column in expr.meta.root_names()})
    if ranked and any(metric.compression for metric in metrics):
        columns.add("loss")
    return Needs.of(columns, ids=any(metric.level in ("ids", "lengths") for metric in metrics))
