"""`tokbench explain`: what a metric is, and what else goes by its name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tokbench.analysis.metric_variants import VariantTable
    from tokbench.metrics import Metric

DEFAULT_TOKENIZER = "gpt-neox-20b"


def run(
    metric: Annotated[str, typer.Argument(help="A metric (see: tokbench list metrics).", show_default=False)],
    tokenizer: Annotated[
        str | None, typer.Argument(help=f"For --variants: which tokenizer. [default: {DEFAULT_TOKENIZER}]")
    ] = None,
    variants: Annotated[
        bool, typer.Option("--variants", help="Recompute what other definitions of the name give, on a corpus.")
    ] = False,
    corpus: Annotated[
        str | None, typer.Option("-c", "--corpus", help="For --variants: a corpus. [default: tokbench14]")
    ] = None,
    language: Annotated[
        str | None, typer.Option("-l", "--language", help="For --variants: the language. [default: as the text says]")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="The language that premiums are relative to. [default: English, else the first]")
    ] = None,
    offline: Annotated[bool, typer.Option("--offline", help="Open no network connection.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Explain a metric: formula, unit, direction, edge cases, source, and how other definitions of it differ.

    With --variants the definitions that published tools use are recomputed for one tokenizer on one corpus: of
    Chinese against English for premiums, of English for fertility, continued words and Renyi efficiency.
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
    """The variants of a metric."""
    from tokbench.adapters import load_tokenizer
    from tokbench.analysis.metric_variants import compute_variants
    from tokbench.corpora import load_corpus

    loaded = load_tokenizer(tokenizer or DEFAULT_TOKENIZER, offline=offline)
    return compute_variants(metric, loaded, load_corpus(corpus), language=language, reference=reference)


def describe(metric: Metric) -> dict[str, str | bool | None]:
    """All that is said of a metric, by name."""
    return {
        "name": metric.name,
        "title": metric.title,
        "unit": metric.unit,
        "better": metric.better,
        "ranked_if_lossy": not metric.compression,
        "definition": metric.definition,
        "edge_cases": metric.edge_cases,
        "elsewhere": metric.other_definitions,
        "citation": metric.citation,
    }


def write_metric(metric: Metric) -> str:
    """A metric for people."""
    better = f"{metric.better} is better" if metric.better else "neither direction is better"
    lossy = "; a tokenizer that loses text is not ranked on it" if metric.compression else ""
    lines = [
        f"{metric.name} ({metric.title}) [{metric.unit}]",
        "",
        metric.definition,
        "",
        f"Direction: {better}{lossy}.",
        f"Edge cases: {metric.edge_cases}",
        f"Elsewhere: {metric.other_definitions}",
        f"Source: {metric.citation or 'none; the name says what is counted'}.",
    ]
    return "".join(f"{line}\n" for line in lines)


def write_variants(table: VariantTable, *, percent: bool) -> str:
    """The variants as aligned lines, ours marked."""
    few = table.languages if len(table.languages) <= 2 else (f"{len(table.languages)} languages",)
    lines = [f"{table.metric} of {table.tokenizer} on {table.corpus} ({' / '.join(few)}, {table.segments:,} segments):"]
    width = max(len(variant.definition) for variant in table.variants)
    for variant in table.variants:
        shown = "-" if variant.value is None else f"{100 * variant.value:.2f} %" if percent else f"{variant.value:.4f}"
        lines.append(f"  {variant.definition:<{width}}  {shown:>9}{'  <- tokbench' if variant.ours else ''}")
    return "".join(f"{line}\n" for line in lines)
