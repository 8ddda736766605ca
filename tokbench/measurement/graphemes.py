"""Where grapheme clusters start: what a reader takes for one character (UAX #29).

The package `regex` defines them (`\\X`), so their Unicode version is that of the installed package. It is asked only
where code points combine: everywhere else a cluster is one code point, which arrays tell much faster.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.uint32]

_FIRST = 0x300
"""The first code point beyond ASCII that combines with another; below it, only CR and LF do."""

_COMBINES = r"[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}\p{GCB=Prepend}\p{RI}\p{GCB=L}\p{GCB=V}\p{GCB=T}]"
_LINE_FEED, _RETURN = 0x0A, 0x0D


def find_grapheme_starts(points: Points, text_starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Flag the code points of joined texts that start a grapheme cluster.

    points: the code points of all texts, each followed by one line feed.
    text_starts: where each text starts among them; no cluster reaches over it.
    """
    starts = np.ones(len(points), np.bool_)
    within = _find_combining(points)
    if len(within):
        chosen = np.zeros(len(points) + 2, np.bool_)
        # With its neighbours: a mark belongs to what is before it, a prepended sign to what follows.
        for shift in (0, 1, 2):
            chosen[within + shift] = True
        _resolve(points, np.flatnonzero(chosen[1:-1]), starts)
    returns = np.flatnonzero((points[:-1] == _RETURN) & (points[1:] == _LINE_FEED))
    starts[returns + 1] = False
    starts[text_starts] = True
    starts[text_starts[1:] - 1] = True  # the line feeds between texts
    starts[-1:] = True
    return starts


def _find_combining(points: Points) -> npt.NDArray[np.int64]:
    """Return the places of the code points that may not be a cluster by themselves."""
    high = np.flatnonzero(points >= _FIRST)
    if not len(high):
        return high
    values = points[high]
    seen = np.zeros(int(values.max()) + 1, np.bool_)
    seen[values] = True
    combining = np.zeros(len(seen), np.bool_)
    combining[[point for point in np.flatnonzero(seen).tolist() if _combines(point)]] = True
    return high[combining[values]]


@cache
def _combines(point: int) -> bool:
    import regex

    return regex.match(_COMBINES, chr(point)) is not None


def _resolve(points: Points, places: npt.NDArray[np.int64], starts: npt.NDArray[np.bool_]) -> None:
    """Set `starts` at these places, whose neighbouring runs are clustered each by itself."""
    import regex

    breaks = np.flatnonzero(np.diff(places) > 1) + 1
    # A line feed between two runs keeps them apart and is never part of a cluster with them.
    spaced = np.insert(points[places], breaks, np.uint32(_LINE_FEED))
    origin = np.insert(places, breaks, -1)
    text = spaced.astype("<u4").tobytes().decode("utf-32-le")
    found = np.fromiter((match.start() for match in regex.finditer(r"\X", text)), np.int64)
    starts[places] = False
    at = origin[found]
    starts[at[at >= 0]] = True
