"""Which tokenizers are best, by values that a paired test separates from the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

import polars as pl

from tokbench.comparison import Comparison
from tokbench.metrics import Metric, Mixture, Reference
from tokbench.metrics.leads import Lead, Pair, compare_pairs
from tokbench.metrics.resampling import Bootstrap

FLOOR = "bytes"
"""The family of vocabularies of single bytes: what they write is a floor for compression, not a contestant."""

Column = tuple[Metric, str | None]
"""A metric in a language (None: over all languages)."""

Best = Mapping[tuple[str, str | None], frozenset[str]]
"""The tokenizers to mark as best in a column, by metric and language."""

Key = TypeVar("Key")


class Marks(Protocol):
    """Chooses the tokenizers to mark as best in columns: `find_best` or `find_tied`."""

    def __call__(self, comparison: Comparison, columns: Sequence[Column]) -> Best:
        """Return them by metric and language."""
        ...


_BOOTSTRAP = re.compile(
    r"(?P<resamples>[0-9]+)/(?P<method>[a-z]+)/(?:[0-9]+ runs of )?(?P<draw>[a-z]+)/seed(?P<seed>[0-9]+)"
)


@dataclass(frozen=True)
class Value:
    """A tokenizer's value in a column, with its interval if it has one."""

    tokenizer: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Podium:
    """The best of a column and the next: tokenizers with equal best values, then the best of the others."""

    best: tuple[Value, ...]
    next: Value | None


@dataclass(frozen=True)
class Standing:
    """Who is first and next in columns, by metric and language, among `rows` tokenizers."""

    podiums: Mapping[tuple[str, str | None], Podium]
    leads: Mapping[tuple[str, str | None], Lead]
    rows: int

    @property
    def best(self) -> Best:
        """The tokenizers to mark as best in each column.

        None are marked where a paired test does not separate them from the next, or, without a test, the intervals
        overlap; where more than half of all tokenizers are best; and where all are equal.
        """
        return {key: choose_best(podium, self.leads.get(key), self.rows) for key, podium in self.podiums.items()}


def is_floor(comparison: Comparison, tokenizer: str) -> bool:
    """Return whether a tokenizer is a byte vocabulary."""
    return any(t.family == FLOOR for t in comparison.tokenizers if t.name == tokenizer)


def is_ranked(comparison: Comparison, tokenizer: str, metric: Metric, lang: str | None = None) -> bool:
    """Return whether a tokenizer takes part in a ranking: byte vocabularies and, on compression, lossy ones do not."""
    return not is_floor(comparison, tokenizer) and not (metric.compression and comparison.is_lossy(tokenizer, lang))


def find_podium(values: Sequence[Value], metric: Metric) -> Podium | None:
    """Return the best of ranked values and the next; None without a direction or values."""
    if metric.better is None or not values:
        return None
    ordered = sorted(values, key=lambda value: value.value, reverse=metric.better == "higher")
    best = tuple(value for value in ordered if value.value == ordered[0].value)
    return Podium(best, ordered[len(best)] if len(ordered) > len(best) else None)


def read_bootstrap(comparison: Comparison) -> Bootstrap | None:
    """Return how the intervals of a comparison were computed; None if it has none."""
    found = _BOOTSTRAP.fullmatch(comparison.corpus.bootstrap or "")
    if found is None:
        return None
    draw, method = found["draw"], found["method"]
    return Bootstrap(
        int(found["resamples"]),
        int(found["seed"]),
        draw="documents" if draw == "documents" else "segments",
        method="bca" if method == "bca" else "percentile",
    )


def find_podiums(comparison: Comparison, columns: Sequence[Column]) -> dict[tuple[str, str | None], Podium]:
    """Return the podium of each column that has one, by metric and language."""
    wanted = {(metric.name, lang): metric for metric, lang in columns}
    podiums = {key: find_podium(found, wanted[key]) for key, found in find_values(comparison, columns).items()}
    return {key: podium for key, podium in podiums.items() if podium is not None}


