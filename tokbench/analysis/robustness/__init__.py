"""How tokens change when people type the same text in another way."""

from tokbench.analysis.robustness._common_tokens import count_common, count_unchanged
from tokbench.analysis.robustness._measure import Robustness, measure_robustness
from tokbench.analysis.robustness._perturbations import (
    PERTURBATIONS,
    Perturbation,
    choose_perturbations,
    perturb,
)
from tokbench.analysis.robustness._saved import FORMAT, read_robustness

__all__ = [
    "FORMAT",
    "PERTURBATIONS",
    "Perturbation",
    "Robustness",
    "choose_perturbations",
    "count_common",
    "count_unchanged",
    "measure_robustness",
    "perturb",
    "read_robustness",
]
