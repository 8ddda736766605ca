"""The cost of a comparison's tokens on a model."""

from tokbench.pythia.cost.checks import ANALYTIC, check_run, check_seconds, check_source, default_quantization
from tokbench.pythia.cost.costs import OWN_TOKENIZER, Costs, cost
from tokbench.pythia.cost.prices import DAYS_PER_MONTH, Prices
from tokbench.pythia.cost.request import Request

__all__ = [
    "ANALYTIC",
    "DAYS_PER_MONTH",
    "OWN_TOKENIZER",
    "Costs",
    "Prices",
    "Request",
    "check_run",
    "check_seconds",
    "check_source",
    "cost",
    "default_quantization",
]
