"""Ids as flat arrays: the output of an adapter, and the bytes of each id."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from tokbench.adapters._ranges import Offsets, offsets_of, sum_ranges
from tokbench.adapters._token_kinds import find_kinds

if TYPE_CHECKING:
    import polars as pl

Ids = npt.NDArray[np.int32]
Indices = npt.NDArray[np.intp]
Windows = npt.NDArray[np.uint64]
"""The eight bytes starting at each position of a text, as little-endian numbers."""

_WORD = 8
_MASKS = np.array([(1 << 8 * size) - 1 for size in range(_WORD + 1)], np.uint64)
"""Masks of the bits that the first 0 to 8 bytes of a little-endian number fill."""


@dataclass(frozen=True, eq=False)
class EncodedBatch:
    """The ids of n texts in one array; of text i, `ids[offsets[i]:offsets[i + 1]]`.

    `ids` is int32, `offsets` int64 of length n + 1 with `offsets[0] == 0`.
    locate: returns the spans in the texts of these numbers, where the engine found them while it encoded.
    """

    ids: Ids
    offsets: Offsets
    locate: Callable[[Indices], Spans] | None = None

    @classmethod
    def from_arrays(cls, arrays: Sequence[npt.NDArray[np.integer]]) -> EncodedBatch:
        """Join one id array per text."""
        if not arrays:
            return cls(np.empty(0, np.int32), np.zeros(1, np.int64))
        ids = np.concatenate(arrays).astype(np.int32, copy=False)
        return cls(ids, offsets_of(np.fromiter(map(len, arrays), np.int64, len(arrays))))

    @classmethod
    def from_lists(cls, lists: Sequence[Sequence[int]]) -> EncodedBatch:
        """Join one id list per text, for engines that return only lists."""
        offsets = offsets_of(np.fromiter(map(len, lists), np.int64, len(lists)))
        ids = np.fromiter(chain.from_iterable(lists), np.int32, int(offsets[-1]))
        return cls(ids, offsets)

    @cached_property
    def indices(self) -> Indices:
        """`ids` as `intp`, cached: numpy would convert them on every index operation."""
        return self.ids.astype(np.intp)

    @property
    def counts(self) -> npt.NDArray[np.int64]:
        """Tokens per text."""
        return np.diff(self.offsets)

    def sum_by_text(self, per_token: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
        """Sum a number, or a flag, per token over each text."""
        return sum_ranges(per_token, self.offsets)

    def take(self, which: npt.NDArray[np.integer]) -> EncodedBatch:
        """Select texts, in the order given."""
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


@dataclass(frozen=True, eq=False)
class Spans:
    """The span of each token of a batch in its text: start and end in characters."""

    batch: EncodedBatch
    starts: npt.NDArray[np.int64]
    ends: npt.NDArray[np.int64]


def _overlap(content: bytes) -> Windows:
    """Return the eight bytes at each position of `content`, as overlapping views.

    The end is padded with zeros.
    """
    return np.ndarray((len(content) + 1,), "<u8", content + bytes(_WORD), 0, (1,))


def view_windows(content: bytes) -> Windows:
    """Return the eight bytes at each position of `content`, padded with zeros.

    Not overlapping in memory: `take` would copy overlapping arrays on every call.
    """
    return _overlap(content).copy()


@dataclass(frozen=True, eq=False)
class TokenTable:
    """The bytes of every id; of id i, `data[offsets[i]:offsets[i + 1]]`.

    `known[i]` is false for special tokens and for holes in the numbering, which have no bytes.
    """

    data: npt.NDArray[np.uint8]
    offsets: Offsets
    known: npt.NDArray[np.bool_]

    @classmethod
    def from_mapping(cls, token_bytes: Mapping[int, bytes], size: int) -> TokenTable:
        """Build a table of `size` ids from the bytes of those that have any.

        Ids from `size` on are left out.
        """
        ids = sorted(number for number in token_bytes if 0 <= number < size)
        tokens = [token_bytes[number] for number in ids]
        lengths, known = np.zeros(size, np.int64), np.zeros(size, np.bool_)
        lengths[ids] = [len(token) for token in tokens]
        known[ids] = True
        return cls(np.frombuffer(b"".join(tokens), np.uint8), offsets_of(lengths), known)

    @classmethod
    def from_tokens(cls, tokens: Iterable[bytes | None]) -> TokenTable:
        """Build a table from the bytes of the ids 0, 1, ...; None for a special token or a hole."""
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
        """Flags of the ids whose bytes alone are not whole characters in UTF-8."""
        high = np.flatnonzero(sum_ranges(self.data >= 0x80, self.offsets))
        flags = np.zeros(len(self), np.bool_)
        whole = self.data.tobytes()
        bounds = zip(self.offsets[high].tolist(), self.offsets[high + 1].tolist(), strict=True)
        # Ignoring invalid bytes is faster than an exception for each such token.
        flags[high] = [(token := whole[start:end]).decode(errors="ignore").encode() != token for start, end in bounds]
        return flags

    @cached_property
    def kinds(self) -> npt.NDArray[np.uint8]:
        """`PARTIAL`, `CROSSING` and `OVER_WORDS` of each id, in one number."""
        return find_kinds(self.data, self.offsets, self.partial)

    def recall_partial(self, partial: npt.NDArray[np.bool_]) -> None:
        """Set `partial` from a cache."""
        self.__dict__["partial"] = partial

    @cached_property
    def blank(self) -> npt.NDArray[np.bool_]:
        """Flags of the ids that are only ASCII white space, such as a lone space marker."""
        spaces = np.isin(self.data, np.frombuffer(b" \t\n\r\x0b\x0c", np.uint8))
        flags: npt.NDArray[np.bool_] = (sum_ranges(spaces, self.offsets) == self.lengths) & (self.lengths > 0)
        return flags

    @cached_property
    def _heads(self) -> tuple[Windows, Windows, npt.NDArray[np.bool_]]:
        """Per id: its first eight bytes as a number, their mask, whether it has more.

        An id without bytes gets a value that occurs in no text.
        """
        heads, masks = self._windows[self.offsets[:-1]], _MASKS[np.minimum(self.lengths, _WORD)]
        heads[~self.known] = masks[~self.known] = _MASKS[-1]
        return heads, masks, self.lengths > _WORD

    @cached_property
    def _windows(self) -> Windows:
        """The eight bytes at each position of the data, sharing its memory."""
        return _overlap(self.data.tobytes())

    def differ(self, ids: Ids | Indices, text: Windows, starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Return per id whether its bytes differ from those of a text at `starts`.

        It is true for an id without bytes.
        Eight bytes are compared at a time.
        """
        heads, masks, long = self._heads
        # `take` into one array that is changed in place takes a third of the time of a single expression.
        bits = text.take(starts)
        bits ^= heads.take(ids)
        bits &= masks.take(ids)
        wrong: npt.NDArray[np.bool_] = bits != 0
        longer = np.flatnonzero(long.take(ids))
        rest = ids.take(longer)
        at, source, left = starts.take(longer), self.offsets.take(rest), self.lengths.take(rest)
        while len(longer):
            at, source, left = at + _WORD, source + _WORD, left - _WORD
            bits = text.take(np.minimum(at, len(text) - 1))
            bits ^= self._windows[source]
            bits &= _MASKS.take(np.minimum(left, _WORD))
            unequal = bits != 0
            if unequal.any():
                wrong[longer[unequal]] = True
            more = np.flatnonzero(left > _WORD)
            longer, at, source, left = longer.take(more), at.take(more), source.take(more), left.take(more)
        return wrong

    def bounds(self, ids: Ids | Indices) -> Offsets:
        """Return where the bytes of each of these ids start when joined, and their end."""
        return offsets_of(self.lengths.take(ids))

    def locate(self, ids: Ids, prefix: bytes | None, content: bytes) -> tuple[Offsets, Offsets] | None:
        """Return the byte starts and ends of ids in `content`, below 0 within the prefix.

        None if the bytes of the ids are not `prefix` and `content`.
        """
        if prefix is None or not self.known[ids].all() or self.concatenate(ids).tobytes() != prefix + content:
            return None
        bounds = self.bounds(ids) - len(prefix)
        return bounds[:-1], bounds[1:]

    def to_series(self) -> pl.Series:
        """Return the bytes of each id as a polars series, null for those that have none."""
        # Slices of one value share its memory, without a Python object per token.
        import polars as pl  # here, since counting tokens does without it

        whole = pl.lit(self.data.tobytes(), pl.Binary)
        rows = pl.DataFrame({"start": self.offsets[:-1], "size": self.lengths, "known": self.known})
        return rows.select(pl.when("known").then(whole.bin.slice(pl.col("start"), pl.col("size")))).to_series()

    def concatenate(self, ids: Ids) -> npt.NDArray[np.uint8]:
        """Concatenate the bytes of a sequence of ids."""
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

    def items(self) -> Iterator[tuple[int, bytes]]:
        """Yield the ids that have bytes, in order, with their bytes: the holes of a sparse numbering take no time."""
        for token in np.flatnonzero(self.known).tolist():
            yield token, self.data[self.offsets[token] : self.offsets[token + 1]].tobytes()
