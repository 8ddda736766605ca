"""Boundary precision, recall and F1 of tokens against the segments of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.notebook import Presented
from tokbench.adapters import Tokenizer, sum_ranges
from tokbench.analysis._signature import sign_analysis
from tokbench.analysis.morphology._gold import Gold
from tokbench.analysis.token_places import JoinedTexts, count_flags, place_tokens
from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import (
    Bootstrap,
    divide,
    draw_weights,
    find_units,
    percentile_interval,
    resample_sums,
)

Floats = npt.NDArray[np.float64]
Lead = Literal["space", "none"]
"""What precedes each word when it is encoded."""

SingleToken = Literal["excluded", "missed", "correct"]
"""How words of one token count: not at all; as boundaries that were not found; or, as MorphScore may, as right."""

Average = Literal["macro", "micro"]

SCORES = ("recall", "precision", "f1", "precision_per_token")

SCHEMA = {
    "tokenizer": pl.String,
    "gold": pl.String,
    "lang": pl.String,
    "lead": pl.String,
    "single_token": pl.String,
    "average": pl.String,
    "weighted": pl.Boolean,
    "words": pl.Int64,
    "boundaries": pl.Int64,
    "single_token_words": pl.Int64,
    "unplaced_words": pl.Int64,
    **{f"{score}{bound}": pl.Float64 for score in SCORES for bound in ("", "_low", "_high")},
}

# Columns of the sums: what each word adds to every score, times its weight.
_HITS, _GOLD, _ENDS, _RECALL, _PRECISION, _SHARE, _SEVERAL, _ONE, _SINGLE, _SINGLE_GOLD = range(10)


@dataclass(frozen=True, eq=False)
class WordCuts:
    """How a tokenizer cuts the words of a gold file, one element per word.

    hits: boundaries at which a token ends. boundaries: of the gold. ends: token ends strictly inside the word.
    known: whether the places of the tokens are known; the rest is 0 where they are not.
    """

    hits: npt.NDArray[np.int64]
    boundaries: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]
    known: npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class MorphologyScores(Presented):
    """Scores of tokenizers on gold files.

    values: one row per tokenizer, gold file, language (null: all words of the file), lead, single_token, average and
        weighted, with the columns of `SCHEMA`. Scores are null where undefined, intervals too. `words` are all those
        with known places; `single_token_words` of them are one token.
    """

    tokenizers: tuple[str, ...]
    golds: tuple[Gold, ...]
    leads: tuple[Lead, ...]
    values: pl.DataFrame
    signature: str


def measure_morphology(
    tokenizers: Sequence[Tokenizer],
    golds: Sequence[Gold],
    *,
    leads: Sequence[Lead] = ("space",),
    bootstrap: Bootstrap | None = None,
) -> MorphologyScores:
    """Compare token ends inside words with the boundaries of their segments, in bytes.

    leads: what precedes a word: a space, nothing, or one after the other. A tokenizer that itself puts a space before
        every text (dummy prefix) gets none from us, and its values are the same for both.
    bootstrap: draws words; the same for all tokenizers.

    Raises TokbenchError if two tokenizers, or two gold files, have one name.
    """
    refuse_repeated("tokenizers", [tokenizer.name for tokenizer in tokenizers])
    refuse_repeated("gold files", [gold.name for gold in golds])
    how = bootstrap or Bootstrap(draw="segments")
    rows: list[dict[str, object]] = []
    for gold in golds:
        groups = group_words(gold)
        drawn = {lang: draw_weights(how, find_units(int(group.sum())).number) for lang, group in groups.items()}
        for tokenizer in tokenizers:
            for lead in leads:
                cuts = cut_words(tokenizer, gold, lead)
                for lang, group in groups.items():
                    facts = {"tokenizer": tokenizer.name, "gold": gold.name, "lang": lang, "lead": lead}
                    rows += score_words(facts, cuts, gold, group, drawn[lang], how.level)
    signed = {
        "gold": ",".join(f"{gold.name}@sha256:{gold.sha256}/{gold.format}" for gold in golds),
        "n": ",".join(str(gold.words.height) for gold in golds),
        "lead": ",".join(leads),
    }
    signature = sign_analysis("morphology", tokenizers, signed, how)
    frame = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    return MorphologyScores(tuple(t.name for t in tokenizers), tuple(golds), tuple(leads), frame, signature)


def refuse_repeated(what: str, names: Sequence[str]) -> None:
    """Raise TokbenchError if two have the same name, by which values are told apart."""
    for name in names:
        if names.count(name) > 1:
            raise TokbenchError(f"two of the {what} have the same name, {name}", "give it once, or rename one")


def group_words(gold: Gold) -> dict[str | None, npt.NDArray[np.bool_]]:
    """Return flags of all words (None), and of those of each language if the file names more than one."""
    groups: dict[str | None, npt.NDArray[np.bool_]] = {None: np.ones(gold.words.height, np.bool_)}
    langs = gold.words["lang"].unique(maintain_order=True).to_list()
    if len(langs) > 1 or langs != [None]:
        column = gold.words["lang"]
        groups |= {lang: (column == lang).fill_null(False).to_numpy() for lang in langs if lang is not None}
    return groups


def cut_words(tokenizer: Tokenizer, gold: Gold, lead: Lead) -> WordCuts:
    """Encode each word by itself, and count the token ends inside it and at its boundaries."""
    before = " " if lead == "space" and tokenizer.prefix != b" " else ""
    joined = JoinedTexts.join([before + word for word in gold.words["word"].to_list()])
    places = place_tokens(tokenizer, joined)
    starts, ends = joined.offsets[:-1] + len(before), joined.offsets[1:] - 1
    until = count_flags(places.end_flags)
    inside = np.where(places.known, until[ends] - until[starts + 1], 0)
    number = gold.words["boundaries"].list.len().to_numpy().astype(np.int64)
    at = gold.words["boundaries"].explode(empty_as_null=False).to_numpy() + np.repeat(starts, number)
    hit = places.end_flags[at] & np.repeat(places.known, number)
    offsets = np.concatenate([[0], np.cumsum(number)])
    return WordCuts(sum_ranges(hit, offsets), number, inside, places.known)


def score_words(
    facts: Mapping[str, object],
    cuts: WordCuts,
    gold: Gold,
    group: npt.NDArray[np.bool_],
    drawn: Floats,
    level: float,
) -> list[dict[str, object]]:
    """Return the rows of one tokenizer on a group of words.

    drawn: how often each resample has each unit of the group.
    """
    chosen = group & cuts.known
    sizes = {
        "words": int(chosen.sum()),
        "boundaries": int(cuts.boundaries[chosen].sum()),
        "single_token_words": int((cuts.ends[chosen] == 0).sum()),
        "unplaced_words": int((group & ~cuts.known).sum()),
    }
    weights = {False: chosen.astype(np.float64)}
    if gold.weighted:
        weights[True] = chosen * gold.words["frequency"].to_numpy()
    rows: list[dict[str, object]] = []
    for weighted, weight in weights.items():
        summed = find_units(int(group.sum())).sum((add_up(cuts) * weight[:, None])[group])
        observed, resampled = summed.sum(axis=0), resample_sums(drawn, summed)
        for single in get_args(SingleToken):
            for average in get_args(Average):
                found = compute_scores(observed, single, average)
                low, high = percentile_interval(compute_scores(resampled, single, average), level)
                rows.append(
                    {
                        **facts,
                        "single_token": single,
                        "average": average,
                        "weighted": weighted,
                        **sizes,
                        **name_scores(found, low, high),
                    }
                )
    return rows


def add_up(cuts: WordCuts) -> Floats:
    """Return what each word adds to the sums, (words, columns)."""
    hits, gold, ends = (column.astype(np.float64) for column in (cuts.hits, cuts.boundaries, cuts.ends))
    several = (cuts.ends > 0).astype(np.float64)
    single = 1 - several
    one = np.ones_like(hits)
    precision = np.divide(hits, ends, out=np.zeros_like(hits), where=ends > 0)
    columns = (hits, gold, ends, hits / gold, precision, hits / (ends + 1), several, one, single, single * gold)
    return np.stack(columns, axis=-1)


def compute_scores(sums: Floats, single: SingleToken, average: Average) -> Floats:
    """Return recall, precision, F1 and precision per token from sums of `add_up`; (..., columns) to (..., 4)."""
    column = np.moveaxis(sums, -1, 0)
    right = column[_SINGLE] if single == "correct" else 0.0
    right_gold = column[_SINGLE_GOLD] if single == "correct" else 0.0
    words = column[_SEVERAL] if single == "excluded" else column[_ONE]
    if average == "macro":
        cut = column[_ONE] if single == "correct" else column[_SEVERAL]
        recall = divide(column[_RECALL] + right, words)
        precision = divide(column[_PRECISION] + right, cut)
        per_token = divide(column[_SHARE] + right, words)
    else:
        gold = column[_GOLD] - (column[_SINGLE_GOLD] if single == "excluded" else 0.0)
        tokens = {"excluded": column[_SEVERAL], "missed": column[_ONE], "correct": column[_SEVERAL] + right_gold}
        hits = column[_HITS] + right_gold
        recall = divide(hits, gold)
        precision = divide(hits, column[_ENDS] + right_gold)
        per_token = divide(hits, column[_ENDS] + tokens[single])
    both = recall + precision
    f1 = np.where(both == 0, 0.0, divide(2 * recall * precision, both))
    return np.stack([recall, precision, f1, per_token], axis=-1)


def name_scores(found: Floats, low: Floats, high: Floats) -> dict[str, float | None]:
    """Return the scores with their bounds by column, None where undefined."""
    values = {
        f"{score}{bound}": float(column[i])
        for i, score in enumerate(SCORES)
        for bound, column in (("", found), ("_low", low), ("_high", high))
    }
    return {name: None if np.isnan(value) else value for name, value in values.items()}
