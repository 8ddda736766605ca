"""What a vocabulary holds, token by token.

Sizes, classes, scripts, unreachable tokens, coverage.
"""

from tokbench.analysis.vocabulary._classes import TokenClass
from tokbench.analysis.vocabulary._coverage import character_sets, national_sets
from tokbench.analysis.vocabulary._moved import CHANGES, MOVED, ONLY_A, ONLY_B, SAME, MovedTokens, find_moved
from tokbench.analysis.vocabulary._reachability import Reach
from tokbench.analysis.vocabulary._report import UNREACHABLE, DeadRows, Sizes, VocabularyReport, inspect_vocabulary
from tokbench.analysis.vocabulary._scripts import COMMON, find_script, script_of, script_of_character

__all__ = [
    "CHANGES",
    "COMMON",
    "MOVED",
    "ONLY_A",
    "ONLY_B",
    "SAME",
    "UNREACHABLE",
    "DeadRows",
    "MovedTokens",
    "Reach",
    "Sizes",
    "TokenClass",
    "VocabularyReport",
    "character_sets",
    "find_moved",
    "find_script",
    "inspect_vocabulary",
    "national_sets",
    "script_of",
    "script_of_character",
]
