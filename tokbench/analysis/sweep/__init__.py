"""The same vocabulary at several sizes: what each costs on a text and a model."""

from tokbench.analysis.sweep._nested import Nested, nest
from tokbench.analysis.sweep._prices import BestSize, pick_best
from tokbench.analysis.sweep._sweep import DEFAULT_SIZES, Sweep, sweep

__all__ = ["DEFAULT_SIZES", "BestSize", "Nested", "Sweep", "nest", "pick_best", "sweep"]
