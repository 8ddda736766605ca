"""Encode a corpus once with each tokenizer and keep the counts."""

from tokbench.measurement._builder import OnCounts, ignore_counts
from tokbench.measurement._measure import Interrupted, Step, ignore_step, measure
from tokbench.measurement._measurements import Measurements, put_in_order
from tokbench.measurement.needs import EVERYTHING, Needs

__all__ = [
    "EVERYTHING",
    "Interrupted",
    "Measurements",
    "Needs",
    "OnCounts",
    "Step",
    "ignore_counts",
    "ignore_step",
    "measure",
    "put_in_order",
]
