"""What an engine costs: what decides which of several exact ones runs a tokenizer."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """Seconds of one core per MB (10^6 bytes) of a tokenizer's files to load, and per MB of text to encode.

    Only ratios count: all of them were measured on one machine (see docs/engines.md).
    """

    load: float
    encode: float

    def total(self, file_bytes: int, text_bytes: int) -> float:
        """Seconds to load files of this size and to encode that much text.

        >>> Cost(load=0.5, encode=0.25).total(2_000_000, 4_000_000)
        2.0
        """
        return (self.load * file_bytes + self.encode * text_bytes) / 1e6
