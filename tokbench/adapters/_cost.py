"""What an engine costs: what decides which of several exact ones runs a tokenizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tokbench.catalog.sources import Asset

UNIT = 100_000
"""Tokens of the vocabulary that a cost of loading is given for."""

GROWTH = 1.3
"""Loading n tokens takes n to this power, measured from 12,500 to 255,000: tables outgrow the processor's caches."""

MARKS: Mapping[str, bytes] = {
    "tokenizer.json": b'":',
    "vocab+merges": b'":',
    "tiktoken": b"\n",
    "tiktoken.json": b" ",
    "tekken": b'"token_bytes"',
    "rwkv": b"\n",
}
"""What a file holds once for each token of its vocabulary, by format."""


@dataclass(frozen=True)
class Cost:
    """Seconds of one core to load a vocabulary of 100,000 tokens, and to encode a MB (10^6 bytes) of text.

    Only ratios count: all of them were measured on one machine by `benchmarks/engine_costs.py` (see docs/engines.md).
    """

    load: float
    encode: float

    def total(self, tokens: int, text_bytes: int) -> float:
        """Return the seconds to load a vocabulary of so many tokens and to encode that much text.

        >>> Cost(load=0.5, encode=0.25).total(100_000, 4_000_000)
        1.5
        """
        return self.load * float((tokens / UNIT) ** GROWTH) + self.encode * text_bytes / 1e6


def count_tokens(asset: Asset) -> int:
    """Count the tokens of a vocabulary, within a percent, by the marks in its main file: it is not parsed."""
    return asset.files[0].read_bytes().count(MARKS[asset.format]) if asset.format in MARKS else 0


def has_merges(asset: Asset) -> bool:
    """Tell whether a tokenizer.json may be a BPE, the only kind that a second engine runs; other formats are."""
    return asset.format != "tokenizer.json" or b'"merges"' in asset.files[0].read_bytes()
