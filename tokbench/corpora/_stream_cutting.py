"""Cut columns of texts into segments by polars, with the results of `split_text`."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.corpora._groups import split_text

NOT_BLANK = r"[^\s\x1c-\x1f]"
"""A character that `str.strip` keeps, as a regular expression of Rust."""


_FEW = 4
"""Most lines that are joined to one without grouping."""

Positions = npt.NDArray[np.int64]


def cut_texts(texts: pl.Series, split: str, end: str | None = None) -> pl.DataFrame:
    """Cut each text into segments, as `split_text` does.

    Returns `text`, and `row`, the number of the text (UInt32). An empty text has no segment, a null stays one.
    end: how lines end; by default as most lines of each text do.
    """
    frame = pl.DataFrame({"row": pl.int_range(len(texts), dtype=pl.UInt32, eager=True), "text": texts})
    if split == "none":
        return frame.filter((pl.col("text") != "").fill_null(value=True)).select("text", "row")
    in_cr = _find_cr(texts) if end is None else pl.repeat(end == "\r", len(texts), dtype=pl.Boolean, eager=True)
    if not in_cr.any():
        return _cut_at_lf(frame, split)
    parts = [_cut_at_lf(frame.filter(~in_cr), split), _cut_at_cr(frame.filter(in_cr), split)]
    return pl.concat(parts).sort("row", maintain_order=True)


def _find_cr(texts: pl.Series) -> pl.Series:
    """Return whether the lines of each text end in CR alone; see `ends_in_cr`."""
    if not texts.str.contains("\r", literal=True).any():
        return pl.repeat(value=False, n=len(texts), dtype=pl.Boolean, eager=True)
    text = pl.col("text")
    count = {end: text.str.count_matches(end, literal=True).cast(pl.Int64) for end in ("\r", "\r\n", "\n")}
    lone = count["\r"] - count["\r\n"] - text.str.ends_with("\r").cast(pl.Int64)
    found = pl.DataFrame({"text": texts}).select((count["\r"] > 0) & (lone > count["\n"])).to_series()
    return found.fill_null(value=False)


def _cut_at_cr(frame: pl.DataFrame, split: str) -> pl.DataFrame:
    segments = [
        (segment, row) for row, text in frame.select("row", "text").rows() for segment in split_text(text, split, "\r")
    ]
    return pl.DataFrame(segments, {"text": pl.String, "row": pl.UInt32}, orient="row")


def _cut_at_lf(frame: pl.DataFrame, split: str) -> pl.DataFrame:
    """Cut texts whose lines end in LF: a line that starts no segment is joined to those before it."""
    lines = frame.select(pl.col("text").str.split("\n", inclusive=True), "row")
    lines = lines.filter((pl.col("text").list.len() > 0).fill_null(value=True)).explode("text")
    starts = _find_starts(lines, split)
    if starts.all():
        return lines
    places = np.flatnonzero(starts.to_numpy())
    more = np.diff(places, append=len(starts)) - 1
    join = _join_few if more.max() <= _FEW else _join_many
    return pl.DataFrame([join(lines["text"], places, more), lines["row"].gather(places)])


def _join_few(lines: pl.Series, places: Positions, more: Positions) -> pl.Series:
    """Join each of the lines at `places` to the next ones, as many as `more` says."""
    texts = lines.gather(places)
    for step in range(1, int(more.max()) + 1):
        wanted = np.flatnonzero(more >= step)
        longer = pl.select(pl.concat_str(texts.gather(wanted), lines.gather(places[wanted] + step))).to_series()
        texts = longer if len(wanted) == len(texts) else texts.scatter(wanted, longer)
    return texts


def _join_many(lines: pl.Series, places: Positions, more: Positions) -> pl.Series:
    frame = pl.DataFrame([lines, pl.Series("segment", np.repeat(np.arange(len(places)), more + 1))])
    return frame.group_by("segment", maintain_order=True).agg(pl.col("text").str.join(""))["text"]


def _find_starts(lines: pl.DataFrame, split: str) -> pl.Series:
    """Return which lines start a segment: those with text, except that blank lines come before the first of a text."""
    filled = lines["text"].str.contains(NOT_BLANK).fill_null(value=True).to_numpy()
    rows = lines["row"].to_numpy()
    first = np.ones(len(rows), dtype=bool)
    first[1:] = rows[1:] != rows[:-1]
    if filled.all() and split == "lines":
        return pl.Series(filled)
    so_far = np.cumsum(filled)
    before = np.maximum.accumulate(np.where(first, so_far - filled, 0))  # lines with text in earlier texts
    starts = filled & (so_far - before > 1)
    if split == "documents":
        after_blank = np.zeros(len(rows), dtype=bool)
        after_blank[1:] = ~filled[:-1]
        starts &= after_blank
    return pl.Series(starts | first)
