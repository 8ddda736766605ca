"""Counts of tokens by tokenizer, language and perturbation, and the values that follow from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from tokbench.analysis.robustness._perturbations import Perturbation
from tokbench.metrics.resampling import Bootstrap, Floats, divide, percentile_interval

SCHEMA = {
    "tokenizer": pl.String,
    "lang": pl.String,
    "perturbation": pl.String,
    "languages": pl.Int64,
    "texts": pl.Int64,
    "changed": pl.Int64,
    "tokens": pl.Int64,
    "tokens_after": pl.Int64,
    "unknown": pl.Int64,
    "unknown_after": pl.Int64,
    "ratio": pl.Float64,
    "ratio_low": pl.Float64,
    "ratio_high": pl.Float64,
    "unchanged": pl.Float64,
    "unchanged_low": pl.Float64,
    "unchanged_high": pl.Float64,
}
_BEFORE, _AFTER, _KEPT, _UNKNOWN, _UNKNOWN_AFTER, COUNTS = range(6)


@dataclass(frozen=True, eq=False)
class Cell:
    """Counts of one tokenizer under one perturbation, in one language or several.

    sums: of the corpus and each resample, (1 + resamples, counts); NaN where texts are too long to be aligned.
    """

    languages: int
    texts: int
    changed: int
    sums: Floats

    def __add__(self, other: Cell) -> Cell:
        return Cell(
            self.languages + other.languages,
            self.texts + other.texts,
            self.changed + other.changed,
            self.sums + other.sums,
        )


NOTHING = Cell(0, 0, 0, np.zeros((1, COUNTS)))


Key = tuple[str, str | None, str]
"""Tokenizer, language or group (None: all) and perturbation."""


class Cells:
    """Rows of languages that are complete, and sums of those that are not: sums with resamples take 40 kB each."""

    def __init__(self) -> None:
        self.rows: dict[Key, tuple[int | float | None, ...]] = {}
        self.sums: dict[Key, Cell] = {}

    def add(self, key: Key, cell: Cell) -> None:
        """Add the counts of a language to those of a group."""
        if cell.languages or key not in self.sums:
            self.sums[key] = self.sums[key] + cell if self.sums.get(key, NOTHING).languages else cell

    def finish(self, labels: Collection[str]) -> None:
        """Compute the rows of these groups."""
        for key in [key for key in self.sums if key[1] in labels]:
            self.rows[key] = tuple(write_cell(self.sums.pop(key)))

    def find(self, key: Key) -> tuple[int | float | None, ...]:
        """Return a row."""
        return self.rows[key] if key in self.rows else tuple(write_cell(self.sums.get(key, NOTHING)))


def frame_values(
    names: Sequence[str], labels: Sequence[str | None], perturbations: Sequence[Perturbation], cells: Cells
) -> pl.DataFrame:
    """Return the `values` of a result."""
    rows = [
        (name, label, one.name, *cells.find((name, label, one.name)))
        for label in labels
        for name in names
        for one in perturbations
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def write_cell(cell: Cell) -> Iterator[int | float | None]:
    """Yield the columns of a row after its keys; values are null where the perturbation means nothing."""
    yield from (cell.languages, cell.texts, cell.changed)
    if not cell.languages:
        yield from [None] * (len(SCHEMA) - 6)
        return
    observed = cell.sums[0]
    yield from (int(observed[place]) for place in (_BEFORE, _AFTER, _UNKNOWN, _UNKNOWN_AFTER))
    for place in (_AFTER, _KEPT):
        values = divide(cell.sums[:, place], cell.sums[:, _BEFORE])
        yield none_if_nan(values[0])
        bounds = percentile_interval(values[1:], Bootstrap().level) if len(values) > 1 else (np.nan, np.nan)
        yield from (none_if_nan(float(bound)) for bound in bounds)


def none_if_nan(value: float) -> float | None:
    """Return a number, None for NaN."""
    return None if np.isnan(value) else float(value)
