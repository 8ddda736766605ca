"""Tokens per character of the same text, as counted and in each resample of the corpus.

Every quantity of a request is computed from these rates: its value from the first row, its interval from the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.metrics import derive_seed
from tokbench.metrics.resampling import Bootstrap, divide, draw_weights, find_units, percentile_interval
from tokbench.pythia.cost.request import Request
from tokbench.pythia.cost.workload import Workload

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Amounts:
    """Rates of a corpus: arrays of (1 + resamples, languages), the first row as counted.

    A character is one of the reference language's text, and a rate in another language is that of its translation. In
    groups of texts without translations, each group is its own reference.

    reference: the language that premiums are relative to; None for groups.
    chars: characters of the mean segment, by language: those of the reference for all, or of each group.
    sizes: UTF-8 bytes per character.
    tokens: tokens per character, by tokenizer.
    segments: number of segments, by language.
    level: coverage of intervals.
    """

    languages: tuple[str, ...]
    reference: str | None
    chars: Floats
    sizes: Floats
    tokens: Mapping[str, Floats]
    segments: tuple[int, ...]
    level: float

    @classmethod
    def read(
        cls,
        measurements: Measurements,
        languages: tuple[str, ...],
        tokenizers: tuple[str, ...],
        reference: str | None,
        bootstrap: Bootstrap,
    ) -> Amounts:
        """Compute the rates by a paired bootstrap over documents or segments.

        reference: None for groups, each of which is resampled by itself.

        Raises TokbenchError for counts that are not known by segment, and for a reference text without characters.
        """
        if reference is not None:
            workload = Workload.read(measurements, languages, tokenizers)
            return resample(workload, reference, bootstrap)
        parts = []
        for label in languages:
            own = pl.col("lang") == label
            frames = {name: getattr(measurements, name).filter(own) for name in ("texts", "counts")}
            group = Workload.read(replace(measurements, **frames), (label,), tokenizers)
            drawn = replace(bootstrap, seed=derive_seed(bootstrap.seed, label))
            parts.append(resample(group, label, drawn))
        return cls(
            languages,
            None,
            np.concatenate([part.chars for part in parts]),
            np.hstack([part.sizes for part in parts]),
            {name: np.hstack([part.tokens[name] for part in parts]) for name in tokenizers},
            tuple(count for part in parts for count in part.segments),
            bootstrap.level,
        )

    def request_chars(self, request: Request) -> Floats:
        """Return the characters that a request reads, by language."""
        if request.prompt_chars is None:
            return self.chars
        return np.full_like(self.chars, request.prompt_chars)

    def interval(self, values: Floats) -> tuple[Floats, Floats]:
        """Return the percentile interval of values by row, (1 + resamples, ...); NaN without several units."""
        if len(values) < 2:
            return np.full(values.shape[1:], np.nan), np.full(values.shape[1:], np.nan)
        return percentile_interval(values[1:], self.level)


def resample(workload: Workload, reference: str, bootstrap: Bootstrap) -> Amounts:
    """Compute the rates of texts that share their segments."""
    chars = workload.chars[reference]
    total = float(chars.sum())
    if not total:
        raise TokbenchError(f"the texts in {reference} have no characters", "choose another --reference")
    clusters = workload.documents if bootstrap.draw == "documents" else None
    units = find_units(len(chars), clusters)
    drawn = draw_weights(bootstrap, units.number)
    if units.number < 2:  # one unit says nothing about others
        drawn = np.full_like(drawn, np.nan)
    weights = np.vstack([np.ones((1, units.number)), drawn])
    whole = weights @ units.sum(chars[:, None])

    def rate(columns: list[Floats]) -> Floats:
        return divide(weights @ units.sum(np.stack(columns, axis=1).astype(np.float64)), whole)

    languages = workload.languages
    return Amounts(
        languages,
        reference,
        np.full(len(languages), total / len(chars)),
        rate([workload.bytes[lang] for lang in languages]),
        {name: rate([counts.astype(np.float64) for counts in workload.of(name)]) for name in workload.tokenizers},
        (len(chars),) * len(languages),
        bootstrap.level,
    )
