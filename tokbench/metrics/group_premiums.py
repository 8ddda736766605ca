"""Premiums of groups of languages, with intervals: what a script, a family or a region pays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tokbench.measurement import Measurements
from tokbench.metrics._intervals import Resamples, defined
from tokbench.metrics._reference import Reference
from tokbench.metrics._rows import is_aligned
from tokbench.metrics._table import METRICS
from tokbench.metrics.groups import PREMIUM, Group
from tokbench.metrics.resampling import Bootstrap


@dataclass(frozen=True)
class GroupPremium:
    """The premium of a group of languages for one tokenizer, with its interval (None: of a single unit)."""

    tokenizer: str
    group: str
    value: float
    low: float | None
    high: float | None


def find_group_premiums(
    measurements: Measurements, groups: Sequence[Group], reference: str | None, bootstrap: Bootstrap
) -> list[GroupPremium]:
    """Return the premium of each tokenizer for each group of languages, by group.

    It is the tokens of the group's languages, without the reference, over as many times those of the reference
    language for the same segments: the mean of the languages' premiums. All languages share the resampled segments (or
    documents), as in the intervals of single languages. Groups without a language besides the reference are left out;
    the list is empty without parallel texts or a reference.
    """
    if reference is None or not is_aligned(measurements):
        return []
    resamples = Resamples(measurements, bootstrap)
    values = resamples.ratios(METRICS[PREMIUM], Reference(reference), pooled=False)
    if values is None:
        return []
    found = []
    for group in groups:
        members = [
            place
            for place, lang in enumerate(resamples.languages)
            if lang != reference and (group.languages is None or lang in group.languages)
        ]
        if not members:
            continue
        means = values[:, :, members].mean(axis=2, keepdims=True)
        low, high = resamples.bounds(means)
        found += [
            GroupPremium(name, group.name, float(means[0, row, 0]), defined(low[row, 0]), defined(high[row, 0]))
            for row, name in enumerate(resamples.tokenizers)
        ]
    return found
