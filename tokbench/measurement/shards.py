"""Measure one shard of a stream, in any process: pooled measurements that merge with those of the other shards."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench._shared.process import release_freed, single_thread
from tokbench.adapters import Tokenizer
from tokbench.corpora import JoinedTexts, Shard, ShardTexts, read_shard
from tokbench.errors import EngineError
from tokbench.measurement._frames import describe_tokenizers
from tokbench.measurement._measurements import Measurements
from tokbench.measurement.chunks import PART_BYTES
from tokbench.measurement.counting import HistogramSum, count_texts, frame_histograms, locate_failure
from tokbench.measurement.jackknife_blocks import BLOCKS
from tokbench.measurement.needs import EVERYTHING, Needs
from tokbench.measurement.saved import POOLED_SCHEMAS, SCHEMAS
from tokbench.measurement.units import (
    NUMBER,
    UnitSum,
    hash_units,
    list_boundaries,
    number_group,
    pool_counts,
    pool_texts,
)
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
        for batch in chain.from_iterable(map(cut_batch, read(shard))):
            texts = JoinedTexts.of_series(batch.texts)
            if batch.group not in judged:
                judged[batch.group] = has_words(batch.texts, segmenter)
            measured = LanguageTexts.read(texts, segmenter, judged[batch.group], with_words=needs.word_bounds)
            digest.update(hash_batch(batch, measured))
            size, segments = size + int(measured.bytes.sum()), segments + len(texts.sizes)
            numbers = number(shard.name, shard.start, batch.segments, batch.documents)
            tally.add(batch, measured, pl.Series("segment", numbers + number_group(batch.group), NUMBER), needs)
            release_freed()
    return ShardResult(tally.total(), digest.hexdigest(), size, segments)


def cut_batch(batch: ShardTexts) -> Iterator[ShardTexts]:
    """Cut a batch into parts of about `PART_BYTES`: measuring one takes thirty times that in memory."""
    before = batch.texts.str.len_bytes().cum_sum().shift(1, fill_value=0).to_numpy()
    starts = np.flatnonzero(np.diff(before // PART_BYTES, prepend=-1)).tolist()
    for start, end in pairwise([*starts, len(before)]):
        rows = (column.slice(start, end - start) for column in (batch.texts, batch.segments, batch.documents))
        yield ShardTexts(batch.group, *rows)


def hash_batch(batch: ShardTexts, measured: LanguageTexts) -> bytes:
    """Hash the group and the texts of a batch: no two batches are hashed as the same bytes."""
    label = batch.group.encode()
    digest = hashlib.sha256(b"%d %d\n" % (len(label), len(measured.bytes)) + label)
    digest.update(measured.bytes.astype("<u8").tobytes())
    digest.update(measured.data.data)
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
        described = measured.describe(batch.segments.alias("segment"), with_words=needs.words)
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
            counts=arrange_counts(counts, empty["counts"]),
            ids=labels.hstack(frame_histograms(histograms)).cast({"count": pl.Int64}),
            vocab=empty["vocab"],
            documents=empty["documents"],
            tokenizers=describe_tokenizers(self.tokenizers),
        ).sorted()


def arrange_counts(cells: Sequence[pl.DataFrame], empty: pl.DataFrame) -> pl.DataFrame:
    """Return the counts of all cells, in the order of the columns of `empty`, those of boundaries last."""
    if not cells:
        return empty
    counts = pl.concat(cells, how="vertical_relaxed")
    return counts.select(*empty.columns, *list_boundaries(counts))


def label(frame: pl.DataFrame, **names: str) -> pl.DataFrame:
    """Prepend columns of one name each."""
    return frame.select(*(pl.lit(name, pl.String).alias(column) for column, name in names.items()), pl.all())
