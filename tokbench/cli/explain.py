"""`tokbench explain`: define a metric, and other definitions under its name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._options import Json, Offline, Reference, open_corpus
from tokbench.cli._output import print_result
from tokbench.cli._results import print_results
from tokbench.errors import TokbenchError

if TYPE_CHECKING:
    from tokbench.analysis.metric_variants import VariantTable
    from tokbench.metrics import Metric

DEFAULT_TOKENIZER = "gpt-neox-20b"


def run(
    metric: Annotated[str, typer.Argument(help="Metric (see: tokbench list metrics).", show_default=False)],
    tokenizer: Annotated[
        str | None, typer.Argument(help=f"Tokenizer for --variants. [default: {DEFAULT_TOKENIZER}]")
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Recompute other definitions of the metric on a corpus.")
    ] = False,
    corpus: Annotated[
        str | None, typer.Option("-c", "--corpus", help="Corpus for --variants. [default: tokbench14]")
    ] = None,
    language: Annotated[
        str | None, typer.Option("-l", "--language", help="Language for --variants. [default: see above]")
    ] = None,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="Print the sources of the metric as BibTeX.")] = False,
    reference: Reference = None,
    offline: Offline = False,
    as_json: Json = False,
) -> None:
    """Explain a metric: formula, unit, direction, edge cases and source.

    Also lists how other definitions of the metric differ.

    With --variants, recomputes the definitions that published tools use, for one tokenizer on one corpus: Chinese
    relative to English for premiums; English for fertility, continued words and Renyi efficiency; all languages for
    Gini.
    """
    from tokbench.metrics import find_metrics
    from tokbench.report._metric import show

    (found,) = find_metrics([metric])
    if bibtex:
        print_bibtex(found)
        return
    table = make_table(found.name, tokenizer, corpus, language, reference, offline=offline) if variants else None
    print_results(show(found, table), "json" if as_json else "table")


def print_bibtex(metric: Metric) -> None:
    """Print the publications that a metric cites; TokbenchError if there are none."""
    from tokbench._shared.references import find_cited, format_bibliography

    cited = find_cited([metric.citation])
    if not cited:
        raise TokbenchError(f"{metric.name} cites no publication", "its name says what is counted")
    print_result(format_bibliography(cited))


def make_table(
    metric: str,
    tokenizer: str | None,
    corpus: str | None,
    language: str | None,
    reference: str | None,
    *,
    offline: bool,
) -> VariantTable:
    """Compute the variants of a metric."""
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.metric_variants import compute_variants

    loaded = load_tokenizer(tokenizer or DEFAULT_TOKENIZER, offline=offline)
    return compute_variants(metric, loaded, open_corpus(corpus), language=language, reference=reference)
