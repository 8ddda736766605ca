"""Compare tokenizers on a parallel corpus."""

from tokbench.comparison._comparison import FEW_LANGUAGES, TESTS, Comparison, Unfinished, compare
from tokbench.comparison.saved import load

__all__ = [
    "FEW_LANGUAGES",
    "TESTS",
    "Comparison",
    "Unfinished",
    "compare",
    "load",
]
