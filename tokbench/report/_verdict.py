"""The verdict of a comparison in sentences.

Every number in them is one of its values.
"""

from __future__ import annotations

import polars as pl

from tokbench.comparison import Comparison
from tokbench.corpora import name_language
from tokbench.report._alignment import name_rows
from tokbench.report._findings import LENGTH, join, write_saving, write_test
from tokbench.report._leads import Standing, find_standing
from tokbench.report._numbers import Number, find_numbers, rank
from tokbench.report._table import write_value

LEVEL = 0.05
"""The significance level of differences."""


def write_verdict(comparison: Comparison) -> list[str]:
    """Return the sentences that apply: length, fairness, losses, speed."""
    judges = (judge_length, judge_differences, judge_fairness, judge_losses, judge_speed)
    parts = [sentence for judge in judges for sentence in judge(comparison)]
    return parts or ["There is nothing to rank."]


def overlap(first: Number, second: Number) -> bool | None:
    """Return whether two intervals overlap; None if one is missing."""
    if first.low is None or first.high is None or second.low is None or second.high is None:
        return None
    return first.low <= second.high and second.low <= first.high


def judge_length(comparison: Comparison) -> list[str]:
    """Say which tokenizer needs the fewest tokens over all languages."""
    order = rank(find_numbers(comparison, LENGTH))
    if len(order) < 2:
        return []
    standing = find_standing(comparison, [(order[0].metric, None)])
    podium = standing.podiums[LENGTH, None]
    first, last = order[: len(podium.best)], order[-1]
    names, each = join([number.tokenizer for number in first]), first[0].write()
    if podium.next is None:
        return [f"Over {name_languages(comparison)}, {names} need as many tokens as each other: {each} per segment."]
    second = order[len(first)]
    verb = "needs" if len(first) == 1 else "need"
    text = (
        f"Over {name_languages(comparison)}, {names} {verb} the fewest tokens: {each} "
        f"per segment, {100 * (1 - first[0].value / last.value):.0f} % fewer than {last.tokenizer} ({last.write()})"
    )
    if second is not last:
        text += f"; next comes {second.tokenizer} with {second.write()}"
    return [f"{text}{judge_order(comparison, standing, first[0], second)}."]


def judge_order(comparison: Comparison, standing: Standing, first: Number, second: Number) -> str:
    """Say whether the corpus settles the order of the best and the next: by a paired test, else by their intervals."""
    podium, lead = standing.podiums[LENGTH, None], standing.leads.get((LENGTH, None))
    if lead is not None:
        saving, test = write_saving(podium, lead), write_test(comparison, lead)
        if lead.separated:
            return f"; the first needs {saving} fewer than the next ({test})"
        return f"; the first two are {saving} apart, which this corpus does not settle ({test})"
    shared = overlap(first, second)
    if shared is None:
        return ""
    if shared:
        return "; the intervals of the first two overlap, so this corpus does not settle their order"
    return "; the intervals of the first two do not overlap"


def judge_differences(comparison: Comparison) -> list[str]:
    """Say which tokenizers differ significantly in length from the baseline."""
    rows = comparison.differences.filter(
        (pl.col("metric") == "tokens_per_segment") & pl.col("lang").is_null() & pl.col("p_holm").is_not_null()
    )
    if rows.is_empty():
        return []
    baseline = rows["baseline"][0]
    words: dict[bool, list[str]] = {True: [], False: []}
    for row in rows.iter_rows(named=True):
        words[row["p_holm"] < LEVEL].append(f"{row['tokenizer']} ({row['ratio']:.3f})")
    sentences = []
    if words[True]:
        sentences.append(
            f"Tokens relative to {baseline}, significantly different (p < {LEVEL}, Holm-corrected): "
            f"{join(words[True])}."
        )
    if words[False]:
        sentences.append(f"Not significantly different in length from {baseline} on this corpus: {join(words[False])}.")
    return sentences


def name_languages(comparison: Comparison) -> str:
    """Name the languages if there are few, else their number."""
    languages = comparison.corpus.languages
    if comparison.corpus.shares:
        return f"the mixture of {comparison.corpus.describe_mixture()}"
    return (
        join([name_language(lang) for lang in languages])
        if len(languages) <= 4
        else f"{len(languages)} {name_rows(comparison)}s"
    )


def judge_fairness(comparison: Comparison) -> list[str]:
    """Say which tokenizer spreads costs most evenly, and which languages pay most."""
    reference = comparison.corpus.reference
    order = rank(find_numbers(comparison, "premium_worst"))
    langs = {number.tokenizer: find_worst_language(comparison, number) for number in order}
    if reference is None or not order or None in langs.values():
        return []
    best, last = order[0], order[-1]
    text = (
        f"For the same content as in {name_language(reference)}, {best.tokenizer} needs at most {best.write()} times "
        f"the tokens (in {langs[best.tokenizer]})"
    )
    if len(order) > 1:
        text += f"; with {last.tokenizer}, {langs[last.tokenizer]} pays {last.write()} times"
    return [f"{text}."]


def find_worst_language(comparison: Comparison, number: Number) -> str | None:
    """Return the language with a tokenizer's highest premium."""
    own = (pl.col("tokenizer") == number.tokenizer) & (pl.col("metric") == "premium")
    langs = comparison.frame.filter(own & (pl.col("value") == number.value))["lang"].to_list()
    return name_language(langs[0]) if langs else None


def judge_losses(comparison: Comparison) -> list[str]:
    """Say which tokenizers lose text, and where."""
    lossy = [tokenizer for tokenizer in comparison.tokenizers if tokenizer.lossy_segments]
    if not lossy:
        everyone = "It returns" if len(comparison.names) == 1 else f"All {len(comparison.names)} tokenizers return"
        return [f"{everyone} every segment unchanged, up to Unicode normalisation (NFC) and white space."]
    sentences = []
    for tokenizer in lossy:
        total = comparison.corpus.texts
        lost = sum(tokenizer.lossy_segments.values())
        sentences.append(
            f"{tokenizer.name} loses text in {lost:,} of {total:,} segments, in {len(tokenizer.lossy_segments)} of "
            f"{len(comparison.corpus.languages)} {name_rows(comparison)}s, and is not ranked on length where it does."
        )
    return sentences


def judge_speed(comparison: Comparison) -> list[str]:
    """Say which tokenizer is fastest, and on which engine."""
    order = rank(find_numbers(comparison, "throughput"))
    if len(order) < 2:
        return []
    best, last = order[0], order[-1]
    engines = {tokenizer.name: tokenizer.engine.replace("==", " ") for tokenizer in comparison.tokenizers}
    return [
        f"On one thread {best.tokenizer} ran fastest, on {engines[best.tokenizer]}: {best.write()} MB/s, "
        f"{write_value(best.value / last.value, best.metric)} times as fast as {last.tokenizer} on "
        f"{engines[last.tokenizer]}. Speed is a property of the engine as much as of the vocabulary."
    ]
