"""Groups of texts that are not parallel: each resamples its own segments, independently of the others.

Of all groups together, a resample is the sum of one resample of each group (a stratified bootstrap). Tokenizers are
still paired: they encode the same segments, and share the resamples of a group.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from tokbench._shared.progress import ignore_metric
from tokbench.measurement import Measurements
from tokbench.metrics._intervals import SCHEMA, Resamples, bound, list_parts
from tokbench.metrics._metric import Metric
from tokbench.metrics._mixture import Mixture
from tokbench.metrics._ratios import segments
from tokbench.metrics._reference import Reference
from tokbench.metrics._table import find_base
from tokbench.metrics.resampling import Bootstrap, Floats, Units, divide

SIZE = pl.col("bytes")


def is_grouped(measurements: Measurements) -> bool:
    """Return whether languages have segments of their own, which every tokenizer has encoded."""
    texts, counts = measurements.texts, measurements.counts
    disjoint = texts.height == texts["segment"].n_unique()
    whole = counts.height == texts.height * measurements.tokenizers.height
    return texts["lang"].n_unique() > 1 and disjoint and whole


def needs_alignment(metric: Metric, metrics: Sequence[Metric]) -> bool:
    """Return whether a metric compares texts with their translations.

    Those relative to a reference language do, and those over languages whose base metric is per parallel segment.
    """
    if metric.base_metric is not None:
        base = find_base(metric, metrics)
        per_segment = base.denominator is not None and base.denominator.meta.eq(segments)
        return per_segment or base.relative_to == "reference"
    return metric.relative_to == "reference"


def derive_seed(seed: int, label: str) -> int:
    """Return the seed of a group: it depends on the label alone, so that other groups do not change an interval."""
    return int.from_bytes(hashlib.blake2b(f"{seed} {label}".encode(), digest_size=8).digest(), "little")


class GroupResamples(Resamples):
    """Resamples of one group; after `hold`, without the weights, which take 80 MB."""

    def __init__(self, measurements: Measurements, label: str, bootstrap: Bootstrap) -> None:
        own = pl.col("lang") == label
        frames = {"texts": measurements.texts.filter(own), "counts": measurements.counts.filter(own)}
        super().__init__(
            replace(measurements, **frames), replace(bootstrap, seed=derive_seed(bootstrap.seed, label)), kept=None
        )

    def hold(self, counts: Sequence[pl.Expr]) -> GroupResamples:
        """Compute the sums of these counts and forget the weights."""
        for count in counts:
            self.sum(count)
        self.weights = np.empty((0, 0))
        return self


class TogetherResamples(Resamples):
    """The sums over all groups, by their shares in a mixture if there is one, as one language: (rows, tokenizers, 1).

    Rows that leave out a unit are those of the first group, then of the second, and so on.
    """

    def __init__(self, groups: Sequence[GroupResamples], bootstrap: Bootstrap, mixture: Mixture | None) -> None:
        shares = None if mixture is None else mixture.shares
        self.expanded = mixture is not None and mixture.expanded
        self.bootstrap, self.mixture = bootstrap, None
        self.groups = [g for g in groups if shares is None or g.languages[0] in shares]
        self.shares = shares
        self.tokenizers, self.facts = groups[0].tokenizers, groups[0].facts
        self.units = Units(sum(group.units.number for group in self.groups), None)
        self.languages = [""]

    @property
    def varies(self) -> bool:
        """Return whether every group has several units to draw from."""
        return all(group.varies for group in self.groups)

    def sum(self, count: pl.Expr) -> Floats:
        """Return the resampled sums of one count."""
        shared = self.bootstrap.resamples + 1
        sums = [self.weigh(group, group.sum(count), group.sum(SIZE)) for group in self.groups]
        total: Floats = np.sum([own[:shared] for own in sums], axis=0)
        without = [total[0] - (own[0] - own[shared:]) for own in sums]
        return np.concatenate([total, *without])

    def by_unit(self, count: pl.Expr) -> Floats:
        """Sum one count per resampling unit of all groups: (units, tokenizers)."""
        return np.concatenate([self.weigh(group, group.by_unit(count), group.sum(SIZE)[0].T) for group in self.groups])

    def weigh(self, group: GroupResamples, sums: Floats, sizes: Floats) -> Floats:
        """Return sums of a group per byte, times its share; as they are without a mixture.

        If the shares are of a sample, bytes are those of the sample, not of the resample.
        """
        if self.shares is None:
            return sums
        return divide(sums, sizes[:1] if self.expanded else sizes) * self.shares[group.languages[0]]


def resample_groups(
    measurements: Measurements, metrics: Sequence[Metric], bootstrap: Bootstrap, mixture: Mixture | None
) -> tuple[list[GroupResamples], TogetherResamples]:
    """Resample each group, and all together, for these ratios."""
    parts = [SIZE, *(part for metric in metrics for part in list_parts(metric))]
    counts = list({str(part): part for part in parts}.values())
    labels = measurements.texts["lang"].unique().cast(pl.String).sort().to_list()
    groups = [GroupResamples(measurements, label, bootstrap).hold(counts) for label in labels]
    return groups, TogetherResamples(groups, bootstrap, mixture)


def find_group_intervals(
    measurements: Measurements,
    metrics: Sequence[Metric],
    reference: Reference,
    bootstrap: Bootstrap,
    mixture: Mixture | None = None,
    *,
    on_metric: Callable[[], object] = ignore_metric,
) -> pl.DataFrame:
    """Compute intervals as `find_intervals` does: per group and over all groups.

    on_metric: called after each metric.
    """
    ratios = [m for m in metrics if m.level in ("segments", "sums") and m.relative_to != "reference"]
    groups, together = resample_groups(measurements, ratios, bootstrap, mixture)
    parts = [pl.DataFrame(schema=SCHEMA)]
    for metric in ratios:
        parts += list(_bound_each(metric, reference, groups, together))
        on_metric()
    return pl.concat(parts)


def _bound_each(
    metric: Metric, reference: Reference, groups: Sequence[GroupResamples], together: TogetherResamples
) -> Iterator[pl.DataFrame]:
    for resamples, pooled in ((together, True), *((group, False) for group in groups)):
        values = resamples.values(metric, reference, pooled=pooled)
        if values is not None:
            yield bound(resamples, metric, values, pooled=pooled)
