"""Check whether a tokenizer, or an engine, is sound: one verdict per check."""

from tokbench.analysis.soundness._checks import CHECKS, check_tokenizer, report_unloadable
from tokbench.analysis.soundness._engines import ENGINE_CHECKS, RANDOM_TEXTS, check_function
from tokbench.analysis.soundness._saved import FORMAT, CheckedTokenizers, read_checks
from tokbench.analysis.soundness._verdict import Check, Severity, Soundness, Verdict

__all__ = [
    "CHECKS",
    "ENGINE_CHECKS",
    "FORMAT",
    "RANDOM_TEXTS",
    "Check",
    "CheckedTokenizers",
    "Severity",
    "Soundness",
    "Verdict",
    "check_function",
    "check_tokenizer",
    "read_checks",
    "report_unloadable",
]
