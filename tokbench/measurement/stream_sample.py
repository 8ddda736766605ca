"""A few texts of a stream, spread over its shards: for the choice of engines, for speeds and for plans."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tokbench.corpora import Shard, Stream, TextGroups, read_shard
from tokbench.errors import TokbenchError
from tokbench.measurement.words import Segmenter, has_words

SAMPLED_SHARDS = 16
"""Shards that a sample is taken from, evenly spaced."""

SAMPLED_BYTES = 2_000_000
"""Approximate UTF-8 bytes of a sample."""


def sample_stream(stream: Stream, size: int = SAMPLED_BYTES) -> TextGroups:
    """Return the first texts of evenly spaced shards, as groups.

    size: approximate UTF-8 bytes; at least one text of each shard. Shards that cannot be read are left out. Raises
    TokbenchError if none can.
    """
    shards = pick_shards(stream)
    texts: defaultdict[str, list[str]] = defaultdict(list)
    fault: TokbenchError | None = None
    for shard in shards:
        try:
            for group, found in read_first(shard, size // len(shards)):
                texts[group] += found
        except TokbenchError as error:
            fault = fault or error
    if not texts:
        raise fault or TokbenchError(f"{stream.name} has no text", "give another source")
    return TextGroups.from_texts(dict(sorted(texts.items())), stream.name)


def pick_shards(stream: Stream) -> list[Shard]:
    """Return evenly spaced shards, the first among them."""
    count = min(SAMPLED_SHARDS, len(stream.shards))
    return [stream.shards[place * len(stream.shards) // count] for place in range(count)]


def read_first(shard: Shard, size: int) -> Iterator[tuple[str, list[str]]]:
    """Yield group and texts of the beginning of a shard, about `size` bytes; at least one text."""
    for batch in read_shard(shard):
        sizes = batch.texts.str.len_bytes()
        count = int((sizes.cum_sum() - sizes < size).sum())
        yield batch.group, batch.texts.head(count).to_list()
        size -= int(sizes.head(count).sum())
        if size <= 0:
            return


def find_spaced(sample: TextGroups, segmenter: Segmenter) -> dict[str, bool]:
    """Return whether the word segmenter fits each group of a sample."""
    return {group: has_words(column, segmenter) for group, column in sample.columns.items()}
