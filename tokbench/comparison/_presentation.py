"""How a comparison shows itself: methods that hand it to what the root package names, so that it knows no format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

import polars as pl

import tokbench
from tokbench.errors import TokbenchError

View = Literal["summary", "language", "intervals", "lorenz", "lengths"]
"""What a table shows: one row per tokenizer, or languages (with intervals), Lorenz curves, lengths of tokens."""


class Presenter(Protocol):
    """What writes a `Comparison` for readers: `tokbench.report`."""

    def render(self, comparison: Any, name: str, by: View = "summary") -> str:
        """Return a view of the comparison in the format of this name."""
        ...

    def write_notebook(self, comparison: Any, by: View = "summary") -> str:
        """Return a view of the comparison as a fragment of HTML."""
        ...

    def write_report(self, comparison: Any, path: Path) -> None:
        """Write the whole report to a file, in the format of its ending."""
        ...

    def plot(self, comparison: Any, metric: str, by: Literal["language", "tokenizer"]) -> Any:
        """Return a chart of one metric."""
        ...


class Presented:
    """The methods by which a comparison is shown; `tokbench.load_presenter` names what writes it."""

    frame: pl.DataFrame

    def _repr_html_(self) -> str:
        """Return the summary for notebooks."""
        return self.to_html()

    def to_html(self, by: View = "summary") -> str:
        """Return the tables of a view as a fragment of HTML, with notes and signature."""
        return tokbench.load_presenter().write_notebook(self, by)

    def to_markdown(self, by: View = "summary") -> str:
        """Return the tables of a view in Markdown, with notes and signature."""
        return tokbench.load_presenter().render(self, "markdown", by)

    def to_latex(self, by: View = "summary") -> str:
        """Return the tables of a view in LaTeX (booktabs), with notes and signature."""
        return tokbench.load_presenter().render(self, "latex", by)

    def to_pandas(self) -> Any:
        """Return `frame` as a pandas DataFrame; TokbenchError where pandas is not installed."""
        try:
            import pandas
        except ImportError as error:
            raise TokbenchError(
                "to_pandas needs the library pandas, which is not installed", "install it with: pip install pandas"
            ) from error
        return pandas.DataFrame(self.frame.to_dict(as_series=False))

    def report(self, path: str | Path) -> None:
        """Write the whole report to a file: .html, .md or .tex; .json, .csv and .txt hold the figures."""
        tokbench.load_presenter().write_report(self, Path(path))

    def plot(self, metric: str = "tokens_per_segment", by: Literal["language", "tokenizer"] = "language") -> Any:
        """Chart one metric with its intervals: a dot per language and tokenizer, or per tokenizer.

        Notebooks show it as SVG; its `chart` is the Altair chart.

        Raises MissingExtraError without the extra `html`, TokbenchError where there are no values to show.
        """
        return tokbench.load_presenter().plot(self, metric, by)
