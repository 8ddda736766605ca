"""Values with intervals as text."""

from __future__ import annotations

from typing import Any

from tokbench.report._table import ABSENT


def write_interval(row: dict[str, Any], name: str) -> str:
    """Format the value of a column with its interval, which the columns `NAME_low` and `NAME_high` hold.

    >>> write_interval({"f1": 0.5, "f1_low": 0.25, "f1_high": 0.75}, "f1")
    '0.500 [0.25, 0.75]'
    """
    value, low, high = (row[f"{name}{bound}"] for bound in ("", "_low", "_high"))
    if value is None:
        return ABSENT
    shown = f"{value:.3f}"
    return shown if low is None or high is None or low == high else f"{shown} [{low:.2f}, {high:.2f}]"
