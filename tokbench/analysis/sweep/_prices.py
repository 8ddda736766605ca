"""What the texts of a corpus cost on a model at several vocabulary sizes, with resamples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tokbench.analysis.sweep._counts import LanguageCounts
from tokbench.metrics.resampling import Floats, divide
from tokbench.pythia.model.architecture import Architecture
from tokbench.pythia.model.arithmetic import flops_per_token, pad_vocabulary, request_flops, training_flops
from tokbench.pythia.model.resolution import ModelSpec

SEGMENTS, BYTES, COUNTED = range(3)
"""Columns of sums: segments, bytes, then the tokens of each size and the FLOPs of serving at each size."""

PURPOSES = ("serving", "training")


@dataclass(frozen=True)
class SizedModel:
    """A model at several vocabulary sizes: the same layers, with rows for each.

    sizes: ids of each vocabulary. shapes: of the model with each.
    """

    name: str
    sizes: tuple[int, ...]
    shapes: tuple[Architecture, ...]

    @property
    def rows(self) -> tuple[int, ...]:
        """Return the rows of the embedding at each size."""
        return tuple(shape.vocab_rows for shape in self.shapes)

    def serve(self, tokens: Floats) -> Floats:
        """Return the FLOPs of reading each segment and writing another of its length: the shape of `tokens`.

        tokens: per segment and size, (segments, sizes).
        """
        flops = np.empty_like(tokens)
        for place, shape in enumerate(self.shapes):
            lengths, where = np.unique(tokens[:, place].astype(np.int64), return_inverse=True)
            costs = np.array([float(request_flops(shape, int(n), int(n))) for n in lengths])
            flops[:, place] = costs[where]
        return flops

    @property
    def training_per_token(self) -> Floats:
        """Return the FLOPs of training on a token at each size, in sequences as long as the context."""
        return np.array([training_flops(shape, 1.0, shape.context) for shape in self.shapes])

    @property
    def forward_per_token(self) -> Floats:
        """Return the forward FLOPs of a token at each size, in sequences as long as the context."""
        return np.array([flops_per_token(shape, shape.context) for shape in self.shapes])


def size_model(spec: ModelSpec, sizes: Sequence[int]) -> SizedModel:
    """Return a model with vocabularies of these sizes, padded as its own is."""
    shapes = [replace(spec.architecture, vocab_rows=pad_vocabulary(size, spec.vocab_multiple)) for size in sizes]
    return SizedModel(spec.name, tuple(sizes), tuple(shapes))


def tabulate_counts(counts: LanguageCounts, model: SizedModel) -> Floats:
    """Return what is summed and resampled, one row per segment: see `SEGMENTS`."""
    ones = np.ones((len(counts.bytes), 1))
    return np.concatenate([ones, counts.bytes[:, None], counts.tokens, model.serve(counts.tokens)], axis=1)


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums over a corpus and its resamples, (1 + resamples, columns); see `SEGMENTS`."""

    model: SizedModel
    values: Floats

    @property
    def tokens(self) -> Floats:
        """Return the tokens at each size, (1 + resamples, sizes)."""
        return self.values[:, COUNTED : COUNTED + len(self.model.sizes)]

    @property
    def serving(self) -> Floats:
        """Return the FLOPs of serving at each size."""
        return self.values[:, COUNTED + len(self.model.sizes) :]

    @property
    def training(self) -> Floats:
        """Return the FLOPs of training at each size."""
        return self.tokens * self.model.training_per_token

    def cost(self, purpose: str) -> Floats:
        """Return the FLOPs of a purpose."""
        return self.serving if purpose == "serving" else self.training

    def per_segment(self, values: Floats) -> Floats:
        """Divide by the segments."""
        return divide(values, self.values[:, [SEGMENTS]])

    def per_byte(self, values: Floats) -> Floats:
        """Divide by the bytes."""
        return divide(values, self.values[:, [BYTES]])


def add_language(together: Floats | None, sums: Floats, share: float | None) -> Floats:
    """Add a language to the sums of all.

    share: of the bytes of a mixture; the sums of a mixture are those of a text of one byte. None: all texts as they
    are.
    """
    added = sums if share is None else share * divide(sums, sums[:, [BYTES]])
    return added if together is None else together + added


@dataclass(frozen=True)
class BestSize:
    """The size with the least cost.

    size: for the corpus. low, high: percentiles of the best sizes of the resamples; None without resamples.
    share: of the resamples in which `size` is the best.
    """

    size: int
    low: int | None
    high: int | None
    share: float | None


def pick_best(costs: Floats, sizes: Sequence[int], level: float) -> BestSize:
    """Pick the size with the least cost, of equal ones the smallest.

    costs: (1 + resamples, sizes), the corpus first. Percentiles are sizes themselves, never values between two.
    """
    ordered = sorted(range(len(sizes)), key=lambda place: sizes[place])
    ranked = np.array([sizes[place] for place in ordered])
    best = ranked[costs[:, ordered].argmin(axis=1)]
    if len(best) == 1:
        return BestSize(int(best[0]), None, None, None)
    tail = 100 * (1 - level) / 2
    low, high = np.percentile(best[1:], [tail, 100 - tail], method="inverted_cdf")
    return BestSize(int(best[0]), int(low), int(high), float((best[1:] == best[0]).mean()))
