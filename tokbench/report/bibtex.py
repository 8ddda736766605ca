"""The bibliography of a comparison: BibTeX of the metrics and corpora that it used."""

from __future__ import annotations

from collections.abc import Mapping

from tokbench._shared.references import find_cited, find_describing, format_bibliography
from tokbench.comparison import Comparison

SUFFIXES = frozenset({".bib"})


def render(comparison: Comparison, by: str = "summary") -> str:
    """Return the publications behind the metrics and the corpus of a comparison, whatever the view."""
    return render_several({comparison.corpus.name: comparison})


def render_several(results: Mapping[str, Comparison]) -> str:
    """Return the publications behind the metrics and corpora of comparisons, each once."""
    present = {name for result in results.values() for name in result.frame["metric"].unique()}
    metrics = [m for result in results.values() for m in result.metrics.values() if m.name in present]
    corpora = [name for result in results.values() for name in (result.corpus.name, *result.corpus.parts)]
    cited = find_cited(metric.citation for metric in metrics)
    return format_bibliography([*cited, *find_describing(corpora)])
