"""Where grapheme clusters start: what a reader takes for one character (UAX #29).

The package `regex` defines them (`\\X`), so their Unicode version is that of the installed package. It is asked only
where code points combine: everywhere else a cluster is one code point, which arrays tell much faster.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.uint32]

_FIRST_LEAD = 0xCC
"""The first byte of U+0300 in UTF-8: no code point below it combines with another, but for CR and LF."""

_ALONE = 0xE4, 0xE9
"""First bytes of U+4000 to U+9FFF, Chinese characters and hexagrams, none of which combines."""

_COMBINES = r"[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}\p{GCB=Prepend}\p{RI}\p{GCB=L}\p{GCB=V}\p{GCB=T}]"
_LINE_FEED, _RETURN = 0x0A, 0x0D


def find_continuing(content: npt.NDArray[np.uint8], text_starts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return where the code points start that continue a grapheme cluster, in bytes, ascending.

    content: the texts in UTF-8, each followed by one line feed.
    text_starts: where each text starts; no cluster reaches over it.
    """
    first, last = _ALONE
    high = np.flatnonzero((content >= _FIRST_LEAD) & ((content - np.uint8(first)) > last - first))  # bytes wrap around
    feeds = np.flatnonzero((content[1:] == _LINE_FEED) & (content[:-1] == _RETURN)) + 1
    feeds = feeds[~np.isin(feeds, text_starts[1:] - 1) & (feeds < len(content) - 1)]
    if not len(high) or not _find_combining(decode_points(content, high)).any():
        return feeds
    points = np.frombuffer(content.tobytes().decode().encode("utf-32-le"), np.uint32)
    at = np.flatnonzero((content & 0xC0) != 0x80)
    starts = find_grapheme_starts(points, np.searchsorted(at, text_starts))
    continuing: npt.NDArray[np.int64] = at[~starts]
    return continuing


def decode_points(content: npt.NDArray[np.uint8], at: npt.NDArray[np.int64]) -> Points:
    """Return the code points of two bytes or more that start at some places."""
    padded = np.append(content, np.zeros(3, np.uint8))
    first, second, third, fourth = (padded[at + i].astype(np.uint32) for i in range(4))
    two = (first & 0x1F) << 6 | second & 0x3F
    three = (first & 0x0F) << 12 | (second & 0x3F) << 6 | third & 0x3F
    four = (first & 0x07) << 18 | (second & 0x3F) << 12 | (third & 0x3F) << 6 | fourth & 0x3F
    return np.where(first < 0xE0, two, np.where(first < 0xF0, three, four))


def find_grapheme_starts(points: Points, text_starts: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Flag the code points of joined texts that start a grapheme cluster.

    points: the code points of all texts, each followed by one line feed.
    text_starts: where each text starts among them; no cluster reaches over it.
    """
    starts = np.ones(len(points), np.bool_)
    within = np.flatnonzero(_find_combining(points))
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


def _find_combining(points: Points) -> npt.NDArray[np.bool_]:
    """Flag the code points that may not be a cluster by themselves."""
    seen = np.zeros(int(points.max(initial=0)) + 1, np.bool_)
    seen[points] = True
    combining = np.zeros(len(seen), np.bool_)
    combining[[point for point in np.flatnonzero(seen).tolist() if point >= 0x300 and _combines(point)]] = True
    return combining[points]


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
