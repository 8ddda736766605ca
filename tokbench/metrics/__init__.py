"""Metrics: their definitions, and their values computed from measurements."""

from __future__ import annotations

from tokbench.metrics._evaluation import evaluate
from tokbench.metrics._fairness import trace_lorenz
from tokbench.metrics._lengths import list_token_lengths
from tokbench.metrics._metric import Metric
from tokbench.metrics._mixture import Mixture, mix_sums
from tokbench.metrics._reference import Reference
from tokbench.metrics._rows import can_pool, check_pooled
from tokbench.metrics._stratified import derive_seed, is_grouped, needs_alignment
from tokbench.metrics._table import BUILT_IN, DEFAULT_METRICS, METRICS, find_metrics
from tokbench.metrics.needs import find_needs
from tokbench.metrics.significance import SCHEMA as DIFFERENCES
from tokbench.metrics.significance import find_differences, find_tested

__all__ = [
    "BUILT_IN",
    "DEFAULT_METRICS",
    "DIFFERENCES",
    "METRICS",
    "Metric",
    "Mixture",
    "Reference",
    "can_pool",
    "check_pooled",
    "derive_seed",
    "evaluate",
    "find_differences",
    "find_metrics",
    "find_needs",
    "find_tested",
    "is_grouped",
    "list_token_lengths",
    "mix_sums",
    "needs_alignment",
    "trace_lorenz",
]
