"""Methods by which a comparison shows itself in a notebook.

A method has to be on the class, and `report`, which knows tables and formats, may not be imported here. So each method
passes the comparison to the `Presenter` that the root package loads, and nothing in this package decides what is shown.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

import polars as pl

import tokbench
from tokbench.errors import TokbenchError

View = Literal["summary", "language", "register", "script", "family", "intervals", "lorenz", "lengths"]
"""What a table shows: one row per tokenizer, per language (with intervals), per register of the texts, per script or
family of the languages, Lorenz curves, or token lengths."""


class Presenter(Protocol):
    """What shows a `Comparison`, a card of a tokenizer and other results: the package `tokbench.report`."""

    def summarize(self, comparison: Any) -> pl.DataFrame:
        """Return the values of the summary, one row per tokenizer."""
        ...

    def render(self, comparison: Any, name: str, by: View = "summary") -> str:
        """Format a view of the comparison in the named format."""
        ...

    def write_notebook(self, comparison: Any, by: View = "summary") -> str:
        """Format a view of the comparison as an HTML fragment."""
        ...

    def write_report(self, comparison: Any, path: Path) -> None:
        """Write the full report to a file, in the format given by its extension."""
        ...

    def plot(self, comparison: Any, metric: str, by: Literal["language", "tokenizer"]) -> Any:
        """Return a chart of one metric."""
        ...

    def show_comparison(self, comparison: Any) -> str:
        """Format the summary with a chart as an HTML fragment."""
        ...

    def show_found(self, found: Any) -> str:
        """Format the tables and charts of another result as an HTML fragment."""
        ...

    def show_card(self, card: Any) -> str:
        """Format the essentials of a card of a tokenizer as an HTML fragment."""
        ...

    def render_card(self, card: Any, name: str) -> str:
        """Format a card of a tokenizer in the named format."""
        ...

    def write_card(self, card: Any, path: Path) -> None:
        """Write a card of a tokenizer to a file, in the format given by its extension."""
        ...


class Presented:
    """A mix-in for `Comparison`: summary, tables, chart and report."""

    frame: pl.DataFrame

    def summary(self) -> pl.DataFrame:
        """Return one row per tokenizer: its size, length, compression and speed.

        With at most four languages there is one column of lengths per language, otherwise the median and the worst
        premium. If metrics were chosen, the columns are those.
        """
        return tokbench.load_presenter().summarize(self)

    def _repr_html_(self) -> str:
        """Return the summary for notebooks, with a chart if the extra `html` is installed."""
        return tokbench.load_presenter().show_comparison(self)

    def to_html(self, by: View = "summary") -> str:
        """Return the tables of a view as an HTML fragment, with notes and signature."""
        return tokbench.load_presenter().write_notebook(self, by)

    def to_markdown(self, by: View = "summary") -> str:
        """Return the tables of a view in Markdown, with notes and signature."""
        return tokbench.load_presenter().render(self, "markdown", by)

    def to_latex(self, by: View = "summary") -> str:
        """Return the tables of a view in LaTeX (booktabs), with notes and signature."""
        return tokbench.load_presenter().render(self, "latex", by)

    def to_pandas(self) -> Any:
        """Return `frame` as a pandas DataFrame; TokbenchError if pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise TokbenchError(
                "to_pandas needs the library pandas, which is not installed", "install it with: pip install pandas"
            ) from error
        return pandas.DataFrame(self.frame.to_dict(as_series=False))

    def report(self, path: str | Path) -> None:
        """Write a report, in the format given by the file's extension.

        .html, .md and .tex hold the full report; .json, .csv, .txt, .parquet and .xlsx the values alone.
        """
        tokbench.load_presenter().write_report(self, Path(path))

    def plot(self, metric: str = "tokens_per_segment", by: Literal["language", "tokenizer"] = "language") -> Any:
        """Chart one metric, with intervals.

        Notebooks show it as SVG; its `chart` is the Altair chart.

        by: `language` draws one dot per language and tokenizer, `tokenizer` the value over all languages.

        Raises MissingExtraError without the extra `html`, TokbenchError if there are no values to show.
        """
        return tokbench.load_presenter().plot(self, metric, by)
