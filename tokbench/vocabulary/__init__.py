"""What a vocabulary holds, token by token: sizes, kinds, scripts, tokens that no text reaches, coverage."""

from tokbench.vocabulary._autopsy import UNREACHABLE, Autopsy, DeadRows, Sizes, inspect_vocabulary
from tokbench.vocabulary._classes import TokenClass
from tokbench.vocabulary._coverage import character_sets, national_sets
from tokbench.vocabulary._reachability import Reach
from tokbench.vocabulary._scripts import COMMON, find_script, script_of, script_of_character

__all__ = [
    "COMMON",
    "UNREACHABLE",
    "Autopsy",
    "DeadRows",
    "Reach",
    "Sizes",
    "TokenClass",
    "character_sets",
    "find_script",
    "inspect_vocabulary",
    "national_sets",
    "script_of",
    "script_of_character",
]
