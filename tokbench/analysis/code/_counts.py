"""Counts of what tokens do to code, per file, from arrays of places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tokbench.analysis.code._kinds import IDENTIFIER, KINDS
from tokbench.analysis.code._leaves import Leaves
from tokbench.analysis.token_places import WHITE, Flags, JoinedTexts, Positions, TokenPlaces, count_flags

_UNDERSCORE, _SPACE, _TAB, _LF = map(ord, "_ \t\n")
_SIZES = ("bytes", "tokens")


@dataclass(frozen=True, eq=False)
class CodeCounts:
    """Counts per text.

    names: of the columns of `counts`, (texts, names). lines: text, depth (bytes of white space) and white-space tokens
    of each line that is not blank, (lines, 3).
    """

    names: tuple[str, ...]
    counts: npt.NDArray[np.int64]
    lines: npt.NDArray[np.int64]


def count_code(joined: JoinedTexts, leaves: Leaves, places: TokenPlaces) -> CodeCounts:
    """Count leaves, identifiers, lines, bytes and tokens of each text; 0 where the places of tokens are unknown."""
    texts = len(joined.texts)
    known = places.known
    columns = {
        **count_leaves(joined, leaves, places),
        **count_identifiers(joined, leaves, places),
        "bytes": joined.sizes,
        "tokens": places.tokens,
    }
    lines = measure_lines(joined, places)
    lines = lines[known[lines[:, 0]]]
    indented = lines[lines[:, 1] > 0]
    columns["indented_lines"] = np.bincount(indented[:, 0], minlength=texts)
    columns["indentation_tokens"] = np.bincount(indented[:, 0], indented[:, 2], minlength=texts).astype(np.int64)
    counts = np.stack([columns[name] * (known | (name in _SIZES)) for name in columns], axis=-1).astype(np.int64)
    return CodeCounts(tuple(columns), counts, lines)


def count_leaves(joined: JoinedTexts, leaves: Leaves, places: TokenPlaces) -> dict[str, Positions]:
    """Count per text the leaves, those kept, apart, and one token; the first three also by kind.

    kept: a token starts at its start (after a space, at most) and one ends at its end. apart: the same, if tokens are
    taken without the white space at their ends. whole: kept, and no token ends inside.
    """
    texts = len(joined.texts)
    starts, ends = joined.offsets[leaves.text] + leaves.starts, joined.offsets[leaves.text] + leaves.ends
    kept = places.start_flags[starts] & places.end_flags[ends]
    trimmed_starts, trimmed_ends = places.trim()
    apart = (places.start_flags[starts] | trimmed_starts[starts]) & (places.end_flags[ends] | trimmed_ends[ends])
    until = count_flags(places.end_flags)
    whole = kept & (until[ends] == until[starts + 1])
    found = {
        "leaves": np.bincount(leaves.text, minlength=texts),
        "kept": np.bincount(leaves.text[kept], minlength=texts),
        "apart": np.bincount(leaves.text[apart], minlength=texts),
        "whole": np.bincount(leaves.text[whole], minlength=texts),
    }
    for number, kind in enumerate(KINDS):
        of_kind = leaves.kinds == number
        found[f"leaves_{kind}"] = np.bincount(leaves.text[of_kind], minlength=texts)
        found[f"kept_{kind}"] = np.bincount(leaves.text[of_kind & kept], minlength=texts)
        found[f"apart_{kind}"] = np.bincount(leaves.text[of_kind & apart], minlength=texts)
    return found


def count_identifiers(joined: JoinedTexts, leaves: Leaves, places: TokenPlaces) -> dict[str, Positions]:
    """Count per text identifiers, those cut at joints only, those cut elsewhere, joints, and joints that are cut."""
    texts = len(joined.texts)
    chosen = leaves.kinds == IDENTIFIER
    text = leaves.text[chosen]
    starts, ends = joined.offsets[text] + leaves.starts[chosen], joined.offsets[text] + leaves.ends[chosen]
    joints = find_joints(joined)

    def count_inside(flags: Flags) -> Positions:
        until = count_flags(flags)
        found: Positions = until[ends] - until[starts + 1]
        return found

    at_joints, elsewhere = count_inside(places.end_flags & joints), count_inside(places.end_flags & ~joints)
    return {
        "identifiers": np.bincount(text, minlength=texts),
        "cut_at_joints": np.bincount(text[(at_joints > 0) & (elsewhere == 0)], minlength=texts),
        "cut_elsewhere": np.bincount(text[elsewhere > 0], minlength=texts),
        "joints": np.bincount(text, count_inside(joints), minlength=texts).astype(np.int64),
        "joints_cut": np.bincount(text, at_joints, minlength=texts).astype(np.int64),
    }


def find_joints(joined: JoinedTexts) -> Flags:
    """Return flags of the positions that are joints of names written in camelCase or snake_case.

    They are before an upper-case letter that follows a lower-case one or a digit (`max|Size`, `utf8|Text`), before the
    last of several upper-case letters if a lower-case one follows (`HTTP|Server`), and at both ends of underscores
    (`max|_|size`).
    """
    points = np.frombuffer("\n".join([*joined.texts, ""]).encode("utf-32-le"), np.uint32)
    distinct, which = np.unique(points, return_inverse=True)
    characters = [chr(point) for point in distinct.tolist()]
    upper = np.array([c.isupper() for c in characters], np.bool_)[which]
    lower = np.array([c.islower() for c in characters], np.bool_)[which]
    digit = np.array([c.isdecimal() for c in characters], np.bool_)[which]
    underscore = points == _UNDERSCORE
    flags = np.zeros(len(joined.data) + 1, np.bool_)
    if len(points) < 2:
        return flags
    before, after = slice(None, -1), slice(1, None)
    joints = (lower[before] | digit[before]) & upper[after]
    joints |= underscore[before] != underscore[after]
    joints[:-1] |= upper[:-2] & upper[1:-1] & lower[2:]
    lengths = 1 + (points >= 0x80).astype(np.int64) + (points >= 0x800) + (points >= 0x10000)
    byte_at = np.cumsum(lengths)  # the byte after each character
    flags[byte_at[:-1][joints]] = True
    return flags


def measure_lines(joined: JoinedTexts, places: TokenPlaces) -> npt.NDArray[np.int64]:
    """Return (text, depth, white-space tokens) of each line that is not blank.

    depth: spaces and tabs before the first other character. A white-space token consists of white space only, and
    counts if it has a byte of the indentation.
    """
    data = joined.data
    white = np.isin(data, WHITE)
    solid = np.flatnonzero(~white)
    line_starts = np.concatenate([[0], np.flatnonzero(data == _LF) + 1])[:-1] if len(data) else np.empty(0, np.int64)
    line_ends = np.flatnonzero(data == _LF)
    first = np.searchsorted(solid, line_starts)
    filled = np.append(solid, len(data))[first] < line_ends
    starts, firsts = line_starts[filled], solid[first[filled]] if filled.any() else np.empty(0, np.int64)
    # Form feeds and the like are white space, but no indentation: the depth ends before them.
    other = np.flatnonzero((data != _SPACE) & (data != _TAB))
    ends = np.minimum(firsts, other[np.searchsorted(other, starts)]) if len(starts) else firsts
    until = count_flags(white)
    blank = until[places.ends] - until[places.starts] == places.ends - places.starts
    blank &= places.ends > places.starts
    token_starts, token_ends = places.starts[blank], places.ends[blank]
    tokens = np.searchsorted(token_starts, ends, "left") - np.searchsorted(token_ends, starts, "right")
    text = np.searchsorted(joined.offsets, starts, "right") - 1
    return np.stack([text, ends - starts, np.where(ends > starts, tokens, 0)], axis=-1).astype(np.int64)


def tabulate_lines(lines: npt.NDArray[np.int64], texts: int) -> tuple[Sequence[int], Sequence[int], Positions]:
    """Count the lines of each text by depth and tokens.

    Returns the depths and tokens of the pairs that occur, and the lines of each text with each, (texts, pairs).
    """
    pairs, which = np.unique(lines[:, 1:], axis=0, return_inverse=True)
    cells = lines[:, 0] * len(pairs) + which.reshape(-1)
    counts = np.bincount(cells, minlength=texts * len(pairs)).reshape(texts, len(pairs))
    return pairs[:, 0].tolist(), pairs[:, 1].tolist(), counts


def correlate_ranks(
    first: Sequence[int], second: Sequence[int], counts: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Return Spearman's rank correlation of pairs, equal values having the mean of their ranks.

    first, second: values of each distinct pair. counts: how often each occurs, (..., pairs). NaN if one of the two
    does not vary.
    """
    total = counts.sum(axis=-1, keepdims=True)
    ranks = [rank_middle(values, counts) - (total + 1) / 2 for values in (first, second)]
    a, b = ranks
    product = (counts * a * b).sum(axis=-1)
    spread = np.sqrt((counts * a * a).sum(axis=-1) * (counts * b * b).sum(axis=-1))
    undefined = np.full(product.shape, np.nan)
    found: npt.NDArray[np.float64] = np.divide(product, spread, out=undefined, where=spread > 0)
    return found


def rank_middle(values: Sequence[int], counts: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the mean rank of the value of each pair, (..., pairs)."""
    distinct, which = np.unique(np.asarray(values), return_inverse=True)
    belongs = (which[:, None] == np.arange(len(distinct))).astype(np.float64)
    by_value = counts @ belongs
    until = np.cumsum(by_value, axis=-1)
    middle: npt.NDArray[np.float64] = until - (by_value - 1) / 2
    return middle[..., which]
