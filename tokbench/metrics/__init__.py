"""What every number means: the table of metrics, and their values from measurements."""

from __future__ import annotations

from tokbench.metrics._evaluation import evaluate
from tokbench.metrics._metric import Metric
from tokbench.metrics._reference import Reference
from tokbench.metrics._table import METRICS, find_metrics

__all__ = ["METRICS", "Metric", "Reference", "evaluate", "find_metrics"]
