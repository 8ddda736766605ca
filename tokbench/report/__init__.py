"""Reports: one module per output format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tokbench._shared.files import check_writable, write_whole
from tokbench._shared.registry import Registry
from tokbench.comparison import Comparison
from tokbench.comparison import View as By
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    import polars as pl

__all__ = [
    "REPORTS",
    "By",
    "Report",
    "check_format",
    "format_of",
    "plot",
    "render",
    "render_all",
    "summarize",
    "write_notebook",
    "write_report",
]


class Report(Protocol):
    """A report format.

    A module of this folder, or an entry point in the group `tokbench.report`.
    """

    SUFFIXES: frozenset[str]
    """File name extensions of this format."""

    def render(self, comparison: Comparison, by: By) -> str:
        """Format the comparison, ending with a line feed."""
        ...


REPORTS: Registry[Report] = Registry("tokbench.report", "report format")


def format_of(path: Path) -> str:
    """Return the format name for a file's extension; TokbenchError if there is none."""
    for name, report in REPORTS.items():
        if path.suffix.lower() in report.SUFFIXES:
            return name
    endings = sorted(suffix for report in REPORTS.values() for suffix in report.SUFFIXES)
    raise TokbenchError(f"cannot tell the format of {path} by its extension", f"use one of: {' '.join(endings)}")


def check_format(name: str) -> None:
    """Check, before measuring, that a report can be written.

    Raises MissingExtraError if a library is missing.
    """
    check = getattr(REPORTS[name], "check", None)
    if check is not None:
        check()


def render(comparison: Comparison, name: str, by: By = "summary") -> str:
    """Format the comparison in the named format."""
    return REPORTS[name].render(comparison, by)


def render_all(results: Mapping[str, Comparison], name: str) -> str:
    """Format the full report on one or several named results in the named format.

    Raises TokbenchError for several results in a format that holds only one.
    """
    report = REPORTS[name]
    several = getattr(report, "render_several", None)
    if several is not None:
        written: str = several(results)
        return written
    if len(results) > 1:
        raise TokbenchError(
            f"{name} holds one result, not {len(results)}", "write one file per result, or use .html, .md or .tex"
        )
    (result,) = results.values()
    return report.render(result, "summary")


def write_report(comparison: Comparison, path: Path) -> None:
    """Write the whole report to a file, in the format of its ending."""
    name = format_of(path)
    check_writable(path)
    check_format(name)
    write_whole(path, render_all({comparison.corpus.name: comparison}, name).encode())


def summarize(comparison: Comparison) -> pl.DataFrame:
    """Return the values of the summary, one row per tokenizer."""
    from tokbench.report import _summary

    return _summary.summarize(comparison)


def write_notebook(comparison: Comparison, by: By = "summary") -> str:
    """Return the tables of a view as a fragment of HTML, for notebooks."""
    from tokbench.report import _notebook

    return _notebook.write_notebook(comparison, by)


def plot(comparison: Comparison, metric: str, by: Literal["language", "tokenizer"] = "language") -> Any:
    """Return an Altair chart of one metric, by language or by tokenizer."""
    from tokbench.report import _plot

    return _plot.plot(comparison, metric, by)
