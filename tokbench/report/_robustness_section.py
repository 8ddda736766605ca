"""Report sections on robustness: what typing the same text in another way does to its tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from tokbench.analysis.robustness import Perturbation, Robustness
from tokbench.corpora import name_language
from tokbench.report._document_model import Facts, Figure, Part, Points, Prose, Section, Signature
from tokbench.report._findings import join
from tokbench.report._heat_map import HeatMap
from tokbench.report._premiums import LIMITS, write_premium
from tokbench.report._robustness import (
    VALUES,
    hides_text,
    lay_out_languages,
    lay_out_overall,
    pick_meaningful,
    write_notes,
)
from tokbench.report._table import Table

MOST_MAPS = 4
"""Tokenizers that have a heat map each, of languages."""

Values = Mapping[tuple[str | None, str, str], float]
"""Ratios by language (or None: over all), tokenizer and name of the perturbation, where they mean something."""


def write_robustness(files: Mapping[str, Robustness]) -> list[Section]:
    """Return a section for each file."""
    return [
        Section(f"robustness-{number}", f"Robustness: {name}", tuple(write_parts(found, f"robustness-{number}")))
        for number, (name, found) in enumerate(files.items(), start=1)
    ]


def write_parts(found: Robustness, name: str) -> list[Part]:
    """Write what is worst, a heat map over all languages, the shares unchanged, and maps of languages."""
    overall = found.values.filter(pl.col("lang").is_null())
    columns = ("lang", "tokenizer", "perturbation", "ratio")
    meaningful = found.values.drop_nulls("ratio")
    values = {(lang, tokenizer, key): ratio for lang, tokenizer, key, ratio in meaningful.select(columns).iter_rows()}
    parts: list[Part] = [Prose((*write_worst(found, values), write_reading(found)))]
    if any(lang is None for lang, _, _ in values):
        parts += [draw_overall(found, overall, values, name), lay_out_overall(found, overall, "unchanged")]
    if len(found.languages) > 1 and len(found.tokenizers) <= MOST_MAPS:
        parts += [
            draw_languages(found, tokenizer, values, f"{name}-{number}")
            for number, tokenizer in enumerate(found.tokenizers, start=1)
            if any(lang is not None and own == tokenizer for lang, own, _ in values)
        ]
    definitions = tuple((one.title, one.definition) for one in found.perturbations)
    return [
        *parts,
        Points(tuple(write_notes(found))),
        Facts(definitions, "The perturbations"),
        Signature(found.signature),
    ]


def write_worst(found: Robustness, values: Values) -> list[str]:
    """Say which way of typing needs most tokens, for the tokenizers with the lowest and the highest such ratio."""
    titles = {one.name: one.title for one in found.perturbations}
    worst = {}
    for tokenizer in found.tokenizers:
        own = {key: ratio for (lang, name, key), ratio in values.items() if lang is None and name == tokenizer}
        if own:
            key = max(own, key=own.__getitem__)
            worst[tokenizer] = (own[key], titles[key])
    if not worst:
        return ["No perturbation changes half of the texts of a language."]
    order = sorted(worst, key=lambda tokenizer: worst[tokenizer][0])
    named = [
        f'{worst[tokenizer][0]:,.2f} times the tokens with {tokenizer} ("{worst[tokenizer][1]}")'
        for tokenizer in dict.fromkeys((order[-1], order[0]))
    ]
    return [f"At its worst, the same text typed in another way needs {join(named)}."]


def write_reading(found: Robustness) -> str:
    """Say on what texts the values are and how to read them."""
    count = len(found.languages)
    noun = {"family": "families"}.get(found.by, f"{found.by}s") if count != 1 else found.by
    return (
        f"Texts of {found.corpus}, {count:,} {noun}, as they are and perturbed. 1 is as many tokens as before, 2 is "
        "twice as many; the share unchanged is that of the tokens that are still there, in the same order."
    )


def draw_overall(found: Robustness, overall: pl.DataFrame, values: Values, name: str) -> Figure:
    """Draw the ratios over all languages: perturbations by tokenizers."""
    shown = pick_meaningful(found.perturbations, overall)
    hidden = find_hidden(found, None)
    heat = HeatMap(
        tuple(one.title for one in shown),
        found.tokenizers,
        tuple(tuple(values.get((None, tokenizer, one.name)) for tokenizer in found.tokenizers) for one in shown),
        VALUES["ratio"][0],
        LIMITS,
        write_premium,
        frozenset(
            (i, j)
            for i, one in enumerate(shown)
            for j, tokenizer in enumerate(found.tokenizers)
            if (tokenizer, one.name) in hidden
        ),
    )
    caption = (
        "Tokens after / tokens before, over all languages in which the perturbation changes at least half of the texts."
    )
    return make_figure(heat, name, caption, lay_out_overall(found, overall, "ratio"))


def draw_languages(found: Robustness, tokenizer: str, values: Values, name: str) -> Figure:
    """Draw the ratios of a tokenizer: languages by perturbations."""
    rows = found.values.filter((pl.col("tokenizer") == tokenizer) & pl.col("lang").is_not_null())
    shown: Sequence[Perturbation] = pick_meaningful(found.perturbations, rows)
    names = tuple(map(name_language, found.languages)) if found.by == "language" else found.languages
    hidden = [find_hidden(found, lang) for lang in found.languages]
    heat = HeatMap(
        names,
        tuple(one.title for one in shown),
        tuple(tuple(values.get((lang, tokenizer, one.name)) for one in shown) for lang in found.languages),
        f"{tokenizer}: {VALUES['ratio'][0]}",
        LIMITS,
        write_premium,
        frozenset(
            (i, j) for i, pairs in enumerate(hidden) for j, one in enumerate(shown) if (tokenizer, one.name) in pairs
        ),
        names,
    )
    caption = f"{tokenizer}: tokens after / tokens before, by {found.by}. Empty: too few texts are changed."
    return make_figure(heat, name, caption, lay_out_languages(found, tokenizer))


def find_hidden(found: Robustness, lang: str | None) -> set[tuple[str, str]]:
    """Return the tokenizers and perturbations of which unknown tokens hide text in a language, or anywhere."""
    wanted = pl.col("lang").is_null() if lang is None else pl.col("lang") == lang
    rows = found.values.filter(wanted).drop_nulls("ratio")
    return {(row["tokenizer"], row["perturbation"]) for row in rows.iter_rows(named=True) if hides_text(row)}


def make_figure(heat: HeatMap, name: str, caption: str, table: Table) -> Figure:
    """Return the figure of a heat map, which says what hatching means."""
    hatching = " Hatched: unknown tokens, which count as one whatever they hide." if heat.hatched else ""
    return Figure(name, caption + hatching, lambda: heat, table)
