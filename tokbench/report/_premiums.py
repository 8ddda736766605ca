"""Report section on premiums: a heat map of languages by tokenizers, and their intervals."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from tokbench.comparison import Comparison
from tokbench.corpora import name_language
from tokbench.report._document_model import Figure, Section
from tokbench.report._heat_map import HeatMap
from tokbench.report._leads import Marks, find_best, is_floor
from tokbench.report._numbers import Number, find_numbers
from tokbench.report._scripts import name_script
from tokbench.report._table import Cell, Table, lay_out_metric

LIMITS = (1.1, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 6.0)
"""Where the colours of premiums change: the same in every report, so that a colour always means the same."""


def write_premiums(comparison: Comparison, marks: Marks = find_best) -> list[Section]:
    """Return the premiums of each language, as heat map and table."""
    reference, corpus = comparison.corpus.reference, comparison.corpus
    rows = comparison.frame.filter(
        (pl.col("metric") == "premium") & pl.col("lang").is_not_null() & pl.col("value").is_not_null()
    )
    if rows.is_empty() or reference is None or len(corpus.languages) < 2 or not corpus.aligned:
        return []
    values = {(lang, name): value for lang, name, value in rows.select("lang", "tokenizer", "value").iter_rows()}
    languages, names = order_cells(comparison, values)
    heat = HeatMap(
        tuple(map(name_language, languages)),
        tuple(f"{name} (floor)" if is_floor(comparison, name) else name for name in names),
        tuple(tuple(values.get((lang, name)) for name in names) for lang in languages),
        f"premium over {name_language(reference)}",
        LIMITS,
        write_premium,
        frozenset(
            (i, j)
            for j, name in enumerate(names)
            for i, lang in enumerate(languages)
            if comparison.is_lossy(name, lang)
        ),
        tuple(f"{name_language(lang)} {name_script(lang)}" for lang in languages),
    )
    figure = Figure(
        "premiums",
        f"Tokens for the same content relative to {name_language(reference)}: 1 is equal, 2 is twice as many. "
        "The language that pays most is first, and the tokenizer with the lowest mean; all reports use the same "
        "colours." + (" Hatched: the tokenizer loses text there." if heat.hatched else ""),
        lambda: heat,
        lay_out_premiums(comparison, languages, marks),
    )
    return [Section("premiums", "What each language pays", (figure,))]


def write_premium(value: float) -> str:
    """Format a premium in few characters.

    >>> write_premium(1.234), write_premium(12.34), write_premium(123.4)
    ('1.23', '12.3', '123')
    """
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


def order_cells(comparison: Comparison, values: dict[tuple[str, str], float]) -> tuple[list[str], list[str]]:
    """Order languages by their worst premium, highest first, and tokenizers by their mean, lowest first.

    Tokenizers that lose text and byte vocabularies come last, and have no say in the order of languages unless there
    is nothing else.
    """
    names = [name for name in comparison.names if any(name == known for _, known in values)]
    floors = {name for name in names if is_floor(comparison, name)}
    lossy = {name for name in names if comparison.is_lossy(name)}
    judges = [name for name in names if name not in floors | lossy] or names
    worst: dict[str, float] = {}
    sums: dict[str, list[float]] = {}
    for (lang, name), value in values.items():
        sums.setdefault(name, []).append(value)
        if name in judges:
            worst[lang] = max(value, worst.get(lang, 0.0))
    languages = [lang for lang in comparison.corpus.languages if any((lang, name) in values for name in names)]
    languages.sort(key=lambda lang: -worst.get(lang, 0.0))
    names.sort(key=lambda name: (name in floors, name in lossy, sum(sums[name]) / len(sums[name])))
    return languages, names


def lay_out_premiums(comparison: Comparison, languages: list[str], marks: Marks) -> Table:
    """Premiums with their intervals: languages down, in the order of the heat map."""
    plain = lay_out_metric(comparison, comparison.metrics["premium"], marks=marks)
    by_lang = {row[0].text: row for row in plain.rows}
    rows = []
    for lang in languages:
        intervals = {n.tokenizer: n for n in find_numbers(comparison, "premium", lang)}
        first, *cells = by_lang[Cell(lang).text]
        named = zip(comparison.names, cells, strict=True)
        written = (add_bounds(cell, intervals.get(name)) for name, cell in named)
        rows.append((replace(first, text=name_language(lang)), Cell(name_script(lang)), *written))
    return Table(plain.title, ("language", "script", *comparison.names), tuple(rows), labels=2)


def add_bounds(cell: Cell, number: Number | None) -> Cell:
    """Add the interval of a cell's value, unless it is a single point."""
    return cell if number is None else replace(cell, text=number.write())
