"""Ids as flat arrays: what an adapter returns, and the bytes behind each id."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

import numpy as np
import numpy.typing as npt
import polars as pl

Ids = npt.NDArray[np.int32]
Places = npt.NDArray[np.intp]
Offsets = npt.NDArray[np.int64]
Windows = npt.NDArray[np.uint64]
"""The eight bytes from each position of a text on, as little-endian numbers."""

_WORD = 8
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
"""The bits of a little-endian number that its first 0 to 8 bytes fill."""


@dataclass(frozen=True, eq=False)
class EncodedBatch:
    """The ids of n texts in one array: text i holds `ids[offsets[i]:offsets[i + 1]]`.

    `ids` is int32, `offsets` int64 of length n + 1 with `offsets[0] == 0`.
    """

    ids: Ids
    offsets: Offsets

    @classmethod
    def from_arrays(cls, arrays: Sequence[npt.NDArray[np.integer]]) -> EncodedBatch:
        """Join one id array a text."""
        if not arrays:
            return cls(np.empty(0, np.int32), np.zeros(1, np.int64))
        ids = np.concatenate(arrays).astype(np.int32, copy=False)
        return cls(ids, offsets_of(np.fromiter(map(len, arrays), np.int64, len(arrays))))

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]]) -> EncodedBatch:
        """Join one id list a text, for engines that give nothing but lists."""
        offsets = offsets_of(np.fromiter(map(len, lists), np.int64, len(lists)))
        ids = np.fromiter(chain.from_iterable(lists), np.int32, int(offsets[-1]))
        return cls(ids, offsets)

    @cached_property
    def places(self) -> Places:
        """The ids as numpy looks things up by, which it would make of them in each look-up anew."""
        return self.ids.astype(np.intp)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Tokens per text."""
        return np.diff(self.offsets)

    def sum_by_text(self, per_token: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
        """Sums over each text of a number, or a flag, per token."""
        return sum_ranges(per_token, self.offsets)

    def take(self, which: npt.NDArray[np.integer]) -> EncodedBatch:
        """The ids of some of the texts, in the order named."""
        offsets = offsets_of(self.counts[which])
        shift = np.repeat(self.offsets[:-1][which] - offsets[:-1], np.diff(offsets))
        return EncodedBatch(self.ids.take(np.arange(offsets[-1]) + shift), offsets)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, text: int) -> Ids:
        if not -len(self) <= text < len(self):
            raise IndexError(text)
        text %= len(self)
        return self.ids[self.offsets[text] : self.offsets[text + 1]]

    def __iter__(self) -> Iterator[Ids]:
        return (self[text] for text in range(len(self)))


def offsets_of(lengths: npt.NDArray[np.integer]) -> Offsets:
    """Where each of consecutive pieces of these lengths starts, and where the last ends."""
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    return offsets


def sum_ranges(values: npt.NDArray[np.generic], offsets: Offsets) -> npt.NDArray[np.int64]:
    """Sums of `values[offsets[i]:offsets[i + 1]]`, empty ranges 0."""
    if values.dtype == np.bool_:
        return np.diff(np.searchsorted(np.flatnonzero(values), offsets))
    running = offsets_of(values.astype(np.int64, copy=False))
    return np.diff(running[offsets])


@dataclass(frozen=True, eq=False)
class Spans:
    """Where each token of a batch lies in its text: character positions, start and end, one pair a token."""

    batch: EncodedBatch
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def _overlap(content: bytes) -> Windows:
    """The eight bytes from each position of `content` on, its end filled with zeros, in one memory."""
    return np.ndarray((len(content) + 1,), "<u8", content + bytes(_WORD), 0, (1,))


def view_windows(content: bytes) -> Windows:
    """The eight bytes from each position of `content` on, its end filled with zeros.

    In memory of their own: `take` copies anew whatever overlaps.
    """
    return _overlap(content).copy()


