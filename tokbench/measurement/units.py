"""Units: counts added up over documents or runs of neighbouring segments.

A large corpus has far more segments than intervals and tests need. Its counts are added up as they come, in at most
`MOST_UNITS` units a language, so that memory does not grow with the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.corpora import Corpus
from tokbench.measurement._frames import list_documents
from tokbench.measurement.boundaries import COLUMNS as BOUNDARIES
from tokbench.measurement.jackknife_blocks import assign_blocks
from tokbench.measurement.round_trip import Loss

Draw = Literal["documents", "segments"]

MOST_UNITS = 4096
"""Limit on units in a language: beyond it, runs of neighbouring documents or segments are one unit."""

LOSSES = tuple(loss.name.lower() for loss in Loss)
"""Columns of pooled counts: segments of each loss class."""

SIZES: Mapping[pl.DataType, int] = {pl.UInt8(): 2**8, pl.UInt16(): 2**16, pl.UInt32(): 2**32, pl.Int64(): 2**63}
"""Types of stored sums, smallest first, with the first number that does not fit."""

NUMBER = pl.UInt64()
"""The type of a unit's number: those of streams do not fit 32 bits."""

KEYS = ("tokenizer", "lang", "segment")

TEXT_SUMS = ("segments", "bytes", "chars")
COUNT_SUMS = ("tokens", "unk_known_chars", "unk_known_segments", "continued_known_words", "continued_known_segments")
"""Sums that are never null."""

COMPLETE = ("words", "partial_tokens", "unk_tokens", *LOSSES)
"""Sums that are null if any segment's count is: such counts are known for all segments of a language, or for none."""

KNOWN = ("unk_chars", "continued_words", *BOUNDARIES)
"""Sums over the segments whose count is known; null if there is none."""


def pool_texts(texts: pl.DataFrame, units: pl.Series) -> pl.DataFrame:
    """Add up the frame `texts` by unit."""
    one = pl.lit(1, pl.Int64).alias("segments")
    keys = [pl.col(key) for key in ("lang",) if key in texts.columns]
    rows = texts.select(*keys, units.alias("segment"), one, "bytes", "chars", "words")
    return add_up([rows])


def pool_counts(counts: pl.DataFrame, sizes: pl.DataFrame, units: pl.Series) -> pl.DataFrame:
    """Add up the frame `counts` by unit.

    sizes: columns chars and words of the segments, row by row those of `counts`.
    """
    keys = [pl.col(key) for key in ("tokenizer", "lang") if key in counts.columns]
    chars, words = sizes["chars"], sizes["words"]
    rows = counts.select(
        *keys,
        units.alias("segment"),
        *("tokens", "partial_tokens", "unk_tokens", "unk_chars", "continued_words"),
        *((pl.col("loss") == loss.value).cast(pl.Int64).alias(name) for name, loss in zip(LOSSES, Loss, strict=True)),
        unk_known_chars=pl.when(pl.col("unk_chars").is_not_null()).then(chars).otherwise(0),
        unk_known_segments=pl.col("unk_chars").is_not_null().cast(pl.Int64),
        continued_known_words=pl.when(pl.col("continued_words").is_not_null()).then(words).otherwise(0),
        continued_known_segments=pl.col("continued_words").is_not_null().cast(pl.Int64),
    )
    return add_up([rows.hstack(counts.select(list_boundaries(counts)))])


def list_boundaries(counts: pl.DataFrame) -> list[str]:
    """Return the columns of `boundaries.COLUMNS` that the frame `counts` has, in their order."""
    return [name for name in BOUNDARIES if name in counts.columns]


