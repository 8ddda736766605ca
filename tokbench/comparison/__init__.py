"""Compare tokenizers on a parallel corpus."""

from tokbench.comparison._compare import Unfinished, compare
from tokbench.comparison._comparison import FILES, TESTS, Comparison
from tokbench.comparison._presentation import Presenter, View
from tokbench.comparison.saved import load

__all__ = [
    "FILES",
    "TESTS",
    "Comparison",
    "Presenter",
    "Unfinished",
    "View",
    "compare",
    "load",
]
