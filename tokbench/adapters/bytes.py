"""UTF-8 bytes as tokens: `utf8` (id = byte) and ByT5.

ByT5's ids are byte + 3, after its three special tokens.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tokbench.adapters._encoding import EncodedBatch, TokenTable
from tokbench.adapters._ranges import offsets_of
from tokbench.adapters._reference import LoadedTokenizer, check_format
from tokbench.catalog.sources import Asset

REFERENCE_FOR = frozenset({"bytes"})

_BYTES = 256
_BYT5_FIRST = 3


class ByteTokenizer(LoadedTokenizer):
    """Each byte of a text is a token, its id the byte plus `first`."""

    def __init__(self, asset: Asset, first: int) -> None:
        super().__init__(asset, "tokbench", "encode_batch", base=first + _BYTES, total=first + _BYTES)
        self.first = first

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Encode texts: all are joined, then read as one array."""
        encoded = [text.encode() for text in texts]
        lengths = np.fromiter(map(len, encoded), np.int64, len(encoded))
        ids = np.frombuffer(b"".join(encoded), np.uint8).astype(np.int32)
        return EncodedBatch(ids + np.int32(self.first), offsets_of(lengths))

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Decode each sequence of ids; special ids have no text."""
        decoded = []
        for ids in batch:
            codes = ids[(ids >= self.first) & (ids < self.first + _BYTES)]
            decoded.append((codes - self.first).astype(np.uint8).tobytes().decode(errors="replace"))
        return decoded

    def read_special_tokens(self) -> dict[int, str | None]:
        """Return the ids below the bytes."""
        return dict.fromkeys(range(self.first))

    def read_table(self) -> TokenTable:
        """Return the bytes 0 to 255, after the special ids."""
        return TokenTable.from_mapping({self.first + b: bytes([b]) for b in range(_BYTES)}, self.vocab_total)


def load(asset: Asset) -> ByteTokenizer:
    """Load the byte tokenizer of the asset's entry, whatever it is called: ByT5's numbering, or plain bytes."""
    check_format(asset, "bytes", REFERENCE_FOR)
    return ByteTokenizer(asset, _BYT5_FIRST if asset.entry is not None and asset.entry.name == "byt5" else 0)
