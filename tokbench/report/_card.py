"""The essentials of a tokenizer's card, and its tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import polars as pl

from tokbench.analysis.cards import Card
from tokbench.analysis.soundness import Severity
from tokbench.analysis.soundness._verdict import list_some
from tokbench.analysis.vocabulary import UNREACHABLE
from tokbench.corpora import name_language
from tokbench.metrics import Metric
from tokbench.report._document_model import Plain, Points, Signature
from tokbench.report._numbers import find_numbers
from tokbench.report._scripts import name_script
from tokbench.report._shares import format_percent
from tokbench.report._table import ABSENT, Cell, Table, title_of_metric

UNKNOWN = "unknown"

COMPRESSION = (
    *("tokens_per_segment", "bytes_per_token", "chars_per_token", "fertility", "continued_words"),
    *("byte_fallback_rate", "unk_char_rate", "renyi_efficiency", "utilisation"),
)
"""Metrics of a card on compression, in their order."""

BOUNDARIES = ("word_ends_inside", "graphemes_split", "characters_split", "tokens_crossing", "tokens_over_words")
"""Metrics of a card on where tokens end."""

DIGITS = ("digits_f1", "tokens_per_digit")
"""Metrics of a card on numbers."""


def lay_out(card: Card) -> list[Plain]:
    """Lay out the essentials, premiums of groups, and what tokens do to text."""
    return [
        lay_out_facts(f"{card.name}: tokenizer card", list_essentials(card)),
        *([Points(tuple(warnings), warning=True)] if (warnings := list_warnings(card)) else []),
        *lay_out_groups(card),
        lay_out_metrics(card, "compression and boundaries, over all texts", (*COMPRESSION, *BOUNDARIES, *DIGITS)),
        Signature(card.signature(long=False)),
    ]


def lay_out_facts(title: str, facts: Sequence[tuple[str, str]]) -> Table:
    """Lay out facts: a name and a text in each row."""
    rows = tuple((Cell(name), Cell(text)) for name, text in facts)
    return Table(title, ("property", "value"), rows, labels=1, texts=frozenset({1}), ruled=False)


def list_essentials(card: Card) -> list[tuple[str, str]]:
    """List what a reader wants to know first."""
    facts, premiums = card.facts, list(list_premiums(card))
    return [
        ("vocabulary", f"{card.vocabulary.sizes.total:,} ids"),
        ("algorithm", facts.algorithm or UNKNOWN),
        ("licence", facts.licence or UNKNOWN),
        ("bytes per token", write_counted(card, "bytes_per_token")),
        *premiums,
        ("round trip", write_round_trip(card)),
        ("unreachable tokens", write_unreachable(card)),
        ("checks", write_checks(card)),
    ]


def list_premiums(card: Card) -> Iterator[tuple[str, str]]:
    """Yield the median and the worst premium, the latter with its language; nothing without any."""
    reference = name_language(card.comparison.corpus.reference or "")
    worst = rank_languages(card)
    if worst:
        yield f"median premium over {reference}", write_counted(card, "premium_median")
        yield "worst premium", f"{write_counted(card, 'premium_worst')}, {name_language(worst[0])}"


def rank_languages(card: Card) -> list[str]:
    """Return the languages that have a premium, besides the reference, costliest first."""
    found = {
        lang: numbers[0].value
        for lang in card.comparison.corpus.languages
        if lang != card.comparison.corpus.reference and (numbers := find_numbers(card.comparison, "premium", lang))
    }
    return sorted(found, key=lambda lang: (-found[lang], lang))


def write_metric(card: Card, metric: str, lang: str | None = None) -> str:
    """Format a value with its interval; a dash where it is not defined."""
    numbers = find_numbers(card.comparison, metric, lang)
    return numbers[0].write() if numbers else ABSENT


def write_counted(card: Card, metric: str) -> str:
    """Format a value over all texts: in brackets, as in tables, if text is lost, which makes it shorter."""
    value = write_metric(card, metric)
    return f"({value})" if card.comparison.is_lossy(card.name) else value


def list_warnings(card: Card) -> list[str]:
    """List what a reader must not overlook: lost text, and errors."""
    lost = card.comparison.tokenizers[0].lossy_segments
    warnings = []
    if lost:
        named = list_some(map(name_language, lost))
        warnings.append(f"It loses text in {named}: its lengths do not count there, and are in brackets.")
    errors = (verdict for verdict in card.soundness.verdicts if verdict.severity is Severity.ERROR)
    return [*warnings, *(f"Error of the check {verdict.check}: {verdict.evidence}." for verdict in errors)]


def write_round_trip(card: Card) -> str:
    """Say how many texts and probes come back exactly."""
    found = card.round_trip
    if found.lossless:
        return f"exact: {found.segments:,} texts, {found.probes:,} probes"
    texts = (
        f"{found.segments - found.lossy_segments:,} of {found.segments:,} texts"
        if found.lossy_segments
        else "all texts"
    )
    return f"{texts} exact; {found.lossy_probes:,} of {found.probes:,} probes change"


def write_unreachable(card: Card) -> str:
    """Say how many tokens no text produces, with their share of the ids; single bytes apart, as in `check`."""
    tokens = card.vocabulary.tokens.filter(pl.col("reach").is_in([kind.value for kind in UNREACHABLE]))
    single = tokens.filter(pl.col("bytes").bin.size() == 1).height
    count = tokens.height - single
    written = f"{count:,} ({format_percent(count / card.vocabulary.sizes.total)})"
    return f"{written}, and {single:,} single byte{'' if single == 1 else 's'}" if single else written


def write_checks(card: Card) -> str:
    """Count the verdicts that are not well, and those that are."""
    found = card.soundness
    nouns = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}
    counted = [(found.count(severity), noun) for severity, noun in nouns.items()]
    listed = [f"{count} {noun}{'' if count == 1 else 's'}" for count, noun in counted if count]
    return ", ".join([*listed, f"{found.count(Severity.PASSED)} passed"])


def lay_out_groups(card: Card) -> list[Table]:
    """Lay out the premiums of scripts, regions and families."""
    reference = card.comparison.corpus.reference
    tables = []
    for by in dict.fromkeys(premium.by for premium in card.premiums):
        rows = tuple(
            (
                Cell(name_script(p.languages[0]) if by == "script" else p.group),
                Cell(f"{len(p.languages):,}"),
                Cell(
                    f"{p.value:.2f}" + ("" if p.low is None else f" [{p.low:.2f}, {p.high:.2f}]"),
                    unranked=any(card.comparison.is_lossy(card.name, lang) for lang in p.languages),
                ),
            )
            for p in card.premiums
            if p.by == by
        )
        title = f"premium by {by}, relative to {reference}"
        tables.append(Table(title, (by, "languages", "premium"), rows, labels=1))
    return tables


def lay_out_metrics(card: Card, title: str, metrics: Sequence[str]) -> Table:
    """Lay out values over all texts with their intervals, where they are defined."""
    known = card.comparison.metrics
    rows = tuple(
        (Cell(known[name].title), write_cell(card, known[name]), Cell(known[name].unit))
        for name in metrics
        if find_numbers(card.comparison, name)
    )
    return Table(title, ("measure", "value", "unit"), rows, labels=1, texts=frozenset({2}))


def write_cell(card: Card, metric: Metric, lang: str | None = None) -> Cell:
    """Format a value with its interval, marked if the tokenizer loses text there."""
    lossy = metric.compression and card.comparison.is_lossy(card.name, lang)
    text = write_metric(card, metric.name, lang)
    return Cell(text, unranked=lossy and text != ABSENT)


def lay_out_languages(card: Card) -> Table:
    """Lay out what each language pays, in the order of the corpus."""
    comparison = card.comparison
    metrics = [
        comparison.metrics[name]
        for name in ("tokens_per_segment", "premium", "bytes_per_token", "graphemes_split")
        if any(find_numbers(comparison, name, lang) for lang in comparison.corpus.languages)
    ]
    first = "language" if comparison.corpus.aligned else "group"
    rows = tuple(
        (Cell(name_language(lang)), Cell(name_script(lang)), *(write_cell(card, metric, lang) for metric in metrics))
        for lang in comparison.corpus.languages
    )
    headers = (first, "script", *(title_of_metric(comparison, metric) for metric in metrics))
    return Table("by language", headers, rows, labels=2)
