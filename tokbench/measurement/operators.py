"""Operators of code and formulas, found by their characters alone."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt

COMPOUNDS = (
    *("<<=", ">>=", "**=", "//=", "<=>", "===", "!==", "...", "==", "!=", "<=", ">=", "->", "=>", "<-", "&&", "||"),
    *("++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "**", "//", "<<", ">>", "::", ":=", "??", "?."),
)
"""Operators of several characters, longer ones before their beginnings."""

SINGLES = "+-*/%=<>&|^~!"

_OPERATOR = re.compile("|".join([*map(re.escape, COMPOUNDS), f"[{re.escape(SINGLES)}]"]).encode())


def find_operators(content: bytes) -> npt.NDArray[np.int64]:
    """Return starts and ends of the operators, as long as possible, from left to right: (2, operators)."""
    spans = [match.span() for match in _OPERATOR.finditer(content)]
    return np.array(spans, np.int64).reshape(-1, 2).T
