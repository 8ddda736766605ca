"""How long a server asks to wait before the next request: the header Retry-After."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from tokbench._shared.environment import now


def suggest_retry(headers: Any) -> str | None:
    """Return a hint with the wait that the header Retry-After asks for, if any."""
    after = (headers.get("Retry-After") or "").strip() if headers is not None else ""
    if not after:
        return None
    return f"try again in {after} s" if after.isascii() and after.isdigit() else f"try again after {after[:40]}"


def read_wait(headers: Mapping[str, str], today: Callable[[], datetime] = now) -> float | None:
    """Return the seconds that the header `retry-after` asks to wait: a number, or until a date; None without one.

    headers: with names in lower case.

    >>> read_wait({"retry-after": "7"}), read_wait({"retry-after": "soon"})
    (7.0, None)
    """
    after = headers.get("retry-after", "").strip()
    if after.isascii() and after.replace(".", "", 1).isdigit() and len(after) <= 20:
        return float(after)
    try:
        date = parsedate_to_datetime(after)
    except (ValueError, TypeError, OverflowError):
        return None
    left = ((date if date.tzinfo else date.replace(tzinfo=UTC)) - today()).total_seconds()
    return max(0.0, left) if math.isfinite(left) else None
