"""Cards: what there is to know of one tokenizer, on a page that can be cited."""

from tokbench.analysis.cards._card import GROUPINGS, LEFT_OUT, Card, GroupedPremium, card
from tokbench.analysis.cards._facts import Facts, SourceFile
from tokbench.analysis.cards._pipeline import Pipeline

__all__ = [
    "GROUPINGS",
    "LEFT_OUT",
    "Card",
    "Facts",
    "GroupedPremium",
    "Pipeline",
    "SourceFile",
    "card",
]
