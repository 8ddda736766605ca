"""A source of any size, read shard by shard: files, globs and addresses of text, JSON Lines and Parquet.

Unlike a `Corpus`, a stream is never in memory, and its texts are not numbered through: a segment is known by its shard
and its place in it. Texts are groups, not translations of each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Shard:
    """A piece of a stream that is read at once, by any process that reaches its file.

    number: its place in the stream.
    file: a path, or an address that polars reads (`s3://`, `gs://`, `az://`, `hf://`, `https://`).
    name: of the file relative to the source; with `start`, it identifies the shard wherever the source lies.
    format: the reader.
    start, end: bytes of a text or JSON Lines file, row groups of a Parquet file; 0 and 1 for a file that can only be
        read whole.
    size: bytes in storage.
    settings: options of the reader, as in a corpus argument.
    """

    number: int
    file: str
    name: str
    format: str
    start: int
    end: int
    size: int
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, eq=False)
class ShardTexts:
    """Some texts of one group of a shard, in order, none of them empty.

    group: the group's label.
    texts: the segments.
    segments: number of each segment in its shard (UInt32), counted through all groups.
    documents: number of each segment's document in its shard (UInt32); a document does not go on in the next shard.
    """

    group: str
    texts: pl.Series
    segments: pl.Series
    documents: pl.Series


@dataclass(frozen=True)
class Stream:
    """A source that is read shard by shard.

    name: of the source in tables. source: as the user gave it. format: the reader.
    shards: in order of file name and place.
    """

    name: str
    source: str
    format: str
    shards: tuple[Shard, ...]

    @property
    def size(self) -> int:
        """Bytes in storage."""
        return sum(shard.size for shard in self.shards)
