"""Mixtures: the values of a text of which each language or group has a given share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tokbench.errors import TokbenchError
from tokbench.metrics.resampling import Floats, divide


@dataclass(frozen=True)
class Mixture:
    """Weights of languages or groups: positive numbers of any scale.

    A value of the mixture is that of a text in which each language has its share of the UTF-8 bytes, with counts per
    byte as in the corpus: a ratio of sums is sum(share * numerator / bytes) / sum(share * denominator / bytes). Tokens
    per byte are thus the weighted mean of the languages' tokens per byte. A language without a weight has no share.

    expanded: of a sample of groups, the weights are their bytes in the sample times the size of the source over that of
    the sample. Intervals then include that the shares are estimated: each resample is expanded by the same factor.

    Raises TokbenchError for a weight that is not a positive number, and without any.
    """

    weights: Mapping[str, float]
    expanded: bool = False

    def __post_init__(self) -> None:
        if not self.weights:
            raise TokbenchError("the mixture is empty", "give weights, for example en=0.6,zh=0.4")
        for label, weight in self.weights.items():
            if not (math.isfinite(weight) and weight > 0):
                raise TokbenchError(f"the weight of {label} is {weight:g}", "use positive numbers")

    @cached_property
    def shares(self) -> dict[str, float]:
        """The weights, divided by their sum."""
        largest = max(self.weights.values())  # dividing first avoids an infinite sum
        scaled = {label: weight / largest for label, weight in self.weights.items()}
        total = math.fsum(scaled.values())
        return {label: weight / total for label, weight in scaled.items()}

    def check(self, labels: Sequence[str], where: str) -> None:
        """Raise TokbenchError for a weight of something that the corpus does not have."""
        for label in self.weights:
            if label not in labels:
                known = ", ".join(labels[:20]) + (f" and {len(labels) - 20} more" if len(labels) > 20 else "")
                raise TokbenchError(f"{where} has no {label!r} to weigh", f"it has: {known}")

    def align(self, labels: Sequence[str]) -> Floats:
        """Return the share of each label, 0 for one without a weight."""
        return np.array([self.shares.get(label, 0.0) for label in labels])


def mix_sums(sums: Floats, sizes: Floats, shares: Floats) -> Floats:
    """Return the sums of one count in a mixture of one byte: (..., languages) to (..., 1).

    sizes: UTF-8 bytes that the sums are of, in the same shape. shares: of the bytes, by language.
    The quotient of two such sums is the mixture's ratio. NaN if a language with a share has no bytes.
    """
    chosen = np.flatnonzero(shares)
    mixed: Floats = (divide(sums[..., chosen], sizes[..., chosen]) * shares[chosen]).sum(axis=-1, keepdims=True)
    return mixed
