"""Check whether a tokenizer, or an engine, is sound: one verdict per check."""

from tokbench.analysis.soundness._checks import CHECKS, check_tokenizer, describe_checks, report_unloadable
from tokbench.analysis.soundness._verdict import Check, Severity, Soundness, Verdict

__all__ = [
    "CHECKS",
    "Check",
    "Severity",
    "Soundness",
    "Verdict",
    "check_tokenizer",
    "describe_checks",
    "report_unloadable",
]
