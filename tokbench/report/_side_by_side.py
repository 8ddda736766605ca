"""Several results side by side, with a warning if they are not comparable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tokbench.comparison import Comparison
from tokbench.comparison.signature import read_signature
from tokbench.metrics import METRICS
from tokbench.report._document_model import Part, Points, Section
from tokbench.report._leads import Value, choose_best, find_podium
from tokbench.report._numbers import Number, find_numbers, title_of
from tokbench.report._summary import list_columns
from tokbench.report._table import ABSENT, UNRANKED, Cell, Table

MEANING = {
    "corp": "corpus",
    "lang": "languages",
    "n": "segments",
    "pairs": "alignment",
    "mix": "mixture",
    "ref": "reference language",
    "base": "baseline",
    "agg": "aggregation",
    "seg": "word segmenter",
    "spec": "special tokens",
    "boot": "intervals",
    "v": "version of tokbench",
}
"""Signature fields that must agree before two values can be compared."""


def read_conditions(result: Comparison) -> dict[str, str]:
    """Return the fields of a result's signature, except those of its tokenizers."""
    fields = read_signature(result.signature(long=False))
    return {key: fields.get(key, "none") for key in MEANING}


def find_mismatches(results: Mapping[str, Comparison]) -> list[str]:
    """Describe each difference between signatures in a sentence.

    None if results are comparable.
    """
    signatures = {name: read_conditions(result) for name, result in results.items()}
    sentences = []
    for key, meaning in MEANING.items():
        values = {name: fields[key] for name, fields in signatures.items()}
        if len(set(values.values())) > 1:
            listed = ", ".join(f"{value} in {name}" for name, value in values.items())
            sentences.append(f"The signatures do not match, {meaning}: {listed}.")
    return sentences


def write_side_by_side(results: Mapping[str, Comparison]) -> list[Section]:
    """Return warnings and one table of all results.

    The best is marked only if the signatures match.
    """
    mismatches = find_mismatches(results)
    parts: list[Part] = []
    if mismatches:
        parts.append(Points((*mismatches, "Do not compare figures across these results."), warning=True))
    parts.append(lay_out_together(results, ranked=not mismatches))
    return [Section("side-by-side", "Summary of all results", tuple(parts))]


def lay_out_together(results: Mapping[str, Comparison], *, ranked: bool) -> Table:
    """One row a result and tokenizer, the columns of every summary that has them."""
    columns_of_all = [column for result in results.values() for column in list_columns(result)]
    metrics = {metric.name: metric for _, metric, lang in columns_of_all if lang is None}
    pooled = list(metrics.values()) or [METRICS["bytes_per_token"]]
    pairs = [(name, result, t.name) for name, result in results.items() for t in result.tokenizers]
    columns: list[Sequence[Cell]] = [
        [Cell(name) for name, _, _ in pairs],
        [Cell(f"{t} {UNRANKED}" if result.is_lossy(t) else t) for _, result, t in pairs],
    ]
    for metric in pooled:
        found: dict[tuple[str, str], Number] = {
            (name, number.tokenizer): number
            for name, result in results.items()
            for number in find_numbers(result, metric.name)
        }
        numbers = [found.get((name, t)) for name, _, t in pairs]
        ranked_values = [Value(str(i), n.value, n.low, n.high) for i, n in enumerate(numbers) if n and n.ranked]
        podium = find_podium(ranked_values, metric) if ranked else None
        best = choose_best(podium, None, len(pairs)) if podium else frozenset()
        columns.append(
            [
                Cell(
                    number.write() if number else ABSENT,
                    best=str(i) in best,
                    unranked=number is not None and metric.compression and pairs[i][1].is_lossy(pairs[i][2]),
                )
                for i, number in enumerate(numbers)
            ]
        )
    headers = ("result", "tokenizer", *(title_of(metric) for metric in pooled))
    return Table("all results", headers, tuple(zip(*columns, strict=True)), labels=2)
