"""Shards of plain text: segments of lines or paragraphs with their line ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl

from tokbench.corpora._stream_bytes import MOST_SEGMENT, explain_place, find_start, open_lines, read_blocks
from tokbench.corpora._stream_cutting import cut_texts
from tokbench.corpora._stream_polars import read_remote_lines
from tokbench.errors import TokbenchError


def read_text_region(path: Path, start: int, end: int | None, split: str) -> Iterator[pl.DataFrame]:
    """Yield the segments, as the column `text`, that start in the bytes [start, end) of a file.

    end: None for all of a file that is compressed.
    """
    with open_lines(path) as lines:
        whole = lines.size is None or end is None or split == "none"
        begin = lines.bom if whole else find_start(lines, start, split)
        stop = lines.size if whole or end is None else find_start(lines, end, split)
        blocks = read_blocks(lines, begin, stop)
        again: int | None = None
        while True:
            try:
                at, data, last = blocks.send(again)
            except StopIteration:
                return
            frame = cut_texts(decode_block(path, data, at), split, lines.end.decode()).select("text")
            again = 0
            if not last and frame.height:
                # The next lines may be blank or of the same paragraph.
                again = int(frame["text"].tail(1).str.len_bytes().item())
                frame = frame.head(-1)
            if frame.height:
                yield frame


def read_remote_text(address: str, split: str) -> Iterator[pl.DataFrame]:
    """Yield the segments at an address; each line ends in LF, as polars does not say how it ended."""
    rest = ""
    for lines in read_remote_lines(address):
        text = rest + "".join(f"{line}\n" for line in lines)
        frame = cut_texts(pl.Series("text", [text]), split, "\n").select("text")
        rest = str(frame["text"][-1])
        if len(rest) > MOST_SEGMENT:
            raise TokbenchError(f"{address}: a text is longer than {MOST_SEGMENT >> 20} MiB", "give another split=")
        yield frame.head(-1)
    yield pl.DataFrame({"text": [rest]})


def decode_block(path: Path, data: bytes, at: int) -> pl.Series:
    """Return bytes as a column of one text; TokbenchError with the byte of the file if they are not UTF-8."""
    try:
        return pl.Series("text", [data], dtype=pl.Binary).cast(pl.String)
    except pl.exceptions.PolarsError:
        raise explain_place(path, data, at) from None
