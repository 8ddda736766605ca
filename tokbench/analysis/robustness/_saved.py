"""Read robustness that was saved as JSON."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from itertools import product
from typing import Any

import msgspec
import polars as pl

from tokbench.analysis.robustness._cells import SCHEMA
from tokbench.analysis.robustness._measure import Robustness
from tokbench.analysis.robustness._perturbations import PERTURBATIONS, Perturbation

FORMAT = "tokbench-robustness/1"
"""The form of the document; the number grows when it changes."""


class SavedPerturbation(msgspec.Struct):
    """A perturbation as it was defined when its values were measured."""

    name: str
    definition: str


class SavedRobustness(msgspec.Struct):
    """The fields of the document."""

    tokenizers: tuple[str, ...]
    corpus: str
    by: str
    languages: tuple[str, ...]
    seed: int
    bootstrap: str | None
    perturbations: tuple[SavedPerturbation, ...]
    signature: str
    values: list[dict[str, str | int | float | None]]


def read_robustness(document: Mapping[str, Any]) -> Robustness:
    """Return robustness from its JSON form; ValueError with the first fault if it is not one."""
    if document.get("format") != FORMAT:
        raise ValueError(f"its format is not {FORMAT}")
    saved = msgspec.convert(document, SavedRobustness)
    values = read_values(saved)
    return Robustness(
        tokenizers=saved.tokenizers,
        corpus=saved.corpus,
        languages=saved.languages,
        perturbations=tuple(map(find_perturbation, saved.perturbations)),
        seed=saved.seed,
        bootstrap=saved.bootstrap,
        signature=saved.signature,
        values=values,
        by=saved.by,
    )


def find_perturbation(saved: SavedPerturbation) -> Perturbation:
    """Return the perturbation of a name; ValueError if it is unknown, or was defined in another way."""
    known = PERTURBATIONS.get(saved.name)
    if known is None or known.definition != saved.definition:
        raise ValueError(f"the perturbation {saved.name[:40]!r} is defined in another way here")
    return known


def read_values(saved: SavedRobustness) -> pl.DataFrame:
    """Return the values as a frame; ValueError unless there is one finite row for each combination."""
    if any(set(row) != set(SCHEMA) for row in saved.values):
        raise ValueError(f"values have not the columns {', '.join(SCHEMA)}")
    numbers = (value for row in saved.values for value in row.values() if isinstance(value, int | float))
    if not all(math.isfinite(number) and 0 <= number <= 2**53 for number in numbers):
        raise ValueError("a value is negative, too large or no number")
    names = [one.name for one in saved.perturbations]
    keys = [(row["lang"], row["tokenizer"], row["perturbation"]) for row in saved.values]
    if not keys or Counter(keys) != Counter(product([*saved.languages, None], saved.tokenizers, names)):
        raise ValueError("there is not one row of values per language, tokenizer and perturbation")
    try:
        return pl.DataFrame(saved.values, schema=SCHEMA)
    except (pl.exceptions.PolarsError, TypeError, OverflowError) as error:
        raise ValueError(str(error).partition("\n")[0]) from error