def find_values(comparison: Comparison, columns: Sequence[Column]) -> dict[tuple[str, str | None], list[Value]]:
    """Return the ranked values of each column, by metric and language."""
    wanted = {(metric.name, lang): metric for metric, lang in columns}
    values: dict[tuple[str, str | None], list[Value]] = {}
    chosen = comparison.frame.filter(
        pl.col("metric").is_in({name for name, _ in wanted}) & pl.col("value").is_not_null()
    )
    rows = chosen.select("tokenizer", "metric", "lang", "value", "low", "high").iter_rows()
    for tokenizer, name, lang, value, low, high in rows:
        metric = wanted.get((name, lang))
        if metric is not None and is_ranked(comparison, tokenizer, metric, lang):
            values.setdefault((name, lang), []).append(Value(tokenizer, value, low, high))
    return values


def find_leads(
    comparison: Comparison, podiums: Mapping[tuple[str, str | None], Podium]
) -> dict[tuple[str, str | None], Lead]:
    """Test the first of each podium against the next, where the counts are here and the metric can be tested."""
    return test_pairs(
        comparison,
        {
            key: Pair(comparison.metrics[key[0]], key[1], podium.best[0].tokenizer, podium.next.tokenizer)
            for key, podium in podiums.items()
            if podium.next is not None
        },
    )


def test_pairs(comparison: Comparison, pairs: Mapping[Key, Pair]) -> dict[Key, Lead]:
    """Test pairs of tokenizers, where the counts are here and the metric can be tested."""
    bootstrap = read_bootstrap(comparison)
    if comparison.measurements is None or bootstrap is None:
        return {}
    corpus = comparison.corpus
    leads = compare_pairs(
        comparison.measurements,
        list(pairs.values()),
        Reference(corpus.reference, corpus.baseline),
        bootstrap,
        Mixture(corpus.shares) if corpus.shares else None,
        metrics=[*comparison.metrics.values()],
    )
    return {key: lead for key, lead in zip(pairs, leads, strict=True) if lead is not None}


def find_standing(comparison: Comparison, columns: Sequence[Column]) -> Standing:
    """Return who is first and next in each column, with tests where they are possible."""
    podiums = find_podiums(comparison, columns)
    return Standing(podiums, find_leads(comparison, podiums), len(comparison.names))


def find_best(comparison: Comparison, columns: Sequence[Column]) -> Best:
    """Return the tokenizers to mark as best in each column."""
    return find_standing(comparison, columns).best


def find_tied(comparison: Comparison, columns: Sequence[Column]) -> Best:
    """Return the best tokenizers of each column with all that a paired test does not separate from them.

    Without a test, those whose intervals overlap. None are marked where that would be every ranked tokenizer.
    """
    values = find_values(comparison, columns)
    podiums = {key: podium for key, podium in find_podiums(comparison, columns).items() if podium.next is not None}
    rivals = {
        (key, value): Pair(comparison.metrics[key[0]], key[1], podium.best[0].tokenizer, value.tokenizer)
        for key, podium in podiums.items()
        for value in values[key]
        if value not in podium.best
    }
    leads = test_pairs(comparison, rivals)
    tied = {key: {value.tokenizer for value in podium.best} for key, podium in podiums.items()}
    for (key, value), lead in ((rival, leads.get(rival)) for rival in rivals):
        if not (lead.separated if lead is not None else not overlap(podiums[key].best[0], value)):
            tied[key].add(value.tokenizer)
    return {key: frozenset(names if len(names) < len(values[key]) else ()) for key, names in tied.items()}


def choose_best(podium: Podium, lead: Lead | None, rows: int) -> frozenset[str]:
    """Return the tokenizers of a podium to mark as best among `rows` tokenizers."""
    if podium.next is None or 2 * len(podium.best) > rows:
        return frozenset()
    separated = lead.separated if lead is not None else not overlap(podium.best[0], podium.next)
    return frozenset(value.tokenizer for value in podium.best) if separated else frozenset()


def overlap(first: Value, second: Value) -> bool:
    """Return whether two values have intervals that overlap."""
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return False
    return first.low <= second.high and second.low <= first.high
