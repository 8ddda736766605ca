"""Tables by register, script or family: groups by tokenizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tokbench.comparison import Comparison
from tokbench.corpora import name_family
from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.metrics import Metric, Reference
from tokbench.metrics.groups import Group, count_segments, evaluate_group, group_by_register, has_groups, select_group
from tokbench.metrics.leads import Lead, Pair, adjust, compare_pairs
from tokbench.report._alignment import LANGUAGE_METRICS
from tokbench.report._leads import Podium, Value, choose_best, find_podium, is_floor, read_bootstrap
from tokbench.report._scripts import name_script
from tokbench.report._summary import has_all_metrics
from tokbench.report._table import Cell, Table, title_of_metric, write_column

GROUPINGS = {"script": name_script, "family": name_family}


def lay_out_groups(comparison: Comparison, by: str, *, required: bool = True) -> list[Table]:
    """Lay out one table per metric: groups by tokenizers, over all their texts together.

    required: raise TokbenchError if no metric has values of groups.
    Raises TokbenchError if the counts are not here, of a mixture, and if the corpus has no registers.
    """
    measurements = comparison.measurements
    if comparison.corpus.shares:
        if not required:
            return []
        raise TokbenchError(f"values by {by} are of whole texts, not of a mixture", "leave --weights or --by out")
    if measurements is None:
        raise TokbenchError(
            f"a comparison loaded from JSON has no counts to add up by {by}", "load the folder of --save"
        )
    groups = find_groups(comparison, measurements, by)
    metrics = choose_metrics(comparison)
    if not metrics and required:
        raise TokbenchError(
            f"none of the metrics has values by {by}", "choose ratios of sums over segments, such as tokens_per_segment"
        )
    return [lay_out_metric_by_group(comparison, measurements, metric, groups, by) for metric in metrics]


def find_groups(comparison: Comparison, measurements: Measurements, by: str) -> list[Group]:
    """Return the groups of a corpus in order of appearance; TokbenchError without registers."""
    if by == "register":
        groups = group_by_register(measurements)
        if not groups:
            raise TokbenchError(f"{comparison.corpus.name} names no registers", "choose other rows, such as language")
        return groups
    names: dict[str, list[str]] = {}
    for lang in comparison.corpus.languages:
        names.setdefault(GROUPINGS[by](lang), []).append(lang)
    return [Group(name, languages=frozenset(langs)) for name, langs in names.items()]


def choose_metrics(comparison: Comparison) -> list[Metric]:
    """Return the metrics to show: lengths and premiums, or those chosen that groups of texts have."""
    present = set(comparison.frame["metric"])
    metrics = [metric for name, metric in comparison.metrics.items() if name in present and has_groups(metric)]
    if has_all_metrics(comparison):
        shown = {*LANGUAGE_METRICS, *(metric.name for metric in comparison.added_metrics)}
        metrics = [metric for metric in metrics if metric.name in shown]
    if len(comparison.corpus.languages) < 2:
        metrics = [metric for metric in metrics if metric.relative_to != "reference"]
    return metrics


def lay_out_metric_by_group(
    comparison: Comparison, measurements: Measurements, metric: Metric, groups: Sequence[Group], by: str
) -> Table:
    """Lay out one metric; the best of each row is marked if a paired test separates it from the next."""
    names = comparison.names
    values = {group: evaluate_group(measurements, metric, group, comparison.corpus.reference) for group in groups}
    best = find_best_of_groups(comparison, measurements, metric, values)
    rows = []
    for group, found in values.items():
        if all(value is None for value in found.values()):
            continue
        cells = write_column(comparison, (metric, None), [found.get(name) for name in names], {})
        marked = (
            replace(
                cell, best=name in best.get(group, ()), unranked=cell.unranked and loses_text(comparison, name, group)
            )
            for name, cell in zip(names, cells, strict=True)
        )
        rows.append((Cell(group.name), Cell(f"{count_group(measurements, group):,}"), *marked))
    size = "segments" if by == "register" else "languages"
    return Table(title_of_metric(comparison, metric), (by, size, *comparison.names), tuple(rows), labels=1)


def loses_text(comparison: Comparison, tokenizer: str, group: Group) -> bool:
    """Return whether a tokenizer lost text in any language of a group."""
    if group.languages is None:
        return comparison.is_lossy(tokenizer)
    return any(comparison.is_lossy(tokenizer, lang) for lang in group.languages)


def count_group(measurements: Measurements, group: Group) -> int:
    """Return the number of languages of a group, or of its segments in use."""
    if group.languages is not None:
        return len(group.languages)
    return count_segments(measurements, group)


def find_best_of_groups(
    comparison: Comparison,
    measurements: Measurements,
    metric: Metric,
    values: Mapping[Group, Mapping[str, float | None]],
) -> dict[Group, frozenset[str]]:
    """Return the tokenizers to mark in each group, if a test separates them; premiums of groups have no test."""
    bootstrap = read_bootstrap(comparison)
    if bootstrap is None or metric.relative_to is not None:
        return {}
    podiums: dict[Group, Podium] = {}
    leads: dict[Group, Lead] = {}
    for group, found in values.items():
        ranked = [
            Value(name, value, None, None)
            for name, value in found.items()
            if value is not None
            and not is_floor(comparison, name)
            and not (metric.compression and loses_text(comparison, name, group))
        ]
        podium = find_podium(ranked, metric)
        if podium is not None and podium.next is not None:
            pair = Pair(metric, None, podium.best[0].tokenizer, podium.next.tokenizer)
            (lead,) = compare_pairs(
                select_group(measurements, group),
                [pair],
                Reference(),
                bootstrap,
                metrics=[*comparison.metrics.values()],
            )
            if lead is not None:
                podiums[group], leads[group] = podium, lead
    corrected = dict(zip(leads, adjust(list(leads.values())), strict=True))
    rows = len(comparison.names)
    return {group: choose_best(podium, corrected[group], rows) for group, podium in podiums.items()}
