"""Shares in per cent."""

from __future__ import annotations


def format_percent(share: float, decimals: int = 2) -> str:
    """Format a share in per cent: 100 % only if it is exactly 1, and 0 % only if it is exactly 0.

    >>> format_percent(0.25, 1), format_percent(1e-9), format_percent(1 - 1e-9), format_percent(1)
    ('25.0 %', '0.01 %', '99.99 %', '100 %')
    """
    if share in (0, 1):
        return f"{100 * share:.0f} %"
    least = 10**-decimals
    return f"{min(max(100 * share, least), 100 - least):.{decimals}f} %"
