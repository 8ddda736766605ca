"""Read the pieces of a sample: the windows of a text file with one opening, and cut at once."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import polars as pl

from tokbench.corpora._sampling import Piece
from tokbench.corpora._stream import Shard, ShardTexts
from tokbench.corpora._stream_bytes import Lines, explain_place, find_start, open_lines
from tokbench.corpora._stream_cutting import cut_texts
from tokbench.corpora._stream_reading import read_shard, read_window
from tokbench.errors import TokbenchError

BATCH_BYTES = 4_000_000
"""Bytes of text that are handed on together."""

Fault = Callable[[Piece, TokbenchError], None]


def read_pieces(pieces: Iterable[Piece], on_fault: Fault) -> Iterator[ShardTexts]:
    """Yield the texts of pieces by group, a few megabytes at a time; whole files are read as `read_piece` does.

    pieces: windows, in the order of their shards. on_fault: called for a piece that cannot be read.
    Documents are the pieces, by their place in the order of drawing. Segments are counted through all groups.
    """
    waiting: defaultdict[str, list[ShardTexts]] = defaultdict(list)
    sizes: Counter[str] = Counter()
    segments = 0
    for shard, own in groupby(pieces, lambda piece: piece.shard):
        for part in _read_windows(shard, list(own), on_fault):
            numbers = pl.int_range(segments, segments + len(part.texts), dtype=pl.UInt32, eager=True)
            segments += len(part.texts)
            waiting[part.group].append(ShardTexts(part.group, part.texts, numbers, part.documents))
            sizes[part.group] += int(part.texts.str.len_bytes().sum())
            if sizes[part.group] >= BATCH_BYTES:
                yield _join(part.group, waiting.pop(part.group))
                del sizes[part.group]
    for group, parts in waiting.items():
        yield _join(group, parts)


def read_piece(piece: Piece) -> Iterator[ShardTexts]:
    """Yield the texts of a piece, with the piece as their document."""
    parts = read_shard(piece.shard) if piece.end is None else read_window(piece.shard, piece.start or 0, piece.end)
    for part in parts:
        place = pl.Series([piece.place], dtype=pl.UInt32).new_from_index(0, len(part.texts))
        yield ShardTexts(part.group, part.texts, part.segments, place)


def _read_windows(shard: Shard, pieces: Sequence[Piece], on_fault: Fault) -> Iterator[ShardTexts]:
    settings = dict(shard.settings)
    if shard.format == "text" and "label" in settings:
        yield from _read_text(shard, pieces, settings, on_fault)
        return
    for piece in pieces:
        try:
            parts = list(read_piece(piece))
        except TokbenchError as error:
            on_fault(piece, error)
        else:
            yield from parts


def _read_text(
    shard: Shard, pieces: Sequence[Piece], settings: dict[str, str], on_fault: Fault
) -> Iterator[ShardTexts]:
    path, split, label = Path(shard.file), settings["split"], settings["label"]
    waiting: list[tuple[Piece, int, bytes]] = []
    size, done = 0, 0
    try:
        with open_lines(path) as lines:
            for piece in pieces:
                begin, data = _read_bytes(lines, piece, split)
                done += 1
                waiting.append((piece, begin, data))
                size += len(data)
                if size >= BATCH_BYTES:
                    yield _cut(path, waiting, split, lines.end.decode(), label, on_fault)
                    waiting, size = [], 0
            yield _cut(path, waiting, split, lines.end.decode(), label, on_fault)
    except TokbenchError as error:
        for piece in [*(piece for piece, *_ in waiting), *pieces[done:]]:
            on_fault(piece, error)


def _read_bytes(lines: Lines, piece: Piece, split: str) -> tuple[int, bytes]:
    """Return where the first segment of a window starts, and the bytes of its segments."""
    begin, stop = (find_start(lines, place or 0, split) for place in (piece.start, piece.end))
    lines.file.seek(begin)
    return begin, lines.file.read(stop - begin)


def _cut(
    path: Path, windows: Sequence[tuple[Piece, int, bytes]], split: str, end: str, label: str, on_fault: Fault
) -> ShardTexts:
    """Cut the bytes of windows into segments."""
    try:
        texts = pl.Series("text", [data for *_, data in windows], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        damaged = [window for window in windows if not _is_utf8(window[2])]
        for piece, begin, data in damaged:
            on_fault(piece, explain_place(path, data, begin))
        return _cut(path, [window for window in windows if window not in damaged], split, end, label, on_fault)
    places = pl.Series([piece.place for piece, *_ in windows], dtype=pl.UInt32)
    frame = cut_texts(texts, split, end).filter(pl.col("text").str.strip_chars() != "")
    documents = places.gather(frame["row"]) if frame.height else places.clear()
    return ShardTexts(label, frame["text"], frame["row"], documents)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _join(group: str, parts: Sequence[ShardTexts]) -> ShardTexts:
    return ShardTexts(
        group,
        pl.concat([part.texts for part in parts]),
        pl.concat([part.segments for part in parts]),
        pl.concat([part.documents for part in parts]),
    )
