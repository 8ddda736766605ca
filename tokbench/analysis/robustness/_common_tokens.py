"""Tokens that two encodings have in common, in order: the longest common subsequence of ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tokbench.adapters import EncodedBatch

MOST_STEPS = 1 << 36
"""Largest product of two lengths, in tokens, that is aligned: about ten seconds."""


def count_common(before: Sequence[int], after: Sequence[int]) -> int:
    """Return the length of the longest common subsequence of two sequences of ids.

    Time grows with the product of the lengths, divided by the width of a machine word: each id of `after` updates one
    bit per id of `before` in a single addition (Hyyrö 2004, Bit-parallel LCS-length computation revisited). Equal ends
    and ids that occur on one side only are removed first.

    >>> count_common([5, 1, 2, 3], [1, 9, 3])
    2
    """
    shared = count_equal(before, after)
    before, after = before[shared:], after[shared:]
    tail = count_equal(before[::-1], after[::-1])
    if tail:
        before, after = before[:-tail], after[:-tail]
    masks: dict[int, int] = {}
    for place, number in enumerate(before):
        masks[number] = masks.get(number, 0) | 1 << place
    full = (1 << len(before)) - 1
    rows = full
    for number in after:
        mask = masks.get(number)
        if mask is not None:
            matches = rows & mask
            rows = ((rows + matches) | (rows - matches)) & full
    return shared + tail + len(before) - rows.bit_count()


def count_equal(a: Sequence[int], b: Sequence[int]) -> int:
    """Return the number of equal ids at the start of two sequences."""
    length = min(len(a), len(b))
    return next((i for i in range(length) if a[i] != b[i]), length)


def count_unchanged(before: EncodedBatch, after: EncodedBatch) -> npt.NDArray[np.int64] | None:
    """Return per text how many tokens of `before` are also in `after`, in the same order.

    None if a text is too long to be aligned (`MOST_STEPS`).
    """
    if (before.counts.astype(np.float64) * after.counts > MOST_STEPS).any():
        return None
    found = (count_common(a.tolist(), b.tolist()) for a, b in zip(before, after, strict=True))
    return np.fromiter(found, np.int64, len(before))
