"""Choose the engine of a tokenizer: the fastest verified to give identical ids."""

from tokbench.adapters.selection._choice import AUTO, REFERENCE, check_engine, load_engine
from tokbench.adapters.selection.verification import Mismatch, Sample, find_mismatch, take_sample, verify

__all__ = [
    "AUTO",
    "REFERENCE",
    "Mismatch",
    "Sample",
    "check_engine",
    "find_mismatch",
    "load_engine",
    "take_sample",
    "verify",
]
