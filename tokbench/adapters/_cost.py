"""The cost of an engine, by which one of several exact engines is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tokbench.catalog.sources import Asset

UNIT = 100_000
"""Number of tokens in the vocabulary to which a loading cost refers."""

GROWTH = 1.3
"""Exponent of loading time over tokens, measured from 12,500 to 255,000: tables outgrow the processor's caches."""

MARKS: Mapping[str, bytes] = {
    "tokenizer.json": b'":',
    "vocab+merges": b'":',
    "tiktoken": b"\n",
    "tiktoken.json": b" ",
    "tekken": b'"token_bytes"',
    "rwkv": b"\n",
}
"""Bytes that occur once per token in a file, by format."""


@dataclass(frozen=True)
class Cost:
    """Core seconds to load 100,000 tokens, and to encode 1 MB (10^6 bytes) of text.

    Only ratios matter: all values were measured on one machine by `benchmarks/engine_costs.py` (see docs/engines.md).
    """

    load: float
    encode: float

    def total(self, tokens: int, text_bytes: int) -> float:
        """Return the seconds to load `tokens` tokens and to encode `text_bytes` bytes.

        >>> Cost(load=0.5, encode=0.25).total(100_000, 4_000_000)
        1.5
        """
        return self.load * float((tokens / UNIT) ** GROWTH) + self.encode * text_bytes / 1e6


def count_tokens(asset: Asset) -> int:
    """Count the tokens of a vocabulary, within a percent, without parsing it.

    It counts the marks in the main file.
    """
    return asset.files[0].read_bytes().count(MARKS[asset.format]) if asset.format in MARKS else 0


def has_merges(asset: Asset) -> bool:
    """Return whether a tokenizer may be BPE, judged without parsing a tokenizer.json.

    BPE is the only kind of tokenizer.json that a second engine runs; true for other formats.
    """
    return asset.format != "tokenizer.json" or b'"merges"' in asset.files[0].read_bytes()
