"""How a comparison is shown: one module a format."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Protocol

from tokbench.comparison import Comparison
from tokbench.errors import TokbenchError
from tokbench.registry import Registry

By = Literal["summary", "language"]


class Report(Protocol):
    """A module of this folder, or what an entry point of the group `tokbench.report` names."""

    SUFFIXES: frozenset[str]
    """File name endings that mean this format."""

    def render(self, comparison: Comparison, by: By) -> str:
        """The comparison in this format, ended by a line feed."""
        ...


REPORTS: Registry[Report] = Registry("tokbench.report", "report format")


def format_of(path: Path) -> str:
    """The name of the format that a file's ending means; TokbenchError where it means none."""
    for name, report in REPORTS.items():
        if path.suffix.lower() in report.SUFFIXES:
            return name
    endings = sorted(suffix for report in REPORTS.values() for suffix in report.SUFFIXES)
    raise TokbenchError(f"cannot tell the format of {path} by its ending", f"use one of: {' '.join(endings)}")


def render(comparison: Comparison, name: str, by: By = "summary") -> str:
    """The comparison in the format of this name."""
    return REPORTS[name].render(comparison, by)
