"""What the bytes of a token say of its place among characters and words."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from tokbench.adapters._ranges import Offsets, offsets_of, sum_ranges

PARTIAL, CROSSING, OVER_WORDS = 1, 2, 4
"""Bits: not whole characters; bytes of two characters or more, one of them incomplete; parts of two words or more."""


def find_kinds(data: npt.NDArray[np.uint8], offsets: Offsets, partial: npt.NDArray[np.bool_]) -> npt.NDArray[np.uint8]:
    """Return the bits of each token.

    data: the bytes of all tokens. offsets: where each starts, and the last ends. partial: flags of the partial ones.
    """
    kinds = np.where(partial, PARTIAL, 0).astype(np.uint8)
    kinds[partial & find_several(data, offsets)] |= CROSSING
    kinds[find_over_words(data, offsets)] |= OVER_WORDS
    return kinds


def find_several(data: npt.NDArray[np.uint8], offsets: Offsets) -> npt.NDArray[np.bool_]:
    """Flag the tokens in which a character starts after the first byte."""
    heads = offsets_of(((data & 0xC0) != 0x80).astype(np.int64))
    second = np.minimum(offsets[:-1] + 1, offsets[1:])
    flags: npt.NDArray[np.bool_] = heads[offsets[1:]] > heads[second]
    return flags


def find_over_words(data: npt.NDArray[np.uint8], offsets: Offsets) -> npt.NDArray[np.intp]:
    """Return the tokens with white space between other characters."""
    ascii_space = (data - 0x09 < 5) | (data - 0x1C < 5)  # bytes wrap around
    other_space = np.isin(data, np.frombuffer(b"\xc2\xe1\xe2\xe3", np.uint8))  # what it may start with
    tokens = np.flatnonzero(sum_ranges(ascii_space | other_space, offsets))
    whole = data.tobytes()
    bounds = zip(offsets[tokens].tolist(), offsets[tokens + 1].tolist(), strict=True)
    several = [len(whole[start:end].decode(errors="replace").split()) > 1 for start, end in bounds]
    return tokens[np.array(several, np.bool_)]
