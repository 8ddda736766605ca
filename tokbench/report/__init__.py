"""Reports: one module per output format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from tokbench._shared.files import check_writable, write_whole
from tokbench._shared.registry import Registry
from tokbench.comparison import View as By
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    import polars as pl

    from tokbench.analysis.cards import Card
    from tokbench.comparison import Comparison
    from tokbench.report._addenda import Addenda
    from tokbench.report._document_model import Results

__all__ = [
    "REPORTS",
    "By",
    "Report",
    "check_format",
    "check_results_format",
    "check_several",
    "encode",
    "encode_all",
    "encode_results",
    "format_of",
    "format_results",
    "is_binary",
    "pick_writer",
    "plot",
    "render",
    "render_all",
    "render_card",
    "show_card",
    "show_comparison",
    "show_found",
    "summarize",
    "write_card",
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
        """Format the comparison, ending with a line feed.

        A format that has `format_results`, as built-in ones do, writes any `Results` and needs this only where a
        comparison is written in another way.

        A binary format has `encode_results(results) -> bytes` instead, and nothing else.
        """
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
    report = REPORTS[name]
    if hasattr(report, "render"):
        return report.render(comparison, by)
    from tokbench.report._views import show

    return format_results(show(comparison, by), name)


def is_binary(name: str) -> bool:
    """Return whether a format is bytes, which a terminal cannot show."""
    return hasattr(REPORTS[name], "encode_results")


def check_results_format(name: str) -> None:
    """Check, before measuring, that a format can hold the results of any command.

    Raises MissingExtraError if its library is missing.
    """
    if is_binary(name):
        check_format(name)
    else:
        pick_writer(name)


def encode(comparison: Comparison, name: str, by: By = "summary") -> bytes:
    """Return the comparison as the bytes of a file of the named format."""
    if not is_binary(name):
        return render(comparison, name, by).encode()
    from tokbench.report._views import show

    return encode_results(show(comparison, by), name)


def encode_results(results: Results, name: str) -> bytes:
    """Return what a command found as the bytes of a file of the named format."""
    write: Callable[[Results], bytes] | None = getattr(REPORTS[name], "encode_results", None)
    return format_results(results, name).encode() if write is None else write(results)


def format_results(results: Results, name: str) -> str:
    """Format what a command found in the named format."""
    return pick_writer(name)(results)


def pick_writer(name: str) -> Callable[[Results], str]:
    """Return what writes the results of any command; TokbenchError for a format that holds only comparisons."""
    write: Callable[[Results], str] | None = getattr(REPORTS[name], "format_results", None)
    if write is None:
        names = [known for known, one in REPORTS.items() if hasattr(one, "format_results") or is_binary(known)]
        if is_binary(name):
            raise TokbenchError(f"{name} is binary", "write it to a file")
        raise TokbenchError(f"{name} holds only comparisons", f"choose from: {', '.join(names)}")
    return write


def render_all(results: Mapping[str, Comparison], name: str, addenda: Addenda | None = None, **style: str) -> str:
    """Format the full report on one or several named results in the named format.

    addenda: results of other commands to show as well, in .html, .md and .tex.
    style: `caption` and `label` of the tables of LaTeX.

    Raises TokbenchError for several results in a format that holds only one.
    """
    check_several(name, len(results))
    several = getattr(REPORTS[name], "render_several", None)
    if several is not None:
        extra = {} if addenda is None else {"addenda": addenda}
        written: str = several(results, **style, **extra)
        return written
    (result,) = results.values()
    return render(result, name)


def encode_all(results: Mapping[str, Comparison], name: str, addenda: Addenda | None = None, **style: str) -> bytes:
    """Return the full report on one or several named results as the bytes of a file of the named format.

    addenda: results of other commands to show as well, in .html, .md and .tex.
    style: `caption` and `label` of the tables of LaTeX.

    Raises TokbenchError for several results in a format that holds only one.
    """
    if not is_binary(name):
        return render_all(results, name, addenda, **style).encode()
    check_several(name, len(results))
    (result,) = results.values()
    return encode(result, name)


def check_several(name: str, count: int) -> None:
    """Raise TokbenchError for several results in a format that holds only one."""
    if count > 1 and getattr(REPORTS[name], "render_several", None) is None:
        raise TokbenchError(
            f"{name} holds one result, not {count}", "write one file per result, or use .html, .md or .tex"
        )


def write_report(comparison: Comparison, path: Path) -> None:
    """Write the whole report to a file, in the format of its ending."""
    name = format_of(path)
    check_writable(path)
    check_format(name)
    write_whole(path, encode_all({comparison.corpus.name: comparison}, name))


def summarize(comparison: Comparison) -> pl.DataFrame:
    """Return the values of the summary, one row per tokenizer."""
    from tokbench.report import _summary

    return _summary.summarize(comparison)


def write_notebook(comparison: Comparison, by: By = "summary") -> str:
    """Return the tables of a view as a fragment of HTML, for notebooks."""
    from tokbench.report import _notebook

    return _notebook.write_notebook(comparison, by)


def plot(comparison: Comparison, metric: str, by: Literal["language", "tokenizer"] = "language") -> Any:
    """Return a `Plot` of one metric, by language or by tokenizer."""
    from tokbench.report import _plot

    return _plot.plot(comparison, metric, by)


def show_comparison(comparison: Comparison) -> str:
    """Return the summary with a chart as a fragment of HTML, for notebooks."""
    from tokbench.report import _notebook

    return _notebook.show_comparison(comparison)


def show_found(found: object) -> str:
    """Return the tables and charts of another result as a fragment of HTML, for notebooks."""
    from tokbench.report import _notebook

    return _notebook.show_found(found)


def show_card(card: Card) -> str:
    """Return the essentials of a card as a fragment of HTML, for notebooks."""
    from tokbench.report import _card, _card_page, _notebook

    shown = _card.rank_languages(card) and _notebook.has_charts()
    figures = [_card_page.chart_premiums(card)] if shown else []
    return _notebook.write_fragment(
        _card.lay_out(card), [(figure.draw(), figure.caption) for figure in figures], after=1
    )


def render_card(card: Card, name: str) -> str:
    """Format the card of a tokenizer in the named format; TokbenchError for one that is bytes, or unknown."""
    from tokbench.report import _card_results

    check_format(name)
    return format_results(_card_results.show(card), name)


def write_card(card: Card, path: Path) -> None:
    """Write the card of a tokenizer to a file, in the format of its ending."""
    from tokbench.report import _card_results

    name = format_of(path)
    check_results_format(name)
    check_writable(path)
    check_format(name)
    write_whole(path, encode_results(_card_results.show(card), name))