@dataclass(frozen=True, eq=False)
class TokenTable:
    """The bytes of every id of a vocabulary: id i holds `data[offsets[i]:offsets[i + 1]]`.

    `known[i]` is false for special tokens and for holes in the numbering; those hold no bytes.
    """

    data: npt.NDArray[np.uint8]
    offsets: Offsets
    known: npt.NDArray[np.bool_]

    @classmethod
    def from_mapping(cls, token_bytes: Mapping[int, bytes], size: int) -> TokenTable:
        """A table of `size` ids from the bytes of those that have any."""
        return cls.from_tokens(token_bytes.get(i) for i in range(size))

    @classmethod
    def from_tokens(cls, tokens: Iterable[bytes | None]) -> TokenTable:
        """A table from the bytes of the ids 0, 1, ..., None for a special token or a hole."""
        listed = list(tokens)
        lengths = np.fromiter((len(t) if t else 0 for t in listed), np.int64, len(listed))
        known = np.fromiter((t is not None for t in listed), np.bool_, len(listed))
        data = np.frombuffer(b"".join(t for t in listed if t), np.uint8)
        return cls(data, offsets_of(lengths), known)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Bytes per id."""
        return np.diff(self.offsets)

    @cached_property
    def partial(self) -> npt.NDArray[np.bool_]:
        """Which ids are not whole characters: their bytes alone are no valid UTF-8."""
        high = np.flatnonzero(sum_ranges(self.data >= 0x80, self.offsets))
        flags = np.zeros(len(self), np.bool_)
        whole = self.data.tobytes()
        bounds = zip(self.offsets[high].tolist(), self.offsets[high + 1].tolist(), strict=True)
        # Ignoring what is invalid is faster than an exception for each such token.
        flags[high] = [(token := whole[start:end]).decode(errors="ignore").encode() != token for start, end in bounds]
        return flags

    def recall_partial(self, partial: npt.NDArray[np.bool_]) -> None:
        """Take what `partial` was found to be before."""
        self.__dict__["partial"] = partial

    @cached_property
    def blank(self) -> npt.NDArray[np.bool_]:
        """Which ids are nothing but white space in ASCII: the space marker alone, a run of line feeds."""
        spaces = np.isin(self.data, np.frombuffer(b" \t\n\r\x0b\x0c", np.uint8))
        flags: npt.NDArray[np.bool_] = (sum_ranges(spaces, self.offsets) == self.lengths) & (self.lengths > 0)
        return flags

    @cached_property
    def _heads(self) -> tuple[Windows, Windows, npt.NDArray[np.bool_]]:
        """Of each id: its first eight bytes as one number, the bits that its bytes fill, whether it has more.

        One without bytes has those that are in no text.
        """
        heads, masks = self._windows[self.offsets[:-1]], _MASKS[np.minimum(self.lengths, _WORD)]
        heads[~self.known] = masks[~self.known] = _MASKS[-1]
        return heads, masks, self.lengths > _WORD

    @cached_property
    def _windows(self) -> Windows:
        """The eight bytes from each position of the data on, in the memory of the data."""
        return _overlap(self.data.tobytes())

    def differ(self, ids: Ids | Places, text: Windows, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """For each id: do its bytes differ from those of a text from `starts` on; yes where it has none.

        Eight bytes are compared at once.
        """
        heads, masks, long = self._heads
        # `take` into one array that is changed in place: a third of the time of the same in one expression.
        bits = text.take(starts)
        bits ^= heads.take(ids)
        bits &= masks.take(ids)
        wrong: npt.NDArray[np.bool_] = bits != 0
        longer = np.flatnonzero(long.take(ids))
        rest = ids.take(longer)
        at, own, left = starts.take(longer), self.offsets.take(rest), self.lengths.take(rest)
        while len(longer):
            at, own, left = at + _WORD, own + _WORD, left - _WORD
            bits = text.take(np.minimum(at, len(text) - 1))
            bits ^= self._windows[own]
            bits &= _MASKS.take(np.minimum(left, _WORD))
            unequal = bits != 0
            if unequal.any():
                wrong[longer[unequal]] = True
            more = np.flatnonzero(left > _WORD)
            longer, at, own, left = longer.take(more), at.take(more), own.take(more), left.take(more)
        return wrong

    def bounds(self, ids: Ids | Places) -> Offsets:
        """Where the bytes of each of these ids begin when all are joined, and where the last end."""
        return offsets_of(self.lengths.take(ids))

    def to_series(self) -> pl.Series:
        """The bytes of each id as a polars series, null for those that have none."""
        # Slices of one value share its memory: no Python object a token.
        whole = pl.lit(self.data.tobytes(), pl.Binary)
        rows = pl.DataFrame({"start": self.offsets[:-1], "size": self.lengths, "known": self.known})
        return rows.select(pl.when("known").then(whole.bin.slice(pl.col("start"), pl.col("size")))).to_series()

    def concatenate(self, ids: Ids) -> npt.NDArray[np.uint8]:
        """The bytes of a sequence of ids, one after the other."""
        lengths = self.lengths[ids]
        ends = np.cumsum(lengths)
        total = int(ends[-1]) if len(ends) else 0
        shift = np.repeat(self.offsets[ids] - (ends - lengths), lengths)
        gathered: npt.NDArray[np.uint8] = self.data[np.arange(total) + shift]
        return gathered

    def __len__(self) -> int:
        return len(self.known)

    def __getitem__(self, token: int) -> bytes | None:
        if not 0 <= token < len(self):
            raise IndexError(token)
        if not self.known[token]:
            return None
        return self.data[self.offsets[token] : self.offsets[token + 1]].tobytes()
