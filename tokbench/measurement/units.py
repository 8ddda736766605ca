"""Units: counts added up over documents or runs of neighbouring segments.

A large corpus has far more segments than intervals and tests need. Its counts are added up as they come, in at most
`MOST_UNITS` units a language, so that memory does not grow with the text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from tokbench.corpora import Corpus
from tokbench.measurement._frames import list_documents
from tokbench.measurement.jackknife_blocks import assign_blocks
from tokbench.measurement.round_trip import Loss

Draw = Literal["documents", "segments"]

MOST_UNITS = 4096
"""Limit on units in a language: beyond it, runs of neighbouring documents or segments are one unit."""

LOSSES = tuple(loss.name.lower() for loss in Loss)
"""Columns of pooled counts: segments of each loss class."""

KEYS = ("tokenizer", "lang", "segment")

TEXT_SUMS = ("segments", "bytes", "chars")
COUNT_SUMS = ("tokens", "unk_known_chars", "unk_known_segments", "continued_known_words", "continued_known_segments")
"""Sums that are never null."""

COMPLETE = ("words", "partial_tokens", "unk_tokens", *LOSSES)
"""Sums that are null if any segment's count is: such counts are known for all segments of a language, or for none."""

KNOWN = ("unk_chars", "continued_words")
"""Sums over the segments whose count is known; null if there is none."""


def pool(texts: pl.DataFrame, counts: pl.DataFrame, units: pl.Series) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Add up the frames `texts` and `counts` of single segments by unit.

    texts, counts: as in `Measurements`, with or without the columns tokenizer and lang.
    units: the unit of each row of `texts`.
    """
    keys = [key for key in ("lang", "segment") if key in texts.columns]
    placed = texts.select(*keys, pl.col("chars").alias("own_chars"), pl.col("words").alias("own_words"), unit=units)
    joined = counts.join(placed, on=keys, how="left", maintain_order="left")
    sizes = joined.select(chars="own_chars", words="own_words")
    return pool_texts(texts, units), pool_counts(counts, sizes, joined["unit"])


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
    return add_up([rows])


def add_up(frames: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Add up the rows of the same unit, in frames of the same columns; the order of the frames does not matter."""
    rows = pl.concat(frames)
    keys = [key for key in KEYS if key in rows.columns]
    sums = [
        sum_column(name).cast(pl.Int64).alias(name) for name in rows.columns if name not in keys
    ]
    return rows.group_by(keys).agg(sums).sort(keys)


def sum_column(name: str) -> pl.Expr:
    """Return the sum of a column of pooled frames; 64 bits, with the nulls that `COMPLETE` and `KNOWN` state."""
    total = pl.col(name).cast(pl.Int64).sum()
    if name in COMPLETE:
        return pl.when(pl.col(name).null_count() == 0).then(total)
    if name in KNOWN:
        return pl.when(pl.col(name).count() > 0).then(total)
    return total


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
        numbers = pl.Series("segment", (ranks + self.first).astype(np.uint32))
        return numbers, pl.Series("block", self.blocks[ranks])


def find_language_units(segments: pl.Series, documents: pl.DataFrame, draw: Draw) -> UnitsOfLanguage:
    """Divide the segments of a language into units, each of one register.

    segments: their numbers. documents: the frame `documents` of the corpus.
    draw: what a unit is: a document (if the corpus names any) or a segment; a run of them if there are more than
        `MOST_UNITS`.
    """
    first, length = int(segments[0]), len(segments)
    if documents.is_empty() or (draw == "segments" and "register" not in documents.columns):
        numbers = pl.Series("segment", np.arange(min(MOST_UNITS, length), dtype=np.uint32) + np.uint32(first))
        named = documents.clear()
        if not documents.is_empty():  # that they have names is kept, so that nobody takes the units for documents
            named = pl.DataFrame({"segment": numbers}).with_columns(document=pl.lit(None, pl.String))
        return UnitsOfLanguage(length, first, None, assign_blocks(numbers, named)["block"].to_numpy(), named)
    rows = pl.DataFrame({"segment": segments}).join(documents, on="segment", how="left", maintain_order="left")
    # A segment without a document is one by itself, after the others.
    name = pl.col("document").fill_null(pl.format("\U0010ffff{}", "segment"))
    register = pl.col("register") if "register" in rows.columns else pl.lit(None, pl.String).alias("register")
    item = pl.int_range(pl.len(), dtype=pl.UInt32) if draw == "segments" else name.rank("dense").cast(pl.UInt32) - 1
    rows = rows.select("segment", register, name.alias("document"), item=item)
    items = rows.unique("item", keep="first").sort("register", "item")
    items = items.with_columns(unit=pl.Series(cut_runs(items["register"])))
    of = rows.join(items.select("item", "unit"), on="item", how="left", maintain_order="left")["unit"]
    heads = items.unique("unit", keep="first", maintain_order=True)
    named = heads.select(
        (pl.col("unit") + first).cast(pl.UInt32).alias("segment"),
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
        return cls(
            {lang: find_language_units(corpus.number(lang), documents, draw) for lang in corpus.languages}
        )

    def list_documents(self, lengths: dict[str, int]) -> pl.DataFrame:
        """Return the frame `documents` of the units of the first segments of each language."""
        found: list[pl.DataFrame] = []
        for lang, length in lengths.items():
            own = self.by_language[lang]
            used = own.locate(0, length)[0].unique()
            found.append(own.documents.join(used.to_frame(), on="segment", how="semi"))
        return pl.concat(found).unique().sort("segment") if found else pl.DataFrame()


def hash_unit(shard: str, start: int, number: int) -> int:
    """Return the unit of a document, or of a run of segments, of a stream: 0 to `MOST_UNITS` - 1.

    It depends on where the document lies and on nothing else, so that shards can be measured anywhere.
    """
    key = f"{len(shard)} {shard} {start} {number}".encode()
    return int.from_bytes(hashlib.blake2b(key, digest_size=8).digest(), "little") % MOST_UNITS


GROUP_BITS = 48
"""Bits of a group's number: units of different groups of a stream do not share numbers."""


def number_group(label: str) -> int:
    """Return the number of the first unit of a group of a stream: a multiple of `MOST_UNITS`."""
    digest = hashlib.blake2b(label.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") % (1 << GROUP_BITS) * MOST_UNITS
