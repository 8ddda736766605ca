"""What is counted in a shard, as bytes: what workers send, and what a run that is resumed reads."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass

import msgspec
import polars as pl

from tokbench.measurement._measurements import Measurements
from tokbench.measurement.saved import POOLED_SCHEMAS, SCHEMAS
from tokbench.measurement.shards import ShardResult

_SEAL = b"tokbench shard sha256 %s\n"
_SEAL_BYTES = len(_SEAL % (b"0" * 64))
_FRAMES = ("texts", "counts", "ids", "tokenizers")


class Fault(msgspec.Struct, frozen=True):
    """An engine failed on a text of the shard: the fields of `EngineError`, and where the text is."""

    tokenizer: str
    task: str
    reason: str
    hint: str | None


class _Header(msgspec.Struct, frozen=True):
    """The first line after the seal: sizes of the frames that follow, in order, and facts of the shard."""

    frames: dict[str, int]
    sha256: str
    bytes: int
    segments: int
    unfit: tuple[str, ...]
    faults: tuple[Fault, ...]


@dataclass(frozen=True, eq=False)
class CountedShard:
    """The content of a shard's result.

    result: what was counted; None if all tokenizers failed on the shard.
    faults: the tokenizers that failed; `result` is without them.
    unfit: groups that the word segmenter does not fit, as far as this shard shows; those that were known before it was
        read are not among them.
    """

    result: ShardResult | None
    faults: tuple[Fault, ...] = ()
    unfit: tuple[str, ...] = ()


def format_shard(counted: CountedShard) -> bytes:
    """Return the result of a shard as bytes, sealed with a hash; equal counts give equal bytes."""
    contents = {}
    result = counted.result
    if result is not None:
        frames = vars(result.measurements.with_names_as_text())
        for name in _FRAMES:
            content = io.BytesIO()
            frames[name].write_ipc(content, compression="zstd")
            contents[name] = content.getvalue()
    header = _Header(
        frames={name: len(content) for name, content in contents.items()},
        sha256="" if result is None else result.sha256,
        bytes=0 if result is None else result.bytes,
        segments=0 if result is None else result.segments,
        unfit=counted.unfit,
        faults=counted.faults,
    )
    body = b"".join([msgspec.json.encode(header), b"\n", *contents.values()])
    return _SEAL % hashlib.sha256(body).hexdigest().encode() + body


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
    vocab, documents = (pl.DataFrame(schema=schema) for schema in (SCHEMAS["vocab"], POOLED_SCHEMAS["documents"]))
    measurements = Measurements(**frames, vocab=vocab, documents=documents).sorted()
    return CountedShard(
        ShardResult(measurements, header.sha256, header.bytes, header.segments), header.faults, header.unfit
    )
