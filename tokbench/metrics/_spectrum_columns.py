"""Columns of frequency spectra that need a function of numpy.

They are computed before the aggregation. A Python function inside an expression runs on a thread of polars and waits
there for the interpreter lock; a second thread that holds the lock while it waits for polars would never continue.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.metrics._ranks import BY_RANK
from tokbench.metrics._rarefaction import find_chances, find_terms

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

RAREFIED = {"10k": 10_000, "100k": 100_000}
"""Sizes of the samples to which texts of different size are brought, in tokens, by label."""


def find_of_ids(spectra: pl.DataFrame, find: Callable[[Integers, Integers, int], Floats], size: int) -> Floats:
    """Return what `find` expects of an id of each row in a sample of `size` tokens."""
    counts, totals = (spectra[name].to_numpy().astype(np.int64) for name in ("count", "tokens"))
    return find(counts, totals, size)


def find_of_ranks(spectra: pl.DataFrame, find: Callable[[Floats, Floats], float]) -> Floats:
    """Return the value of each text in all its rows."""
    texts, counts, types = (spectra[name].to_numpy() for name in ("text", "count", "types"))
    found = np.empty(spectra.height)
    order = np.lexsort((-counts, texts))
    starts = np.flatnonzero(np.diff(texts[order], prepend=-1))
    for own in np.split(order, starts[1:]) if len(order) else ():
        found[own] = find(counts[own].astype(np.float64), types[own].astype(np.float64))
    return found


OF_SPECTRA: Mapping[str, Callable[[pl.DataFrame], Floats]] = {
    **{f"chance_at_{label}": partial(find_of_ids, find=find_chances, size=size) for label, size in RAREFIED.items()},
    **{f"term_at_{label}": partial(find_of_ids, find=find_terms, size=size) for label, size in RAREFIED.items()},
    **{name: partial(find_of_ranks, find=find) for name, find in BY_RANK.items()},
}
"""Columns beyond those of `list_spectra`, by name."""


def add_columns(spectra: pl.DataFrame, exprs: Collection[pl.Expr]) -> pl.DataFrame:
    """Add the columns of `OF_SPECTRA` that expressions use to frequency spectra.

    spectra: text, count, types, tokens.
    """
    used = {name for expr in exprs for name in expr.meta.root_names()}
    return spectra.with_columns(pl.Series(name, OF_SPECTRA[name](spectra)) for name in sorted(used & OF_SPECTRA.keys()))
