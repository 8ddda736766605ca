"""How a comparison is shown: one module a format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Protocol

from tokbench._shared.files import check_writable, write_whole
from tokbench._shared.registry import Registry
from tokbench.comparison import Comparison
from tokbench.comparison import View as By
from tokbench.errors import TokbenchError

__all__ = [
    "REPORTS",
    "By",
    "Report",
    "check_format",
    "format_of",
    "plot",
    "render",
    "render_all",
    "write_notebook",
    "write_report",
]


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


def check_format(name: str) -> None:
    """Find out, before any measuring, whether a report can be written; MissingExtraError where a library is missing."""
    check = getattr(REPORTS[name], "check", None)
    if check is not None:
        check()


def render(comparison: Comparison, name: str, by: By = "summary") -> str:
    """The comparison in the format of this name."""
    return REPORTS[name].render(comparison, by)


def render_all(results: Mapping[str, Comparison], name: str) -> str:
    """The whole report on one result, or on several by their names, in the format of this name.

    TokbenchError for several in a format that has room for one.
    """
    report = REPORTS[name]
    several = getattr(report, "render_several", None)
    if several is not None:
        written: str = several(results)
        return written
    if len(results) > 1:
        raise TokbenchError(
            f"{name} holds one result, not {len(results)}", "write one file each, or .html, .md or .tex"
        )
    (result,) = results.values()
    return report.render(result, "summary")


def write_report(comparison: Comparison, path: Path) -> None:
    """Write the whole report to a file, in the format of its ending."""
    name = format_of(path)
    check_writable(path)
    check_format(name)
    write_whole(path, render_all({comparison.corpus.name: comparison}, name).encode())


def write_notebook(comparison: Comparison, by: By = "summary") -> str:
    """Return the tables of a view as a fragment of HTML, for notebooks."""
    from tokbench.report import _notebook

    return _notebook.write_notebook(comparison, by)


def plot(comparison: Comparison, metric: str, by: Literal["language", "tokenizer"] = "language") -> Any:
    """Return an Altair chart of one metric, by language or by tokenizer."""
    from tokbench.report import _plot

    return _plot.plot(comparison, metric, by)
