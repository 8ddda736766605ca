"""Which engine runs a tokenizer: the fastest that is installed and verified to give identical ids."""

from tokbench.adapters.selection._choice import AUTO, REFERENCE, check_engine, load_engine
from tokbench.adapters.selection.verification import Difference, Sample, find_difference, take_sample, verify

__all__ = [
    "AUTO",
    "REFERENCE",
    "Difference",
    "Sample",
    "check_engine",
    "find_difference",
    "load_engine",
    "take_sample",
    "verify",
]
