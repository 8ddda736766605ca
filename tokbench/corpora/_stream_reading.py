"""Read shards of streams, and windows of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from tokbench.corpora._corpus_spec import is_address
from tokbench.corpora._frames import read_messages
from tokbench.corpora._storage import is_plain
from tokbench.corpora._stream import Shard, ShardTexts
from tokbench.corpora._stream_batches import Batches, DocumentNumbers
from tokbench.corpora._stream_cutting import cut_texts
from tokbench.corpora._stream_jsonl import Keys, read_jsonl_region, read_remote_records
from tokbench.corpora._stream_polars import count_rows, read_rows
from tokbench.corpora._stream_text import read_remote_text, read_text_region
from tokbench.corpora._text_columns import MOST_LABELS
from tokbench.errors import TokbenchError


def read_shard(shard: Shard) -> Iterator[ShardTexts]:
    """Yield the texts of a shard in batches of about 4 MB, each of one group.

    Raises TokbenchError, with the file and the place in it, for what cannot be read.
    """
    if shard.format == "parquet":
        yield from _read_window(shard, *count_rows(shard.file, shard.start, shard.end))
    else:
        yield from _read_window(shard, shard.start, shard.end)


def read_window(shard: Shard, start: int, end: int) -> Iterator[ShardTexts]:
    """Yield the segments that start in part of a shard, and read little else.

    start, end: bytes of a file of text or records; of Parquet, rows, counted from the shard's first row group. See
    `extent`. Segments and documents are numbered from 0 in each window. Raises TokbenchError for a shard that can only
    be read whole.
    """
    whole = extent(shard)
    if whole is None:
        raise TokbenchError(f"{shard.file} can only be read whole", "unpack it, or read all of it")
    start, end = max(start, whole[0]), min(end, whole[1])
    if start >= end:
        return
    if shard.format == "parquet":
        first, _ = count_rows(shard.file, shard.start, shard.end)
        yield from _read_window(shard, first + start, end - start)
    else:
        yield from _read_window(shard, start, end)


def extent(shard: Shard) -> tuple[int, int] | None:
    """Return where windows of a shard may begin and end: bytes of the file, or rows of Parquet.

    None if it can only be read whole: a compressed file, and a text that is not cut.
    """
    if shard.format == "parquet":
        return 0, count_rows(shard.file, shard.start, shard.end)[1]
    if dict(shard.settings).get("split") == "none" and shard.format == "text":
        return None
    return (shard.start, shard.end) if is_plain(Path(shard.file)) else None


def _read_window(shard: Shard, start: int, end: int) -> Iterator[ShardTexts]:
    """Read bytes [start, end), or `end` rows from row `start` on."""
    settings = dict(shard.settings)
    path = Path(shard.file)
    label = None if "lang" in settings else settings["label"]
    wanted = set(json.loads(settings["groups"])) if "groups" in settings else None
    batches = Batches()
    frames: Iterator[pl.DataFrame]
    records: Iterator[pl.DataFrame]
    remote = is_address(shard.file)
    if shard.format == "text" and remote:
        frames = read_remote_text(shard.file, settings["split"])
    elif shard.format == "text":
        frames = read_text_region(path, start, end if is_plain(path) else None, settings["split"])
    else:
        keys = Keys.from_settings(settings)
        if shard.format == "parquet":
            records = (check_columns(path, frame, keys) for frame in read_rows(shard.file, start, end, keys.columns))
        elif remote:
            records = read_remote_records(shard.file, keys)
        else:
            records = read_jsonl_region(path, start, end if is_plain(path) else None, keys)
        frames = _cut_records(shard.file, records, settings)
    for frame in frames:
        kept = frame if wanted is None or label is not None else frame.filter(pl.col("lang").is_in(wanted))
        yield from batches.add(kept, label)
    yield from batches.flush()


def _cut_records(file: str, records: Iterator[pl.DataFrame], settings: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    """Cut the text of each record into segments, and number the documents."""
    split, numbers = settings["split"], DocumentNumbers()
    labels: set[str] = set()
    for frame in records:
        if "lang" in frame.columns:
            labels.update(frame["lang"].unique().to_list())
            if len(labels) > MOST_LABELS:
                raise TokbenchError(
                    f"{file}: the column lang= has more than {MOST_LABELS:,} different values, not languages",
                    "name the column with the language of each row",
                )
        segments = cut_texts(frame["text"], split)
        rows = segments["row"]
        named = frame["document"] if "document" in frame.columns else None
        documents = numbers.count(frame.height) if named is None else numbers.number(named)
        columns = [segments["text"], documents.gather(rows).alias("document")]
        if "lang" in frame.columns:
            columns.append(frame["lang"].gather(rows))
        yield pl.DataFrame(columns)


def check_columns(path: Path, frame: pl.DataFrame, keys: Keys) -> pl.DataFrame:
    """Join the messages of conversations, and check that each row has a language and a text if there is one."""
    texts = frame["text"]
    if isinstance(texts.dtype, pl.List):
        texts = pl.Series("text", read_messages(path, str(keys.text), texts), dtype=pl.String)
        frame = frame.with_columns(texts)
    if keys.lang is not None:
        langs = frame["lang"]
        if langs.has_nulls() or (langs.str.strip_chars() == "").any():
            raise TokbenchError(f"{path}: a row has no language in the column {keys.lang!r}", "fix the row")
        if texts.has_nulls():
            raise TokbenchError(f"{path}: a row has a language, but no text", "fix the row")
    return frame
