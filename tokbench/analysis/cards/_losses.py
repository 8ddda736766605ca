"""Explain what a tokenizer loses, of texts that were counted already."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from tokbench.adapters import Tokenizer
from tokbench.analysis.roundtrip import RoundTrip, explain_changed, list_changed
from tokbench.corpora import Corpus
from tokbench.measurement import Measurements
from tokbench.measurement.round_trip import Loss
from tokbench.measurement.units import LOSSES


def explain_losses(tokenizer: Tokenizer, corpus: Corpus, measurements: Measurements) -> RoundTrip:
    """Return what `inspect_round_trip` returns for the texts of a corpus, without encoding all of them again.

    measurements: of this tokenizer alone on this corpus. They hold which segments come back changed; where they are
    pooled, the languages that lose text are encoded again.
    """
    counts = measurements.counts.with_columns(pl.col("lang").cast(pl.String))
    if not measurements.pooled:
        changed = list(pick_changed(corpus, counts.filter(pl.col("loss") != Loss.EXACT.value)))
        return explain_changed(tokenizer, changed, counts.height)
    segments = counts.select(pl.sum_horizontal(pl.col(LOSSES).cast(pl.Int64).sum())).item()
    lossy = counts.filter(pl.any_horizontal(pl.col(LOSSES[Loss.EXACT + 1 :]) > 0))["lang"].unique()
    changed = [text for lang in sorted(lossy) for text in list_changed(tokenizer, corpus.texts(lang))]
    return explain_changed(tokenizer, changed, segments)


def pick_changed(corpus: Corpus, lossy: pl.DataFrame) -> Iterator[str]:
    """Yield the texts of the segments that a frame names."""
    for (lang,), rows in lossy.sort("lang", "segment").group_by("lang", maintain_order=True):
        texts = corpus.texts(str(lang))
        yield from (texts[segment] for segment in rows["segment"])
