"""The cost of a comparison's tokens on a model."""

from tokbench.pythia.cost.costs import ANALYTIC, OWN_TOKENIZER, Costs, check_run, cost, tabulate_what_ifs

__all__ = [
    "ANALYTIC",
    "OWN_TOKENIZER",
    "Costs",
    "check_run",
    "cost",
    "tabulate_what_ifs",
]
