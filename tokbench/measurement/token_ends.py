"""Ranges of bytes in joined texts, and where tokens end in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ranges:
    """Ranges of bytes in joined texts: `[starts[i], ends[i])`, in text `text[i]`."""

    starts: Counts
    ends: Counts
    text: Counts

    def __len__(self) -> int:
        return len(self.starts)

    def count(self, texts: int, flags: Flags | None = None) -> Counts:
        """Count per text the ranges, or those that are flagged."""
        chosen = self.text if flags is None else self.text[flags]
        return np.bincount(chosen, minlength=texts).astype(np.int64)


@dataclass(frozen=True, eq=False)
class TokenEnds:
    """Where tokens end in joined texts.

    at[p]: whether a token ends before byte p, or a text starts there.
    """

    at: Flags

    @classmethod
    def start(cls, text_starts: Counts, size: int) -> TokenEnds:
        """Return the ends of no token yet: only texts start.

        size: bytes of the joined texts, with the line feed after the last.
        """
        at = np.zeros(size + 1, np.bool_)
        at[text_starts] = True
        return cls(at)

    @cached_property
    def until(self) -> npt.NDArray[np.int32]:
        """How many there are up to and including each byte."""
        return np.cumsum(self.at, dtype=np.int32)

    def within(self, ranges: Ranges) -> Counts:
        """Count the tokens that end inside each range, at neither of its ends."""
        if not len(ranges):
            return np.zeros(0, np.int64)
        return (self.until[ranges.ends - 1] - self.until[ranges.starts]).astype(np.int64)
