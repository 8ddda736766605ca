"""What can be said of a stream without reading it: files, bytes, shards, groups, and its first texts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from tokbench.corpora._stream import Shard, Stream
from tokbench.corpora._stream_reading import read_shard

MOST_GROUPS = 20
"""Groups whose first texts are read."""

FIRST_CHARS = 80
"""Characters of a first text."""


@dataclass(frozen=True)
class StreamReport:
    """An overview of a stream.

    files: number of them. size: bytes in storage, 0 if unknown. shards: number of them.
    groups: group, files, shards, bytes (in storage), first (the beginning of its first text, null if not looked up);
    empty if a column names the groups, except for those in the first batch.
    """

    name: str
    source: str
    format: str
    files: int
    size: int
    shards: int
    groups: pl.DataFrame


def inspect_stream(stream: Stream) -> StreamReport:
    """Describe a stream, reading the first batch of each of its first groups.

    Raises TokbenchError if that cannot be read.
    """
    groups: dict[str | None, list[Shard]] = {}
    for shard in stream.shards:
        groups.setdefault(dict(shard.settings).get("label"), []).append(shard)
    rows = [row for number, (label, own) in enumerate(groups.items()) for row in _describe(label, own, number)]
    schema = {"group": pl.String, "files": pl.Int64, "shards": pl.Int64, "bytes": pl.Int64, "first": pl.String}
    return StreamReport(
        name=stream.name,
        source=stream.source,
        format=stream.format,
        files=len({shard.file for shard in stream.shards}),
        size=stream.size,
        shards=len(stream.shards),
        groups=pl.DataFrame(rows, schema, orient="row"),
    )


def _describe(label: str | None, shards: list[Shard], number: int) -> Iterator[tuple[str, int, int, int, str | None]]:
    size, files = sum(shard.size for shard in shards), len({shard.file for shard in shards})
    first = next(read_shard(shards[0]), None) if number < MOST_GROUPS else None
    text = None if first is None else first.texts[0][:FIRST_CHARS]
    yield label or (first.group if first is not None else ""), files, len(shards), size, text
