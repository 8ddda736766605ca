"""A sample of a stream: pieces, drawn at random without replacement from each group of files.

A piece is a window of a text or JSON Lines file on a fixed grid and holds the segments that start in it, so that every
segment belongs to exactly one piece. The order in which a stratum's pieces are drawn is fixed by the seed: a larger
sample contains the smaller ones, and the last sample is the whole source.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice

from tokbench.corpora._stream import Shard, Stream

PIECE_BYTES = 4 * 1024
"""Size of a piece: smaller ones need fewer bytes for the same precision, but more readings."""


@dataclass(frozen=True)
class Piece:
    """A part of a shard that is drawn as a whole.

    number: of the piece in its stratum. place: in the order of drawing, from 0.
    start, end: as `read_window` takes them; None for a shard that can only be read whole. size: bytes in storage.
    """

    number: int
    place: int
    shard: Shard
    start: int | None
    end: int | None
    size: int


Extent = Callable[[Shard], tuple[int, int] | None]
"""Returns where windows of a shard may begin and end; None if it can only be read whole (see `extent`)."""


class Stratum:
    """The shards of one group, cut into pieces that are drawn with equal probability.

    label: the group. size: bytes in storage.
    """

    def __init__(self, label: str, shards: Sequence[Shard], extent: Extent, piece_bytes: int = PIECE_BYTES) -> None:
        self.label = label
        self.shards = tuple(shards)
        self.size = sum(shard.size for shard in self.shards)
        self._windows = [_cut(shard, extent(shard), piece_bytes) for shard in self.shards]
        counts = [1 if found is None else -(-(found[1] - found[0]) // found[2]) for found in self._windows]
        self._ends = list(accumulate(counts))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def cut(self, number: int, place: int) -> Piece:
        """Return the piece of a number, from 0, that is drawn at a place."""
        at = bisect_right(self._ends, number)
        shard, windows = self.shards[at], self._windows[at]
        if windows is None:
            return Piece(number, place, shard, None, None, shard.size)
        first, end, step = windows
        start = first + (number - (self._ends[at - 1] if at else 0)) * step
        stop = min(start + step, end)
        return Piece(number, place, shard, start, stop, shard.size * (stop - start) // (end - first))

    def draw(self, seed: int) -> Iterator[Piece]:
        """Yield all pieces in random order."""
        return (self.cut(number, place) for place, number in enumerate(shuffle(len(self), f"{seed} {self.label}")))


def _cut(shard: Shard, extent: tuple[int, int] | None, piece_bytes: int) -> tuple[int, int, int] | None:
    """Return start, end and length of the windows of a shard, in its unit: bytes or rows."""
    if extent is None:
        return None
    first, end = extent
    return first, end, max(1, (end - first) * piece_bytes // max(shard.size, 1))


def shuffle(total: int, key: str) -> Iterator[int]:
    """Yield the numbers below `total` in random order, which depends on the key alone.

    Fisher-Yates: each order is equally likely (to 1 in 2^64 or so). Memory grows with what was drawn, not with the
    total. The same on every platform and with every version of every library.
    """
    moved: dict[int, int] = {}
    for place in range(total):
        digest = hashlib.blake2b(f"{key} {place}".encode(), digest_size=16).digest()
        other = place + int.from_bytes(digest, "little") % (total - place)
        number = moved.pop(other, other)
        if other != place:
            moved[other] = moved.pop(place, place)
        yield number


def stratify(stream: Stream, label: Callable[[Shard], str], extent: Extent) -> tuple[Stratum, ...]:
    """Return the strata of a stream, by label.

    label: the group of a shard's texts; the same for all shards if groups are told apart only in reading.
    """
    shards: defaultdict[str, list[Shard]] = defaultdict(list)
    for shard in stream.shards:
        shards[label(shard)].append(shard)
    return tuple(Stratum(name, own, extent) for name, own in sorted(shards.items()))


class Drawing:
    """The pieces of one stratum, drawn so far and to come."""

    def __init__(self, stratum: Stratum, seed: int) -> None:
        self.stratum = stratum
        self.drawn = 0
        self._order = stratum.draw(seed)

    @property
    def exhausted(self) -> bool:
        """Whether everything was drawn: the sample is then the source."""
        return self.drawn == len(self.stratum)

    def extend(self, size: int) -> list[Piece]:
        """Draw until the sample has `size` pieces; return the new ones in the order of the source."""
        pieces = list(islice(self._order, max(0, size - self.drawn)))
        self.drawn += len(pieces)
        return sorted(pieces, key=lambda piece: piece.number)
