"""`tokbench explain`: define a metric, and other definitions under its name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from tokbench.cli._options import Json, Offline, Reference, open_corpus

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

    (found,) = find_metrics([metric])
    table = make_table(found.name, tokenizer, corpus, language, reference, offline=offline) if variants else None
    if as_json:
        document = describe(found) | ({} if table is None else {"variants": asdict(table)})
        typer.echo(json.dumps(document, ensure_ascii=False, indent=1))
        return
    typer.echo(write_metric(found), nl=False)
    if table is not None:
        typer.echo(f"\n{write_variants(table, percent=found.percent)}", nl=False)


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


def describe(metric: Metric) -> dict[str, str | bool | None]:
    """Describe a metric as a JSON document."""
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "better": metric.better,
        "ranked_if_lossy": not metric.compression,
        "definition": metric.definition,
        "edge_cases": metric.edge_cases,
        "other_definitions": metric.other_definitions,
        "citation": metric.citation,
    }


def write_metric(metric: Metric) -> str:
    """Format a metric for the terminal."""
    better = f"{metric.better} is better" if metric.better else "neither direction is better"
    lossy = "; a tokenizer that loses text is not ranked on it" if metric.compression else ""
    lines = [
        f"{metric.name} ({metric.title}) [{metric.unit}]",
        "",
        metric.definition,
        "",
        f"Direction: {better}{lossy}.",
        f"Edge cases: {metric.edge_cases}",
        f"Other definitions: {metric.other_definitions}",
        f"Source: {metric.citation or 'none; the name says what is counted'}.",
    ]
    return "".join(f"{line}\n" for line in lines)


def write_variants(table: VariantTable, *, percent: bool) -> str:
    """Format the variants as aligned lines, with ours marked."""
    few = table.languages if len(table.languages) <= 2 else (f"{len(table.languages)} languages",)
    lines = [f"{table.metric} of {table.tokenizer} on {table.corpus} ({' / '.join(few)}, {table.segments:,} segments):"]
    width = max(len(variant.definition) for variant in table.variants)
    for variant in table.variants:
        shown = "-" if variant.value is None else f"{100 * variant.value:.2f} %" if percent else f"{variant.value:.4f}"
        lines.append(f"  {variant.definition:<{width}}  {shown:>9}{'  <- tokbench' if variant.ours else ''}")
    return "".join(f"{line}\n" for line in lines)
