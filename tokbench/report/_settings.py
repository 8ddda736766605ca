"""Settings: the value of each option, and where it comes from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tokbench.report._document_model import Facts, Results
from tokbench.report._table import tabulate


def show(rows: Sequence[dict[str, Any]], files: Sequence[str], user_file: str) -> Results:
    """Return settings as rows of option, value and origin.

    files: the configuration files that were read; user_file: where the user's own may be.
    """
    read = ", ".join(files) or "none; see docs/configuration.md"
    return Results(
        lambda: [Facts((("files read", read), ("file of the user", user_file))), tabulate(list(rows))],
        lambda: list(rows),
    )
