"""Sample a stream until the intervals of its values are as narrow as asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tokbench.corpora._sampling import Drawing, Piece, schedule_sizes

FIRST = 64
"""Pieces that are drawn first from each group."""

GROWTH = 1.5
"""By how much the sample of a group grows from round to round."""

Pieces = Mapping[str, Sequence[Piece]]
"""Pieces by stratum."""


@dataclass(frozen=True)
class Sample:
    """How a sample was drawn, and how much it is of the source.

    precision: half-width asked of the intervals (0.01: 1 % of a value, 1 point of a share). seed: of the draws.
    pieces, bytes: drawn. of_pieces, of_bytes: in the source. rounds: how often the intervals were looked at.
    """

    precision: float
    seed: int
    pieces: int
    bytes: int
    of_pieces: int
    of_bytes: int
    rounds: int

    @property
    def whole(self) -> bool:
        """Whether everything was read."""
        return self.pieces == self.of_pieces


def draw_until_narrow(
    drawings: Sequence[Drawing],
    measure: Callable[[Pieces], object],
    find_wide: Callable[[], Collection[str | None]],
) -> int:
    """Draw pieces from each stratum in rounds until no interval is too wide; return the number of rounds.

    measure: adds the counts of new pieces. find_wide: returns the groups with an interval that is too wide; None for
    all groups together.

    Sizes of samples are those of `schedule_sizes`, whatever is found. A stratum whose intervals are narrow is not drawn
    from in the next round; one that is exhausted was read in full.
    """
    wanted: Iterable[Drawing] = drawings
    for rounds, size in enumerate(schedule_sizes(FIRST, GROWTH), start=1):
        measure({drawing.stratum.label: drawing.extend(size) for drawing in wanted})
        left = [drawing for drawing in drawings if not drawing.exhausted]
        wide = find_wide() if left else ()
        wanted = [d for d in left if None in wide or d.stratum.label in wide or (wide and len(drawings) == 1)]
        if not wanted:
            return rounds
    raise AssertionError  # sizes grow for ever
