"""The texts of a corpus as counts: characters, bytes and tokens of each segment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.errors import TokbenchError
from tokbench.measurement import Measurements
from tokbench.metrics.resampling import number_clusters

Tokens = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Workload:
    """The segments of a corpus.

    chars, bytes: characters and UTF-8 bytes per segment, by language.
    tokens: tokens per segment, by tokenizer and language.
    documents: number of each segment's document; None if the corpus names none.
    """

    languages: tuple[str, ...]
    tokenizers: tuple[str, ...]
    chars: Mapping[str, Floats]
    bytes: Mapping[str, Floats]
    tokens: Mapping[tuple[str, str], Tokens]
    documents: Tokens | None

    @classmethod
    def read(cls, measurements: Measurements, languages: tuple[str, ...], tokenizers: tuple[str, ...]) -> Workload:
        """Read the counts of measurements; TokbenchError if they are not known by segment."""
        if measurements.pooled:
            raise TokbenchError(
                "costs need the length of each segment, and these counts are sums over several",
                "compare with by_segment=True, or use fewer texts",
            )
        texts = measurements.texts.sort("lang", "segment").partition_by("lang", as_dict=True)
        counts = measurements.counts.sort("tokenizer", "lang", "segment")
        cells = counts.partition_by("tokenizer", "lang", as_dict=True)
        chars, size = (
            {str(lang): frame[column].cast(pl.Float64).to_numpy() for (lang,), frame in texts.items()}
            for column in ("chars", "bytes")
        )
        return cls(
            languages,
            tokenizers,
            chars,
            size,
            {(str(t), str(lang)): frame["tokens"].to_numpy().astype(np.int64) for (t, lang), frame in cells.items()},
            number_clusters(measurements.documents, counts["segment"].unique().sort()),
        )

    def of(self, tokenizer: str) -> list[Tokens]:
        """Return a tokenizer's tokens per segment, one array per language."""
        return [self.tokens[tokenizer, lang] for lang in self.languages]

    def total(self, tokenizer: str) -> int:
        """Return the total tokens of a tokenizer."""
        return int(sum(tokens.sum() for tokens in self.of(tokenizer)))
