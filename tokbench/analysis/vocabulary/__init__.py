"""What a vocabulary holds, token by token.

Sizes, classes, scripts, unreachable tokens, coverage.
"""

from tokbench.analysis.vocabulary._classes import TokenClass
from tokbench.analysis.vocabulary._coverage import character_sets, national_sets
from tokbench.analysis.vocabulary._moved import CHANGES, MOVED, ONLY_A, ONLY_B, SAME, MovedTokens, find_moved
from tokbench.analysis.vocabulary._reachability import Reach
from tokbench.analysis.vocabulary._report import UNREACHABLE, DeadRows, Sizes, VocabularyReport, inspect_vocabulary
from tokbench.analysis.vocabulary._scripts import COMMON, find_script, script_of, script_of_character
from tokbench.analysis.vocabulary._undertrained import (
    CLASSES,
    SHARE,
    Indicator,
    Reference,
    UndertrainedTokens,
    find_undertrained,
)
from tokbench.analysis.vocabulary._verification import CONTROLS, Verification, verify_tokens

__all__ = [
    "CHANGES",
    "CLASSES",
    "COMMON",
    "CONTROLS",
    "MOVED",
    "ONLY_A",
    "ONLY_B",
    "SAME",
    "SHARE",
    "UNREACHABLE",
    "DeadRows",
    "Indicator",
    "MovedTokens",
    "Reach",
    "Reference",
    "Sizes",
    "TokenClass",
    "UndertrainedTokens",
    "Verification",
    "VocabularyReport",
    "character_sets",
    "find_moved",
    "find_script",
    "find_undertrained",
    "inspect_vocabulary",
    "national_sets",
    "script_of",
    "script_of_character",
    "verify_tokens",
]