def add_up(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add up the rows of the same unit, in frames of the same columns; the order of the frames does not matter."""
    rows = pl.concat(frames, how="vertical_relaxed")
    keys = [key for key in KEYS if key in rows.columns]
    sums = [sum_column(name).alias(name) for name in rows.columns if name not in keys]
    return narrow(rows.group_by(keys).agg(sums).sort(keys))


def narrow(frame: pl.DataFrame) -> pl.DataFrame:
    """Store each sum in the smallest of `SIZES` that holds all of its column.

    There may be a million rows. Expressions must cast to 64 bits before they calculate with sums.
    """
    sums = [name for name in frame.columns if name not in KEYS]
    most = frame.select(pl.col(sums).max()).row(0) if frame.height else (0,) * len(sums)
    fits = {
        name: next(kind for kind, end in SIZES.items() if (top or 0) < end)
        for name, top in zip(sums, most, strict=True)
    }
    return frame.with_columns(pl.col(name).cast(kind) for name, kind in fits.items())


def sum_column(name: str) -> pl.Expr:
    """Return the sum of a column of pooled frames; 64 bits, with the nulls that `COMPLETE` and `KNOWN` state."""
    total = pl.col(name).cast(pl.Int64).sum()
    if name in COMPLETE:
        return pl.when(pl.col(name).null_count() == 0).then(total)
    if name in KNOWN:
        return pl.when(pl.col(name).count() > 0).then(total)
    return total


class UnitSum:
    """A running sum of pooled frames of the same columns.

    They are added up when those added since hold as many rows as the sum.
    """

    def __init__(self) -> None:
        self._pending: list[pl.DataFrame] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Add a frame."""
        self._pending.append(frame)
        first, *rest = (frame.height for frame in self._pending)
        if sum(rest) >= max(first, MOST_UNITS):
            self._pending = [self.total()]

    def total(self) -> pl.DataFrame:
        """Return the sum of all frames added."""
        return add_up(self._pending)


@dataclass(frozen=True, eq=False)
class UnitsOfLanguage:
    """Units of the segments of one language, in order.

    length: segments of the language. first: number of the first unit.
    of: unit of each segment, counted from `first`; None for runs of neighbouring segments, which are computed.
    blocks: jackknife block of each unit.
    documents: document and register of each unit (frame `documents`); without rows if the corpus names none.
    """

    length: int
    first: int
    of: npt.NDArray[np.uint32] | None
    blocks: npt.NDArray[np.uint8]
    documents: pl.DataFrame

    def locate(self, start: int, length: int) -> tuple[pl.Series, pl.Series]:
        """Return unit and block of each segment of a range."""
        if self.of is None:
            ranks = np.arange(start, start + length, dtype=np.int64) * min(MOST_UNITS, self.length) // self.length
        else:
            ranks = self.of[start : start + length].astype(np.int64)
        numbers = pl.Series("segment", ranks + self.first, dtype=NUMBER)
        return numbers, pl.Series("block", self.blocks[ranks])


def find_language_units(segments: pl.Series, documents: pl.DataFrame, draw: Draw) -> UnitsOfLanguage:
    """Divide the segments of a language into units, each of one register.

    segments: their numbers. documents: the frame `documents` of the corpus.
    draw: what a unit is: a document (if the corpus names any) or a segment; a run of them if there are more than
        `MOST_UNITS`.
    """
    first, length = int(segments[0]), len(segments)
    if documents.is_empty() or (draw == "segments" and "register" not in documents.columns):
        numbers = pl.Series("segment", np.arange(min(MOST_UNITS, length)) + first, dtype=NUMBER)
        named = documents.clear().cast({"segment": NUMBER})
        if not documents.is_empty():  # that they have names is kept, so that nobody takes the units for documents
            named = pl.DataFrame({"segment": numbers}).with_columns(document=pl.lit(None, pl.String))
        return UnitsOfLanguage(length, first, None, assign_blocks(numbers, named)["block"].to_numpy(), named)
    rows = pl.DataFrame({"segment": segments}).join(documents, on="segment", how="left", maintain_order="left")
    # A segment without a document is one by itself.
    name = pl.col("document").fill_null(pl.format("#{}", "segment"))
    register = pl.col("register") if "register" in rows.columns else pl.lit(None, pl.String).alias("register")
    item = pl.int_range(pl.len(), dtype=pl.UInt32) if draw == "segments" else name.rank("dense").cast(pl.UInt32) - 1
    rows = rows.select("segment", register, name.alias("document"), item=item)
    items = rows.unique("item", keep="first").sort("register", "item")
    items = items.with_columns(unit=pl.Series(cut_runs(items["register"])))
    of = rows.join(items.select("item", "unit"), on="item", how="left", maintain_order="left")["unit"]
    heads = items.unique("unit", keep="first", maintain_order=True)
    named = heads.select(
        (pl.col("unit") + first).cast(NUMBER).alias("segment"),
        pl.col("document") if draw == "documents" else pl.lit(None, pl.String).alias("document"),
        *([pl.col("register")] if "register" in documents.columns else []),
    )
    blocks = assign_blocks(named["segment"], named)["block"].to_numpy()
    return UnitsOfLanguage(length, first, of.cast(pl.UInt32).to_numpy(), blocks, named)


def cut_runs(registers: pl.Series) -> npt.NDArray[np.int64]:
    """Return the unit of each item: itself, or a run of neighbours within one register.

    registers: of each item, items of the same register together.
    """
    length = len(registers)
    new = np.concatenate([[False], registers.ne_missing(registers.shift(1)).to_numpy()[1:]])
    if length <= MOST_UNITS:
        return np.arange(length)
    runs = np.arange(length) * max(1, MOST_UNITS - int(new.sum())) // length
    return np.cumsum(new | (np.diff(runs, prepend=0) > 0))


@dataclass(frozen=True, eq=False)
class UnitsOfCorpus:
    """Units of the segments of each language; languages of a parallel corpus share them."""

    by_language: dict[str, UnitsOfLanguage]

    @classmethod
    def find(cls, corpus: Corpus, draw: Draw) -> UnitsOfCorpus | None:
        """Divide a corpus into units; None if no language has more than `MOST_UNITS` segments."""
        if max(column.len() for column in corpus.columns.values()) <= MOST_UNITS:
            return None
        documents = list_documents(corpus)
        if corpus.aligned:
            return cls(dict.fromkeys(corpus.languages, find_language_units(corpus.segments, documents, draw)))
        return cls({lang: find_language_units(corpus.number(lang), documents, draw) for lang in corpus.languages})

    def list_documents(self, units: pl.Series) -> pl.DataFrame:
        """Return the frame `documents` of some units."""
        found = pl.concat({id(own): own.documents for own in self.by_language.values()}.values())
        return found.join(units.unique().alias("segment").to_frame(), on="segment", how="semi").sort("segment")


RUN = 16
"""Neighbouring segments of a stream that are one unit where segments are documents of their own."""

_PER_DIGEST = 32
"""Units that one digest of 64 bytes gives."""


def hash_units(shard: str, start: int, segments: pl.Series, documents: pl.Series) -> npt.NDArray[np.int64]:
    """Return the unit of each segment of a shard of a stream: 0 to `MOST_UNITS` - 1.

    It depends on the shard and on the number of the document in it (of the run of `RUN` segments where a segment is a
    document of its own), so that shards can be measured anywhere and in any order.
    """
    own, document = segments.to_numpy().astype(np.int64), documents.to_numpy().astype(np.int64)
    numbers = np.where(own == document, 2 * (own // RUN) + 1, 2 * document)
    blocks, which = np.unique(numbers // _PER_DIGEST, return_inverse=True)
    digests = b"".join(
        hashlib.blake2b(f"{len(shard)} {shard} {start} {block}".encode()).digest() for block in blocks.tolist()
    )
    table = np.frombuffer(digests, "<u2").reshape(-1, _PER_DIGEST)
    units: npt.NDArray[np.int64] = table[which, numbers % _PER_DIGEST].astype(np.int64) % MOST_UNITS
    return units


GROUP_BITS = 48
"""Bits of a group's number: units of different groups of a stream do not share numbers."""


def number_group(label: str) -> int:
    """Return the number of the first unit of a group of a stream: a multiple of `MOST_UNITS`."""
    digest = hashlib.blake2b(label.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % (1 << GROUP_BITS) * MOST_UNITS
