"""A closed model as a tokenizer: known by the counts of a counting API, without ids."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from tokbench.adapters._encoding import EncodedBatch, TokenTable
from tokbench.adapters._reference import LoadedTokenizer
from tokbench.catalog.count_record import Count, hash_text
from tokbench.catalog.counting_apis import NO_IDS, CountingModel
from tokbench.catalog.sources import Asset
from tokbench.errors import TokbenchError

COUNTS = "counts"
"""The format of an asset that is known by counts alone."""


class CountedTokenizer(LoadedTokenizer):
    """The counts of a counting API for the texts of a corpus.

    `count` and `count_batch` know these texts, and the empty one, which has no tokens. There are no ids: what needs
    them raises TokbenchError, and is null in measurements.

    counts: as the API gave them, by hash of the text.
    overhead: tokens that the API counts for the message around a text, subtracted from each count.
    """

    def __init__(self, model: CountingModel, counts: Mapping[str, Count], overhead: int) -> None:
        dates = sorted({count.date for count in counts.values()})
        self.dates = " to ".join(dict.fromkeys((dates[0], dates[-1]))) if dates else "no day"
        self.overhead = overhead
        self._counts = counts
        origin = f"counted by API on {self.dates}"
        if overhead:
            origin += f", {overhead} tokens of the message around each text subtracted"
        super().__init__(
            Asset(model.name, COUNTS, (), _hash_counts(model, counts, overhead), origin, None),
            "tokbench",
            model.provider.call,
            base=0,
            total=0,
        )
        self.engine = f"{model.host}@{self.dates.replace(' to ', '..')}"

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the tokens per text; TokbenchError for a text that was not counted."""
        return np.fromiter((self._look_up(text) for text in texts), np.int64, len(texts))

    def _look_up(self, text: str) -> int:
        if not text:
            return 0
        count = self._counts.get(hash_text(text))
        if count is None:
            raise TokbenchError(f"{self.name} has no count for a text of {len(text):,} characters", "count it first")
        if count.tokens < self.overhead:
            raise TokbenchError(
                f"{self.name} counted {count.tokens} tokens for a text, fewer than the {self.overhead} of an empty "
                "message",
                "the counts cannot be used",
            )
        return count.tokens - self.overhead

    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """Raise an error: there are no ids."""
        raise TokbenchError(f"{self.name}: {NO_IDS}", "choose what needs counts only")

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """Raise an error: there are no ids."""
        raise TokbenchError(f"{self.name}: {NO_IDS}", "choose what needs counts only")

    def read_table(self) -> TokenTable:
        """Return an empty table."""
        return TokenTable.from_tokens(())

    def __repr__(self) -> str:
        return f"<tokenizer {self.name}: {self.asset.origin}>"


def _hash_counts(model: CountingModel, counts: Mapping[str, Count], overhead: int) -> str:
    """Return the SHA-256 that identifies the counts in a signature: model, texts, numbers and days."""
    digest = hashlib.sha256(f"tokbench counts 1\n{model.host} {model.name} {overhead}\n".encode())
    for text, count in sorted(counts.items()):
        digest.update(f"{text} {count.tokens} {count.date}\n".encode())
    return digest.hexdigest()
