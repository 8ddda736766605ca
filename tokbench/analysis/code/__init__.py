"""Tokens and the syntax of code."""

from tokbench.analysis.code._grammars import GRAMMARS
from tokbench.analysis.code._kinds import KINDS
from tokbench.analysis.code._measure import METRICS, SCHEMA, CodeReport, measure_code

__all__ = ["GRAMMARS", "KINDS", "METRICS", "SCHEMA", "CodeReport", "measure_code"]
