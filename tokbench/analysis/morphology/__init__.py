"""Token ends and the boundaries of morphemes: gold files, and scores against them."""

from tokbench.analysis.morphology._formats import FORMATS
from tokbench.analysis.morphology._gold import Gold, read_gold
from tokbench.analysis.morphology._scores import (
    SCHEMA,
    Lead,
    MorphologyScores,
    WordCuts,
    compute_scores,
    cut_words,
    measure_morphology,
)

__all__ = [
    "FORMATS",
    "SCHEMA",
    "Gold",
    "Lead",
    "MorphologyScores",
    "WordCuts",
    "compute_scores",
    "cut_words",
    "measure_morphology",
    "read_gold",
]
