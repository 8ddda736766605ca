"""What engines have in common that run the vocabulary of another: facts and decoding come from the reference."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tokbench.adapters._batch import EncodedBatch, Spans, TokenTable
from tokbench.adapters._failures import Guarded
from tokbench.adapters._protocol import Tokenizer
from tokbench.assets import Asset


@dataclass(frozen=True, eq=False)
class Facts:
    """What a tokenizer is, whatever engine runs it: sizes, unknown id, prefix, the bytes of its ids."""

    vocab_base: int
    vocab_total: int
    unk_id: int | None
    prefix: bytes | None
    table: TokenTable

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Facts:
        """The facts of a loaded tokenizer."""
        return cls(
            tokenizer.vocab_base, tokenizer.vocab_total, tokenizer.unk_id, tokenizer.prefix, tokenizer.token_table()
        )


class EngineTokenizer(Guarded, ABC):
    """A tokenizer on an engine that is not its reference: it encodes, the reference does the rest.

    The reference is loaded only when something is asked that neither this engine nor known `facts` can answer.
    """

    def __init__(self, asset: Asset, engine: str, path: str, load_reference: Callable[[Asset], Tokenizer]) -> None:
        self.asset = asset
        self.name = asset.name
        self.engine = engine
        self.path = path
        self._load_reference = load_reference
        self._lock = threading.Lock()
        self._reference: Tokenizer | None = None
        self._facts: Facts | None = None

    @property
    def reference(self) -> Tokenizer:
        """The same tokenizer on its reference engine, loaded when first asked for."""
        with self._lock:
            if self._reference is None:
                self._reference = self._load_reference(self.asset)
            return self._reference

    def adopt(self, known: Facts | Tokenizer) -> None:
        """Take facts that were read before, or the reference where it is loaded, instead of loading it again."""
        if isinstance(known, Facts):
            self._facts = known
        else:
            self._reference = known

    @cached_property
    def facts(self) -> Facts:
        """The facts: those adopted, else the reference's."""
        return self._facts or Facts.of(self.reference)

    @property
    def vocab_base(self) -> int:
        """Tokens of the model vocabulary."""
        return self.facts.vocab_base

    @property
    def vocab_total(self) -> int:
        """Size of the id space."""
        return self.facts.vocab_total

    @property
    def unk_id(self) -> int | None:
        """The id for unknown text, None where there is none."""
        return self.facts.unk_id

    @property
    def prefix(self) -> bytes | None:
        """What stands before a text in the bytes of its ids."""
        return self.facts.prefix

    @abstractmethod
    def encode_batch(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text."""

    def count_batch(self, texts: Sequence[str]) -> npt.NDArray[np.int64]:
        """Tokens per text."""
        return self.encode_batch(texts).counts

    def encode_with_special(self, texts: Sequence[str]) -> EncodedBatch:
        """The ids of each text, special tokens read from it, by the reference."""
        return self.reference.encode_with_special(texts)

    def decode_batch(self, batch: EncodedBatch) -> list[str]:
        """The text of each sequence of ids, by the reference."""
        return self.reference.decode_batch(batch)

    def decode(self, ids: Sequence[int]) -> str:
        """The text of one sequence of ids, by the reference."""
        return self.decode_batch(EncodedBatch.from_lists([ids]))[0]

    def token_bytes(self, token: int) -> bytes | None:
        """The bytes that an id stands for, None for a special token or an unused id."""
        return self.facts.table[token]

    def token_table(self) -> TokenTable:
        """The bytes of all ids, as one table of `vocab_total` rows."""
        return self.facts.table

    def spans(self, texts: Sequence[str]) -> Spans | None:
        """Where each token lies in its text, by the reference."""
        return self.reference.spans(texts)

    def __repr__(self) -> str:
        return f"<tokenizer {self.name} on {self.engine}>"
