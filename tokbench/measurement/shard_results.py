"""What is counted in a shard, as bytes: what workers send, and what a run that is resumed reads."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import msgspec
import polars as pl

from tokbench.measurement._measurements import Measurements
from tokbench.measurement.id_sums import LargeHistogram, read_histogram
from tokbench.measurement.saved import POOLED_SCHEMAS, SCHEMAS
from tokbench.measurement.shards import ShardResult

_SEAL = b"tokbench shard sha256 %s\n"
_SEAL_BYTES = len(_SEAL % (b"0" * 64))
_FRAMES = ("texts", "counts", "tokenizers")
_IDS = "ids"
"""The frame of ids without names, cell after cell: they are merged by the thousand, and names would take most time."""


class Fault(msgspec.Struct, frozen=True):
    """An engine failed on a text of the shard: the fields of `EngineError`, and where the text is."""

    tokenizer: str
    task: str
    reason: str
    hint: str | None


class _Header(msgspec.Struct, frozen=True):
    """The first line after the seal: sizes of the frames that follow, in order, and facts of the shard.

    cells: tokenizer, group and number of rows in the frame of ids, in order.
    """

    frames: dict[str, int]
    cells: tuple[tuple[str, str, int], ...]
    sha256: str
    bytes: int
    segments: int
    unfit: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, eq=False)
class CountedShard:
    """The content of a shard's result.

    result: what was counted; None if all tokenizers failed on the shard, or it has no text. As it was written, its
        measurements have no ids.
    ids: these, by tokenizer and group.
    faults: the tokenizers that failed; `result` is without them.
    unfit: groups that the word segmenter does not fit, as far as this shard shows; those that were known before it was
        read are not among them.
    """

    result: ShardResult | None
    faults: tuple[Fault, ...] = ()
    unfit: tuple[str, ...] = ()
    ids: Mapping[tuple[str, str], LargeHistogram] = field(default_factory=dict)


def format_shard(counted: CountedShard) -> bytes:
    """Return the result of a shard as bytes, sealed with a hash; equal counts give equal bytes."""
    contents, cells = {}, pl.DataFrame()
    result = counted.result
    if result is not None:
        ids = result.measurements.ids
        cells = ids.group_by("tokenizer", "lang", maintain_order=True).len()
        frames = vars(replace(result.measurements, ids=ids.clear()).with_names_as_text())
        contents = {name: write_frame(frames[name]) for name in _FRAMES}
        contents[_IDS] = write_frame(ids.select("block", "id", "count"))
    header = _Header(
        frames={name: len(content) for name, content in contents.items()},
        cells=tuple(cells.iter_rows()),
        sha256="" if result is None else result.sha256,
        bytes=0 if result is None else result.bytes,
        segments=0 if result is None else result.segments,
        unfit=counted.unfit,
        faults=counted.faults,
    )
    body = b"".join([msgspec.json.encode(header), b"\n", *contents.values()])
    return _SEAL % hashlib.sha256(body).hexdigest().encode() + body


def write_frame(frame: pl.DataFrame) -> bytes:
    """Return a frame as bytes."""
    content = io.BytesIO()
    frame.write_ipc(content, compression="zstd")
    return content.getvalue()


def parse_shard(content: bytes) -> CountedShard | None:
    """Return what `format_shard` wrote; None if the bytes are not as they were written."""
    seal, body = content[:_SEAL_BYTES], content[_SEAL_BYTES:]
    if seal != _SEAL % hashlib.sha256(body).hexdigest().encode():
        return None
    line, _, rest = body.partition(b"\n")
    header = msgspec.json.decode(line, type=_Header)
    frames, start = {}, 0
    for name, size in header.frames.items():
        frames[name] = pl.read_ipc(io.BytesIO(rest[start : start + size]))
        start += size
    if not frames:
        return CountedShard(None, header.faults, header.unfit)
    numbers = frames.pop(_IDS)
    histograms, start = {}, 0
    for tokenizer, group, rows in header.cells:
        histograms[tokenizer, group] = read_histogram(numbers.slice(start, rows))
        start += rows
    schemas = {"vocab": SCHEMAS["vocab"], "documents": POOLED_SCHEMAS["documents"], "ids": POOLED_SCHEMAS["ids"]}
    empty = {name: pl.DataFrame(schema=schema) for name, schema in schemas.items()}
    measurements = Measurements(**frames, **empty).sorted()
    result = ShardResult(measurements, header.sha256, header.bytes, header.segments)
    return CountedShard(result, header.faults, header.unfit, histograms)
