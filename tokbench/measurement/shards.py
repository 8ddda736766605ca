"""Measure one shard of a stream, in any process: pooled measurements that merge with those of the other shards."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.process import release_freed, single_thread
from tokbench.adapters import Tokenizer
from tokbench.corpora import Shard, ShardTexts, read_shard
from tokbench.errors import EngineError
from tokbench.measurement._frames import describe_tokenizers
from tokbench.measurement._measurements import Measurements
from tokbench.measurement.counting import HistogramSum, count_texts, frame_histograms, locate_failure
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.measurement.needs import EVERYTHING, Needs
from tokbench.measurement.saved import POOLED_SCHEMAS, SCHEMAS
from tokbench.measurement.units import NUMBER, UnitSum, hash_units, number_group, pool_counts, pool_texts
from tokbench.measurement.words import LanguageTexts, Segmenter, has_words

Reader = Callable[[Shard], Iterable[ShardTexts]]

Numbering = Callable[[str, int, pl.Series, pl.Series], npt.NDArray[np.int64]]
"""Returns the unit of each segment, below `MOST_UNITS`, from name and start of a shard, segments and documents."""


@dataclass(frozen=True, eq=False)
class ShardResult:
    """What was counted in a shard.

    measurements: pooled; of all shards, units have the same numbers, so that results merge in any order.
    sha256: of the groups and texts, in order. bytes, segments: how much was read.
    """

    measurements: Measurements
    sha256: str
    bytes: int
    segments: int


def measure_shard(
    tokenizers: Collection[Tokenizer],
    shard: Shard,
    *,
    read: Reader = read_shard,
    segmenter: Segmenter = "whitespace",
    spaced: Mapping[str, bool] | None = None,
    needs: Needs = EVERYTHING,
    number: Numbering = hash_units,
) -> ShardResult:
    """Encode the texts of a shard once with each tokenizer and add up the counts by unit.

    read: yields the texts of the shard, or some of them.
    spaced: whether the segmenter fits each group; a group that is not in it is judged by its first texts in the shard.
    needs: which counts are wanted; the others are null.
    number: numbers the units of a group.

    Units are counted from the first unit of their group (`units.number_group`), and the jackknife block of a unit is
    its number modulo 16. Raises EngineError for a text on which an engine fails.
    """
    tally = _Tally(tokenizers)
    digest, size, segments = hashlib.sha256(b"tokbench shard 1\n"), 0, 0
    judged = dict(spaced or {})
    with single_thread():
        for batch in read(shard):
            texts = batch.texts.to_list()
            if batch.group not in judged:
                judged[batch.group] = has_words(batch.texts, segmenter)
            measured = LanguageTexts.read(texts, segmenter, judged[batch.group], with_words=needs.word_bounds)
            digest.update(hash_batch(batch, measured))
            size, segments = size + int(measured.bytes.sum()), segments + len(texts)
            numbers = number(shard.name, shard.start, batch.segments, batch.documents)
            tally.add(batch, measured, pl.Series("segment", numbers + number_group(batch.group), NUMBER), needs)
            release_freed()
    return ShardResult(tally.total(), digest.hexdigest(), size, segments)


def hash_batch(batch: ShardTexts, measured: LanguageTexts) -> bytes:
    """Hash the group and the texts of a batch: no two batches are hashed as the same bytes."""
    label = batch.group.encode()
    digest = hashlib.sha256(b"%d %d\n" % (len(label), len(measured.bytes)) + label)
    digest.update(measured.bytes.astype("<u8").tobytes())
    digest.update(measured.data.tobytes())
    return digest.digest()


class _Tally:
    """Running sums over the batches of a shard."""

    def __init__(self, tokenizers: Collection[Tokenizer]) -> None:
        self.tokenizers = sorted(tokenizers, key=lambda tokenizer: tokenizer.name)
        self.texts: defaultdict[str, UnitSum] = defaultdict(UnitSum)
        self.counts: defaultdict[tuple[str, str], UnitSum] = defaultdict(UnitSum)
        self.histograms: defaultdict[tuple[str, str], HistogramSum] = defaultdict(HistogramSum)

    def add(self, batch: ShardTexts, measured: LanguageTexts, units: pl.Series, needs: Needs) -> None:
        """Count a batch with each tokenizer."""
        described = measured.describe(batch.segments.alias("segment"))
        self.texts[batch.group].add(pool_texts(described, units))
        blocks = (units % BLOCKS).cast(pl.UInt8)
        for tokenizer in self.tokenizers:
            cell = tokenizer.name, batch.group
            try:
                counts, histogram = count_texts(tokenizer, measured, described["segment"], blocks, needs)
            except EngineError as error:
                raise locate_failure(error, measured, described["segment"], batch.group) from error
            self.counts[cell].add(pool_counts(counts, described, units))
            self.histograms[cell].add(histogram)

    def total(self) -> Measurements:
        """Return the pooled measurements."""
        cells = sorted(self.counts)
        histograms = [self.histograms[cell].total() for cell in cells]
        heights = [len(keys) for keys, _ in histograms]
        lengths = pl.DataFrame({"tokenizer": [t for t, _ in cells], "lang": [g for _, g in cells], "rows": heights})
        labels = lengths.select(pl.col("tokenizer", "lang").repeat_by("rows")).explode("tokenizer", "lang").drop_nulls()
        empty = {name: pl.DataFrame(schema=schema) for name, schema in {**SCHEMAS, **POOLED_SCHEMAS}.items()}
        texts = [label(self.texts[group].total(), lang=group) for group in sorted(self.texts)]
        counts = [label(self.counts[cell].total(), tokenizer=cell[0], lang=cell[1]) for cell in cells]
        return Measurements(
            texts=pl.concat([empty["texts"], *texts], how="vertical_relaxed"),
            counts=pl.concat([empty["counts"], *counts], how="vertical_relaxed").select(empty["counts"].columns),
            ids=labels.hstack(frame_histograms(histograms)).cast({"count": pl.Int64}),
            vocab=empty["vocab"],
            documents=empty["documents"],
            tokenizers=describe_tokenizers(self.tokenizers),
        ).sorted()


def label(frame: pl.DataFrame, **names: str) -> pl.DataFrame:
    """Prepend columns of one name each."""
    return frame.select(*(pl.lit(name, pl.String).alias(column) for column, name in names.items()), pl.all())


def merge_results(results: Iterable[ShardResult]) -> ShardResult:
    """Merge the results of shards, at least one; the outcome does not depend on their order.

    sha256: of the hashes of all shards, sorted.
    """
    every = list(results)
    hashes = sorted(result.sha256 for result in every)
    return ShardResult(
        reduce(Measurements.merge, [result.measurements for result in every]),
        hash_shards(hashes),
        sum(result.bytes for result in every),
        sum(result.segments for result in every),
    )


def hash_shards(hashes: Iterable[str]) -> str:
    """Hash the hashes of shards; their order does not matter."""
    return hashlib.sha256("\n".join(["tokbench shards 1", *sorted(hashes)]).encode()).hexdigest()
