"""A metric: its definition, and other definitions under its name."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from tokbench.analysis.metric_variants import VariantTable
from tokbench.metrics import Metric
from tokbench.report._document_model import Plain, Prose, Results
from tokbench.report._table import Table, tabulate

MIXTURE = (
    "Mixture (--weights): each sum per byte of its language, times the language's share of the bytes, added up on both "
    "sides of the ratio."
)


def show(metric: Metric, variants: VariantTable | None) -> Results:
    """Return a metric's definition, with its variants if they were computed."""
    parts, more = partial(lay_out, metric, variants), {} if variants is None else {"variants": asdict(variants)}
    return Results(parts, lambda: describe(metric) | more)


def lay_out(metric: Metric, variants: VariantTable | None) -> list[Plain]:
    """Lay out the definition in paragraphs, and the variants as a table."""
    better = f"{metric.better} is better" if metric.better else "neither direction is better"
    lossy = "; a tokenizer that loses text is not ranked on it" if metric.compression else ""
    facts: tuple[str, ...] = (
        f"Direction: {better}{lossy}.",
        f"Edge cases: {metric.edge_cases}",
        f"Other definitions: {metric.other_definitions}",
        f"Evidence that it predicts the quality of models: {metric.evidence}",
        f"Source: {metric.citation or 'none; the name says what is counted'}.",
    )
    if metric.level == "segments" and metric.relative_to != "reference":
        facts += (MIXTURE,)
    heading = f"{metric.name} ({metric.title}) [{metric.unit}]"
    parts: list[Plain] = [Prose((heading,)), Prose((metric.definition,)), Prose(facts)]
    return parts if variants is None else [*parts, lay_out_variants(variants, percent=metric.percent)]


def lay_out_variants(table: VariantTable, *, percent: bool) -> Table:
    """Lay out one row per definition, with ours marked."""
    few = table.languages if len(table.languages) <= 2 else (f"{len(table.languages)} languages",)
    title = f"{table.metric} of {table.tokenizer} on {table.corpus} ({' / '.join(few)}, {table.segments:,} segments):"
    rows = [{"definition": v.definition, "value": v.value, "": "<- tokbench" if v.ours else ""} for v in table.variants]
    return tabulate(
        rows, title, formats={"value": (lambda value: f"{100 * value:.2f} %") if percent else "{:.4f}".format}
    )


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
        "evidence": metric.evidence,
        "citation": metric.citation,
    }
